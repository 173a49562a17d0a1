// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/sync/event.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "evkit/loop/coro/or_return.h"
#include "evkit/loop/coro/run_until_complete.h"
#include "evkit/loop/coro/task.h"
#include "evkit/loop/sync/destroy_task.h"
#include "evkit/loop/testing/interleavings.h"
#include "evkit/loop/testing/test_loop.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Coro<void> WaitFor(Event& event, std::vector<std::string>& trace,
                   std::string name) {
  co_await OrReturn(event.Wait());
  trace.push_back(name);
  co_return absl::OkStatus();
}

// SYN-06
TEST(EventTest, WaitingForASetEventTakesNoTurn) {
  TestLoop test;
  Event event;
  std::vector<std::string> trace;
  EXPECT_FALSE(event.is_set());
  event.Set();
  EXPECT_TRUE(event.is_set());
  CreateTask(test.loop(), WaitFor(event, trace, "went on"));
  test->CallSoon([&] { trace.push_back("next callback of the turn"); });
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_THAT(trace, ElementsAre("went on", "next callback of the turn"));
}

// SYN-06
TEST(EventTest, SetWakesAllEvenIfClearFollowsAtOnce) {
  TestLoop test;
  Event event;
  std::vector<std::string> trace;
  CreateTask(test.loop(), WaitFor(event, trace, "a"));
  CreateTask(test.loop(), WaitFor(event, trace, "b"));
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_THAT(trace, IsEmpty());
  event.Set();
  event.Clear();
  CreateTask(test.loop(), WaitFor(event, trace, "too late"));
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_THAT(trace, ElementsAre("a", "b"));
  EXPECT_FALSE(event.is_set());
}

// SYN-06: setting and clearing again are harmless.
TEST(EventTest, SettingTwiceIsSettingOnce) {
  TestLoop test;
  Event event;
  std::vector<std::string> trace;
  CreateTask(test.loop(), WaitFor(event, trace, "a"));
  ASSERT_TRUE(test.RunUntilIdle().ok());
  event.Set();
  event.Set();
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_THAT(trace, ElementsAre("a"));
  event.Clear();
  event.Clear();
  EXPECT_FALSE(event.is_set());
}

// SYN-01
TEST(EventTest, ItBelongsToTheFirstLoopOnWhichATaskHadToWait) {
  TestLoop first;
  TestLoop second;
  Event event;
  std::vector<std::string> trace;
  CreateTask(first.loop(), WaitFor(event, trace, "first"));
  ASSERT_TRUE(first.RunUntilIdle().ok());
  EXPECT_EQ(RunUntilComplete(second.loop(), event.Wait()),
            absl::FailedPreconditionError(
                "Event is bound to a different event loop"));
  event.Set();
  EXPECT_TRUE(RunUntilComplete(second.loop(), event.Wait()).ok());
}

TEST(EventTest, ItMayGoBeforeThoseWhoWaitForIt) {
  TestLoop test;
  std::vector<std::string> trace;
  auto event = std::make_unique<Event>();
  Task<void> a = CreateTask(test.loop(), WaitFor(*event, trace, "a"));
  Task<void> b = CreateTask(test.loop(), WaitFor(*event, trace, "b"));
  ASSERT_TRUE(test.RunUntilIdle().ok());
  event.reset();
  EXPECT_TRUE(a.Cancel());
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_TRUE(a.cancelled());
  EXPECT_FALSE(b.done());
}

// SYN-06
TEST(EventTest, bug_J13_InEveryOrderASetReachesAllWhoWaited) {
  ForEveryInterleaving([](Interleaving& run) {
    Event event;
    std::vector<std::string> trace;
    bool set = false;
    bool b_came_in_time = false;
    TestLoop test;
    Task<void> a = CreateTask(test.loop(), WaitFor(event, trace, "a"));
    Task<void> c = CreateTask(test.loop(), WaitFor(event, trace, "c"));
    Task<void> d = CreateTask(test.loop(), WaitFor(event, trace, "d"));
    Task<void> b;
    run.Add("begin b", [&] {
      TaskOptions eager;
      eager.eager_start = true;
      b = CreateTask(test.loop(), WaitFor(event, trace, "b"), eager);
      b_came_in_time = !set || event.is_set();
    });
    run.Add("set", [&] {
      event.Set();
      set = true;
    });
    run.Add("clear", [&] { event.Clear(); });
    run.Add("cancel a", [&] { a.Cancel(); });
    run.Add("destroy c", [&] { DestroyTask(c); });
    run.AddOrder("set", "clear");
    run.Play(test);
    EXPECT_TRUE(a.done());
    EXPECT_EQ(d.Error(), absl::OkStatus());
    EXPECT_EQ(b.done(), b_came_in_time);
  });
}

}  // namespace
}  // namespace evkit
