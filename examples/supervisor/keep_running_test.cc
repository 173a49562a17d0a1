// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "examples/supervisor/keep_running.h"

#include <vector>

#include "absl/status/status.h"
#include "evkit/loop/coro/sleep.h"
#include "evkit/loop/coro/task.h"
#include "evkit/loop/testing/test_loop.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace supervisor {
namespace {

using ::evkit::Coro;
using ::evkit::Sleep;
using ::evkit::Task;
using ::evkit::TestLoop;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::Le;

constexpr uint64_t kNothingOff = 0;

TEST(BackoffTest, PausesDoubleUpToTheLongest) {
  BackoffOptions options;
  options.first = absl::Seconds(1);
  options.longest = absl::Seconds(5);
  Backoff backoff(options);
  std::vector<absl::Duration> pauses;
  for (int i = 0; i < 5; ++i) {
    pauses.push_back(backoff.Next(absl::ZeroDuration(), kNothingOff));
  }
  EXPECT_THAT(pauses,
              ElementsAre(absl::Seconds(1), absl::Seconds(2), absl::Seconds(4),
                          absl::Seconds(5), absl::Seconds(5)));
}

TEST(BackoffTest, AQuarterIsLeftToChance) {
  BackoffOptions options;
  options.first = absl::Seconds(1);
  EXPECT_THAT(Backoff(options).Next(absl::ZeroDuration(), ~uint64_t{0}),
              AllOf(Ge(absl::Milliseconds(749)), Le(absl::Milliseconds(751))));
}

// An hour of failures, in no time.
TEST(KeepRunningTest, FailuresComeFurtherAndFurtherApart) {
  TestLoop loop;
  std::vector<absl::Duration> starts;
  const Task<void> task =
      CreateTask(loop.loop(), KeepRunning(
                                  [&]() -> Coro<void> {
                                    starts.push_back(loop.elapsed());
                                    co_return absl::UnknownError("died");
                                  },
                                  BackoffOptions()));
  ASSERT_TRUE(loop.FastForwardBy(absl::Hours(1)).ok());
  ASSERT_GT(starts.size(), 100u);
  EXPECT_LT(starts.size(), 200u);
  absl::Duration expected = absl::Milliseconds(100);
  for (size_t i = 1; i < starts.size(); ++i) {
    EXPECT_THAT(starts[i] - starts[i - 1],
                AllOf(Ge(expected * 0.75), Le(expected)))
        << i;
    expected = std::min(2 * expected, absl::Seconds(30));
  }
  task.Cancel();
  ASSERT_TRUE(loop.RunUntilIdle().ok());
  EXPECT_TRUE(task.cancelled());
}

TEST(KeepRunningTest, WhatWasWellForAWhileStartsAgainSoon) {
  TestLoop loop;
  int runs = 0;
  std::vector<absl::Duration> starts;
  const Task<void> task = CreateTask(
      loop.loop(), KeepRunning(
                       [&]() -> Coro<void> {
                         starts.push_back(loop.elapsed());
                         // The sixth time, it works for a minute.
                         co_return co_await Sleep(++runs == 6
                                                      ? absl::Minutes(1)
                                                      : absl::ZeroDuration());
                       },
                       BackoffOptions()));
  ASSERT_TRUE(loop.FastForwardBy(absl::Minutes(2)).ok());
  ASSERT_GT(starts.size(), 6u);
  EXPECT_GT(starts[5] - starts[4], absl::Seconds(1));
  EXPECT_LE(starts[6] - starts[5], absl::Minutes(1) + absl::Milliseconds(100));
}

TEST(KeepRunningTest, CancellationLetsTheRunEnd) {
  TestLoop loop;
  bool cleaned_up = false;
  const Task<void> task = CreateTask(
      loop.loop(), KeepRunning(
                       [&]() -> Coro<void> {
                         const absl::Status status =
                             co_await Sleep(absl::InfiniteDuration());
                         (void)co_await Sleep(absl::Seconds(3));
                         cleaned_up = true;
                         co_return status;
                       },
                       BackoffOptions()));
  ASSERT_TRUE(loop.RunUntilIdle().ok());
  task.Cancel();
  ASSERT_TRUE(loop.FastForwardBy(absl::Seconds(2)).ok());
  EXPECT_FALSE(task.done());
  ASSERT_TRUE(loop.FastForwardBy(absl::Seconds(2)).ok());
  EXPECT_TRUE(task.cancelled());
  EXPECT_TRUE(cleaned_up);
}

}  // namespace
}  // namespace supervisor
