// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/coro/as_completed.h"

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "evkit/loop/coro/or_return.h"
#include "evkit/loop/coro/run_until_complete.h"
#include "evkit/loop/coro/sleep.h"
#include "evkit/loop/coro/task.h"
#include "evkit/loop/testing/test_loop.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using ::testing::ElementsAre;

using Trace = std::vector<std::string>;

constexpr absl::StatusCode kDeadlineExceeded =
    absl::StatusCode::kDeadlineExceeded;

absl::Status RunMain(TestLoop& test,
                     const std::function<Coro<void>()>& function) {
  return RunUntilComplete(test.loop(), function());
}

Coro<int> SleepAndReturn(absl::Duration delay, int n) {
  co_await OrReturn(Sleep(delay));
  co_return n;
}

std::vector<Task<int>> ThreeTasks() {
  std::vector<Task<int>> tasks;
  for (const int i : {2, 1, 3}) {
    tasks.push_back(CreateTask(SleepAndReturn(absl::Seconds(i), i)));
  }
  return tasks;
}

// ASC-01
TEST(AsCompletedTest, ResultsComeInTheOrderOfCompletion) {
  TestLoop test;
  std::vector<int> values;
  const auto main = [&]() -> Coro<void> {
    std::vector<Coro<int>> coros;
    for (const int i : {2, 1, 3}) {
      coros.push_back(SleepAndReturn(absl::Seconds(i), i));
    }
    AsCompleted completed(std::move(coros));
    EXPECT_EQ(completed.remaining(), 3u);
    while (completed.remaining() > 0) {
      values.push_back(co_await OrReturn(completed.Next()));
    }
    EXPECT_EQ((co_await completed.Next()).status().code(),
              absl::StatusCode::kOutOfRange);
    EXPECT_EQ((co_await completed.NextFuture()).status().code(),
              absl::StatusCode::kOutOfRange);
    co_return absl::OkStatus();
  };
  EXPECT_TRUE(RunMain(test, main).ok());
  EXPECT_THAT(values, ElementsAre(1, 2, 3));
}

// ASC-01
TEST(AsCompletedTest, NextFutureGivesTheOriginalOnes) {
  TestLoop test;
  const auto main = [&]() -> Coro<void> {
    const std::vector<Task<int>> tasks = ThreeTasks();
    tasks[2].Cancel();
    AsCompleted completed(tasks);
    std::vector<AnyFuture> seen;
    while (completed.remaining() > 0) {
      seen.push_back(co_await OrReturn(completed.NextFuture()));
    }
    EXPECT_THAT(seen, ElementsAre(tasks[2], tasks[1], tasks[0]));
    co_return absl::OkStatus();
  };
  EXPECT_TRUE(RunMain(test, main).ok());
}

// ASC-01: coroutines that wait can be handed out and awaited by several tasks.
TEST(AsCompletedTest, SeveralTasksMayWaitAtOnce) {
  TestLoop test;
  Trace trace;
  const auto main = [&]() -> Coro<void> {
    AsCompleted completed(ThreeTasks());
    const auto take = [&trace](std::string name, Coro<int> next) -> Coro<void> {
      const int n = co_await OrReturn(std::move(next));
      trace.push_back(name + " got " + std::to_string(n));
      co_return absl::OkStatus();
    };
    const Task<void> a = CreateTask(take("a", completed.Next()));
    const Task<void> b = CreateTask(take("b", completed.Next()));
    EXPECT_EQ(completed.remaining(), 1u);
    co_await OrReturn(a);
    co_await OrReturn(b);
    EXPECT_EQ(co_await OrReturn(completed.Next()), 3);
    co_return absl::OkStatus();
  };
  EXPECT_TRUE(RunMain(test, main).ok());
  EXPECT_THAT(trace, ElementsAre("a got 1", "b got 2"));
}

// ASC-02
TEST(AsCompletedTest, WhatIsLateGivesDeadlineExceededAndRunsOn) {
  TestLoop test;
  const auto main = [&]() -> Coro<void> {
    const std::vector<Task<int>> tasks = ThreeTasks();
    AsCompleted completed(tasks, absl::Milliseconds(1500));
    EXPECT_EQ(*co_await completed.Next(), 1);
    EXPECT_EQ((co_await completed.Next()).status().code(), kDeadlineExceeded);
    EXPECT_EQ(test.elapsed(), absl::Milliseconds(1500));
    EXPECT_EQ((co_await completed.NextFuture()).status().code(),
              kDeadlineExceeded);
    EXPECT_EQ(completed.remaining(), 0u);
    EXPECT_EQ(*co_await tasks[2], 3);
    co_return absl::OkStatus();
  };
  EXPECT_TRUE(RunMain(test, main).ok());
}

