// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/testing/interleavings.h"

#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_join.h"
#include "gmock/gmock.h"
#include "gtest/gtest-spi.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(InterleavingsTest, EveryOrderHappensOnceWithAndWithoutTurnsBetween) {
  std::vector<std::string> orders;
  EXPECT_EQ(ForEveryInterleaving([&](Interleaving& run) {
              TestLoop test;
              run.Add("a", [] {});
              run.Add("b", [] {});
              run.Play(test);
              orders.push_back(run.DebugString());
            }),
            4);
  EXPECT_THAT(orders, ElementsAre("a, b", "a | b", "b, a", "b | a"));
}

TEST(InterleavingsTest, WhatAnActionWokeRunsBeforeTheNextTurnsAction) {
  std::set<std::string> traces;
  EXPECT_EQ(ForEveryInterleaving([&](Interleaving& run) {
              std::vector<std::string> trace;
              TestLoop test;
              test->CallSoon([&] { trace.push_back("ready"); });
              for (const std::string name : {"a", "b", "c"}) {
                run.Add(name, [&, name] {
                  trace.push_back(name);
                  test->CallSoon([&, name] { trace.push_back(name + "'"); });
                });
              }
              run.Play(test);
              traces.insert(absl::StrJoin(trace, " "));
            }),
            6 * 4);
  EXPECT_EQ(traces.size(), 6u * 4);
  EXPECT_EQ(traces.count("ready a b c a' b' c'"), 1u);
  EXPECT_EQ(traces.count("ready b b' a a' c c'"), 1u);
  EXPECT_EQ(traces.count("ready c a c' a' b b'"), 1u);
}

TEST(InterleavingsTest, OrdersThatAreNotWantedAreLeftOut) {
  std::vector<std::string> orders;
  EXPECT_EQ(ForEveryInterleaving([&](Interleaving& run) {
              TestLoop test;
              run.Add("end", [] {});
              run.Add("a", [] {});
              run.Add("begin", [] {});
              run.AddOrder("begin", "end");
              run.AddOrder("begin", "a");
              run.Play(test);
              orders.push_back(run.DebugString());
            }),
            2 * 4);
  EXPECT_THAT(orders,
              ElementsAre("begin, end, a", "begin | end, a", "begin, end | a",
                          "begin | end | a", "begin, a, end", "begin | a, end",
                          "begin, a | end", "begin | a | end"));
}

TEST(InterleavingsTest, AScenarioWithoutActionsRunsOnce) {
  std::vector<std::string> orders;
  EXPECT_EQ(ForEveryInterleaving([&](Interleaving& run) {
              TestLoop test;
              run.Play(test);
              orders.push_back(run.DebugString());
            }),
            1);
  EXPECT_THAT(orders, ElementsAre(IsEmpty()));
}

TEST(InterleavingsTest, AFailureSaysInWhichOrder) {
  EXPECT_NONFATAL_FAILURE(
      {
        ForEveryInterleaving([](Interleaving& run) {
          std::string trace;
          TestLoop test;
          run.Add("a", [&] { trace += "a"; });
          run.Add("b", [&] {
            trace += "b";
            test->CallSoon([&] { trace += "c"; });
          });
          run.Play(test);
          EXPECT_NE(trace, "bca");
        });
      },
      "b | a");
}

}  // namespace
}  // namespace evkit
