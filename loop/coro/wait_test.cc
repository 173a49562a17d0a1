// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/coro/wait.h"

#include <functional>
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
using ::testing::IsEmpty;

using Trace = std::vector<std::string>;

absl::Status RunMain(TestLoop& test,
                     const std::function<Coro<void>()>& function) {
  return RunUntilComplete(test.loop(), function());
}

Coro<int> SleepAndReturn(absl::Duration delay, int n) {
  co_await OrReturn(Sleep(delay));
  co_return n;
}
Coro<int> SleepAndFail(absl::Duration delay) {
  co_await OrReturn(Sleep(delay));
  co_return absl::NotFoundError("no");
}

// Tasks that end after 1, 2 and 3 seconds, in another order.
std::vector<Task<int>> ThreeTasks() {
  std::vector<Task<int>> tasks;
  for (const int i : {2, 1, 3}) {
    tasks.push_back(CreateTask(SleepAndReturn(absl::Seconds(i), i)));
  }
  return tasks;
}

// WAIT-01
TEST(WaitTest, NothingToWaitForIsAnError) {
  TestLoop test;
  const auto main = []() -> Coro<void> {
    const std::vector<Future<int>> none;
    EXPECT_EQ((co_await Wait(none)).status().code(),
              absl::StatusCode::kInvalidArgument);
    co_return absl::OkStatus();
  };
  EXPECT_TRUE(RunMain(test, main).ok());
}

// WAIT-01, WAIT-02
TEST(WaitTest, AllCompletedWaitsForAllWhateverTheirResult) {
  TestLoop test;
  const auto main = [&]() -> Coro<void> {
    std::vector<Task<int>> tasks = ThreeTasks();
    tasks.push_back(CreateTask(SleepAndFail(absl::Seconds(1))));
    tasks[0].Cancel();
    const WaitResult<Task<int>> result = co_await OrReturn(Wait(tasks));
    EXPECT_THAT(result.done,
                ElementsAre(tasks[0], tasks[1], tasks[2], tasks[3]));
    EXPECT_THAT(result.pending, IsEmpty());
    EXPECT_EQ(test.elapsed(), absl::Seconds(3));
    EXPECT_EQ(tasks[3].Error().code(), absl::StatusCode::kNotFound);
    co_return absl::OkStatus();
  };
  EXPECT_TRUE(RunMain(test, main).ok());
}

// WAIT-02
TEST(WaitTest, FirstCompletedReturnsWithTheFirst) {
  TestLoop test;
  const auto main = [&]() -> Coro<void> {
    const std::vector<Task<int>> tasks = ThreeTasks();
    WaitOptions options;
    options.return_when = ReturnWhen::kFirstCompleted;
    const auto result = co_await OrReturn(Wait(tasks, options));
    EXPECT_THAT(result.done, ElementsAre(tasks[1]));
    EXPECT_THAT(result.pending, ElementsAre(tasks[0], tasks[2]));
    EXPECT_EQ(test.elapsed(), absl::Seconds(1));
    co_return absl::OkStatus();
  };
  EXPECT_TRUE(RunMain(test, main).ok());
}

// WAIT-02: a cancellation is no failure.
TEST(WaitTest, FirstExceptionReturnsWithTheFirstFailure) {
  TestLoop test;
  const auto main = [&]() -> Coro<void> {
    std::vector<Task<int>> tasks = ThreeTasks();
    tasks.push_back(CreateTask(SleepAndFail(absl::Milliseconds(2500))));
    tasks[1].Cancel();
    WaitOptions options;
    options.return_when = ReturnWhen::kFirstException;
    const auto result = co_await OrReturn(Wait(tasks, options));
    EXPECT_THAT(result.done, ElementsAre(tasks[0], tasks[1], tasks[3]));
    EXPECT_THAT(result.pending, ElementsAre(tasks[2]));
    EXPECT_EQ(test.elapsed(), absl::Milliseconds(2500));

    const auto rest = co_await OrReturn(Wait(result.pending, options));
    EXPECT_THAT(rest.done, ElementsAre(tasks[2]));
    co_return absl::OkStatus();
  };
  EXPECT_TRUE(RunMain(test, main).ok());
}