// TASK-12: +2 turns.
TEST(AsCompletedTest, AResultTakesTwoTurns) {
  TestLoop test;
  Trace trace;
  const auto main = [&]() -> Coro<void> {
    const Future<int> future = CreateFuture<int>(test.loop());
    EXPECT_TRUE(future.SetResult(1).ok());
    const auto count = [&trace]() -> Coro<void> {
      for (int i = 0; i < 3; ++i) {
        trace.push_back("t" + std::to_string(i));
        (co_await Sleep(absl::ZeroDuration())).IgnoreError();
      }
      co_return absl::OkStatus();
    };
    const Task<void> counter = CreateTask(count);
    const std::vector<Future<int>> futures(2, future);
    AsCompleted completed(futures);
    EXPECT_EQ(completed.remaining(), 1u);
    co_await OrReturn(completed.Next());
    trace.push_back("next");
    co_return co_await counter;
  };
  EXPECT_TRUE(RunMain(test, main).ok());
  EXPECT_THAT(trace, ElementsAre("t0", "t1", "next", "t2"));
}

TEST(AsCompletedTest, ACancelledWaitLosesNothing) {
  TestLoop test;
  const Future<int> future = CreateFuture<int>(test.loop());
  const std::vector<Future<int>> futures(1, future);
  AsCompleted completed(futures);
  const Task<int> first = CreateTask(test.loop(), completed.Next());
  EXPECT_EQ(completed.remaining(), 0u);
  EXPECT_TRUE(test.RunUntilIdle().ok());
  first.Cancel();
  EXPECT_TRUE(test.RunUntilIdle().ok());
  EXPECT_TRUE(first.cancelled());
  EXPECT_EQ(completed.remaining(), 1u);
  const Task<int> second = CreateTask(test.loop(), completed.Next());
  EXPECT_TRUE(future.SetResult(5).ok());
  EXPECT_TRUE(test.RunUntilIdle().ok());
  EXPECT_EQ(*second.Result(), 5);
}

// The one who was woken is cancelled before it takes the result: the next one
// gets it.
TEST(AsCompletedTest, bug_J12_ACancelledWaitPassesItsResultOn) {
  TestLoop test;
  const Future<int> a = CreateFuture<int>(test.loop());
  const Future<int> b = CreateFuture<int>(test.loop());
  const std::vector<Future<int>> futures = {a, b};
  AsCompleted completed(futures);
  const Task<int> first = CreateTask(test.loop(), completed.Next());
  const Task<int> second = CreateTask(test.loop(), completed.Next());
  EXPECT_TRUE(test.RunUntilIdle().ok());
  EXPECT_TRUE(a.SetResult(7).ok());
  // In the turn in which the first one is woken.
  test->CallSoon([&] { first.Cancel(); });
  EXPECT_TRUE(test.RunUntilIdle().ok());
  EXPECT_TRUE(first.cancelled());
  EXPECT_EQ(*second.Result(), 7);
  EXPECT_EQ(completed.remaining(), 1u);
}

TEST(AsCompletedTest, ItMayBeDestroyedBeforeAllAreDone) {
  TestLoop test;
  const Future<int> future = CreateFuture<int>(test.loop());
  {
    const std::vector<Future<int>> futures(1, future);
    const AsCompleted completed(futures, absl::Seconds(1));
    EXPECT_NE(future.state()->first_hook(), nullptr);
  }
  EXPECT_EQ(future.state()->first_hook(), nullptr);
  EXPECT_TRUE(test.RunUntilNothingIsLeft().ok());
  EXPECT_EQ(test.elapsed(), absl::ZeroDuration());
}

TEST(AsCompletedTest, bug_J1_WhoWaitsMayOutliveIt) {
  TestLoop test;
  const Future<int> future = CreateFuture<int>(test.loop());
  Task<int> task;
  {
    const std::vector<Future<int>> futures(1, future);
    AsCompleted completed(futures);
    task = CreateTask(test.loop(), completed.Next());
    EXPECT_TRUE(test.RunUntilIdle().ok());
  }
  EXPECT_TRUE(future.SetResult(3).ok());
  EXPECT_TRUE(test.RunUntilIdle().ok());
  EXPECT_EQ(*task.Result(), 3);
}

// The task that owns it is destroyed before the one that waits.
TEST(AsCompletedTest, ALoopMayBeClosedWhileItWaits) {
  TestLoop test;
  const Future<int> future = CreateFuture<int>(test.loop());
  const auto main = [&]() -> Coro<void> {
    const std::vector<Future<int>> futures = {
        future, CreateTask(SleepAndReturn(absl::Seconds(9), 1))};
    AsCompleted completed(futures, absl::Seconds(100));
    EXPECT_EQ(future.state()->first_hook()->awaiter(), CurrentTask().state());
    const Task<int> other = CreateTask(completed.Next());
    co_return (co_await completed.Next()).status();
  };
  const Task<void> task = CreateTask(test.loop(), main);
  EXPECT_TRUE(test.RunUntilIdle().ok());
  EXPECT_TRUE(future.SetResult(1).ok());
  EXPECT_TRUE(test->Close().ok());
  EXPECT_TRUE(task.cancelled());
}

}  // namespace
}  // namespace evkit