// WAIT-02
TEST(WaitTest, ATimeoutIsNoErrorAndCancelsNothing) {
  TestLoop test;
  const auto main = [&]() -> Coro<void> {
    const std::vector<Task<int>> tasks = ThreeTasks();
    WaitOptions options;
    options.timeout = absl::Milliseconds(1500);
    const auto result = co_await OrReturn(Wait(tasks, options));
    EXPECT_THAT(result.done, ElementsAre(tasks[1]));
    EXPECT_THAT(result.pending, ElementsAre(tasks[0], tasks[2]));
    options.timeout = absl::ZeroDuration();
    const auto at_once = co_await OrReturn(Wait(result.pending, options));
    EXPECT_THAT(at_once.done, IsEmpty());
    EXPECT_EQ(test.elapsed(), absl::Milliseconds(1500));
    co_await OrReturn(Wait(tasks));
    EXPECT_EQ(*tasks[2].Result(), 3);
    co_return absl::OkStatus();
  };
  EXPECT_TRUE(RunMain(test, main).ok());
}

// WAIT-03
TEST(WaitTest, CancellingTheWaitCancelsNothingElse) {
  TestLoop test;
  std::vector<Task<int>> tasks;
  const auto main = [&]() -> Coro<void> {
    tasks = ThreeTasks();
    co_return (co_await Wait(tasks)).status();
  };
  const Task<void> waiting = CreateTask(test.loop(), main);
  EXPECT_TRUE(test.RunUntilIdle().ok());
  waiting.Cancel("enough");
  EXPECT_TRUE(test.RunUntilNothingIsLeft().ok());
  EXPECT_EQ(waiting.Error(), absl::CancelledError("enough"));
  for (const Task<int>& task : tasks) EXPECT_TRUE(task.Result().ok());
}

// WAIT-04, TASK-12: +2 turns.
TEST(WaitTest, OfFuturesThatAreDoneItTakesTwoTurns) {
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
    const std::vector<Future<int>> futures(1, future);
    co_await OrReturn(Wait(futures));
    trace.push_back("waited");
    co_return co_await counter;
  };
  EXPECT_TRUE(RunMain(test, main).ok());
  EXPECT_THAT(trace, ElementsAre("t0", "t1", "waited", "t2"));
}

TEST(WaitTest, RepetitionsCountOnceAndTypesMayDiffer) {
  TestLoop test;
  const auto main = [&]() -> Coro<void> {
    const Future<std::string> text = CreateFuture<std::string>(test.loop());
    const Task<int> number = CreateTask(SleepAndReturn(absl::Seconds(1), 1));
    const std::vector<AnyFuture> futures = {number, text, number, text, text};
    WaitOptions options;
    options.return_when = ReturnWhen::kFirstCompleted;
    const WaitResult<AnyFuture> result =
        co_await OrReturn(Wait(futures, options));
    EXPECT_THAT(result.done, ElementsAre(AnyFuture(number)));
    EXPECT_THAT(result.pending, ElementsAre(AnyFuture(text)));
    co_return absl::OkStatus();
  };
  EXPECT_TRUE(RunMain(test, main).ok());
}

TEST(WaitTest, AFutureKnowsTheTaskThatWaitsForIt) {
  TestLoop test;
  const Future<int> future = CreateFuture<int>(test.loop());
  const auto main = [&]() -> Coro<void> {
    const std::vector<Future<int>> futures(1, future);
    co_return (co_await Wait(futures)).status();
  };
  const Task<void> waiting = CreateTask(test.loop(), main);
  EXPECT_TRUE(test.RunUntilIdle().ok());
  ASSERT_NE(future.state()->first_hook(), nullptr);
  EXPECT_EQ(future.state()->first_hook()->awaiter(), waiting.state());
  waiting.Cancel();
  EXPECT_TRUE(test.RunUntilIdle().ok());
  EXPECT_EQ(future.state()->first_hook(), nullptr);
}

TEST(WaitTest, ALoopMayBeClosedWhileItWaits) {
  Future<int> future;
  {
    TestLoop test;
    future = CreateFuture<int>(test.loop());
    const auto main = [&]() -> Coro<void> {
      std::vector<AnyFuture> futures = {future};
      for (const Task<int>& task : ThreeTasks()) futures.push_back(task);
      WaitOptions options;
      options.timeout = absl::Seconds(100);
      co_return (co_await Wait(futures, options)).status();
    };
    const Task<void> waiting = CreateTask(test.loop(), main);
    EXPECT_TRUE(test.RunUntilIdle().ok());
    EXPECT_TRUE(future.SetResult(1).ok());
    EXPECT_TRUE(test->Close().ok());
    EXPECT_TRUE(waiting.cancelled());
  }
  EXPECT_EQ(future.state()->first_hook(), nullptr);
}

}  // namespace
}  // namespace evkit
