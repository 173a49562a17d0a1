// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/coro/wait_for.h"

#include <functional>
#include <memory>
#include <stdexcept>
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

constexpr absl::StatusCode kDeadlineExceeded =
    absl::StatusCode::kDeadlineExceeded;

using Trace = std::vector<std::string>;

absl::Status RunMain(TestLoop& test,
                     const std::function<Coro<void>()>& function) {
  return RunUntilComplete(test.loop(), function());
}

Coro<int> SleepAndReturn(absl::Duration delay, int n) {
  co_await OrReturn(Sleep(delay));
  co_return n;
}

Coro<int> Traced(Trace& trace, absl::Duration delay) {
  trace.push_back("began");
  absl::Status status = co_await Sleep(delay);
  trace.push_back(absl::StatusCodeToString(status.code()));
  if (!status.ok()) co_return status;
  co_return 1;
}

TEST(WaitForTest, TakesCoroutinesFuturesTasksAndFunctions) {
  TestLoop test;
  const auto main = [&]() -> Coro<void> {
    const absl::Duration limit = absl::Seconds(2);
    const absl::Duration second = absl::Seconds(1);
    EXPECT_EQ(*co_await WaitFor(SleepAndReturn(second, 1), limit), 1);
    const Future<int> future = CreateFuture<int>(test.loop());
    test->CallLater(second,
                    [future] { EXPECT_TRUE(future.SetResult(2).ok()); });
    EXPECT_EQ(*co_await WaitFor(future, limit), 2);
    const Task<int> task = CreateTask(SleepAndReturn(second, 3));
    EXPECT_EQ(*co_await WaitFor(task, limit), 3);
    Coro<std::unique_ptr<int>> run = [limit] {
      auto owned = std::make_unique<int>(4);
      auto function =
          [owned = std::move(owned)]() mutable -> Coro<std::unique_ptr<int>> {
        co_await OrReturn(Sleep(absl::Seconds(1)));
        co_return std::move(owned);
      };
      return WaitFor(std::move(function), limit);
    }();
    const auto owned = co_await std::move(run);
    EXPECT_EQ(**owned, 4);
    co_return absl::OkStatus();
  };
  EXPECT_TRUE(RunMain(test, main).ok());
}

TEST(WaitForTest, AnInfiniteTimeoutIsNone) {
  TestLoop test;
  const auto main = [&]() -> Coro<void> {
    EXPECT_EQ(*co_await WaitFor(SleepAndReturn(absl::Hours(9999), 1),
                                absl::InfiniteDuration()),
              1);
    const Task<int> task = CreateTask(SleepAndReturn(absl::Hours(9999), 2));
    EXPECT_EQ(*co_await WaitFor(task, absl::InfiniteDuration()), 2);
    co_return absl::OkStatus();
  };
  EXPECT_TRUE(RunMain(test, main).ok());
}

// TMO-08
TEST(WaitForTest, WithoutTimeNothingIsRun) {
  TestLoop test;
  Trace trace;
  const auto main = [&]() -> Coro<void> {
    for (const absl::Duration none :
         {absl::ZeroDuration(), -absl::Seconds(1)}) {
      EXPECT_EQ((co_await WaitFor(Traced(trace, none), none)).status(),
                absl::DeadlineExceededError("timed out"));
      const Task<int> task = CreateTask(Traced(trace, none));
      EXPECT_EQ((co_await WaitFor(task, none)).status().code(),
                kDeadlineExceeded);
      EXPECT_TRUE(task.cancelled());
      const Future<int> future = CreateFuture<int>(test.loop());
      EXPECT_EQ((co_await WaitFor(future, none)).status().code(),
                kDeadlineExceeded);
      EXPECT_TRUE(future.cancelled());
    }
    co_return absl::OkStatus();
  };
  EXPECT_TRUE(RunMain(test, main).ok());
  EXPECT_THAT(trace, IsEmpty());
}

// TMO-08
TEST(WaitForTest, WithoutTimeAFutureThatIsDoneGivesItsResultAtOnce) {
  TestLoop test;
  bool turned = false;
  const auto main = [&]() -> Coro<void> {
    const Future<int> value = CreateFuture<int>(test.loop());
    EXPECT_TRUE(value.SetResult(6).ok());
    const Future<int> error = CreateFuture<int>(test.loop());
    EXPECT_TRUE(error.SetError(absl::NotFoundError("gone")).ok());
    const Future<int> cancelled = CreateFuture<int>(test.loop());
    cancelled.Cancel("why");
    test->CallSoon([&turned] { turned = true; });
    const absl::Duration none = absl::ZeroDuration();
    EXPECT_EQ(*co_await WaitFor(value, none), 6);
    EXPECT_EQ((co_await WaitFor(error, none)).status(),
              absl::NotFoundError("gone"));
    EXPECT_EQ((co_await WaitFor(cancelled, none)).status(),
              absl::CancelledError("why"));
    EXPECT_FALSE(turned);
    co_return absl::OkStatus();
  };
  EXPECT_TRUE(RunMain(test, main).ok());
}

// TMO-08: what was running is waited for, and its answer counts.
TEST(WaitForTest, WithoutTimeARunningTaskIsCancelledAndWaitedFor) {
  TestLoop test;
  const auto main = [&]() -> Coro<void> {
    const auto slow_to_end = [](absl::StatusOr<int> answer) -> Coro<int> {
      (co_await Sleep(absl::Seconds(100))).IgnoreError();
      (co_await Sleep(absl::Seconds(1))).IgnoreError();
      co_return answer;
    };
    const Task<int> value = CreateTask(slow_to_end(8));
    const Task<int> error = CreateTask(slow_to_end(absl::AbortedError("no")));
    EXPECT_TRUE((co_await Sleep(absl::ZeroDuration())).ok());
    EXPECT_EQ(*co_await WaitFor(value, absl::ZeroDuration()), 8);
    EXPECT_EQ(test.elapsed(), absl::Seconds(1));
    EXPECT_EQ((co_await WaitFor(error, absl::ZeroDuration())).status(),
              absl::AbortedError("no"));
    co_return absl::OkStatus();
  };
  EXPECT_TRUE(RunMain(test, main).ok());
}

// TMO-08: asyncio leaves it as well.
TEST(WaitForTest, WithoutTimeACancelledWaitLeavesWhatItHasCancelled) {
  TestLoop test;
  Trace trace;
  const auto stubborn = [&trace]() -> Coro<int> {
    (co_await Sleep(absl::Seconds(100))).IgnoreError();
    (co_await Sleep(absl::Seconds(1))).IgnoreError();
    trace.push_back("ended");
    co_return 1;
  };
  const Task<int> task = CreateTask(test.loop(), stubborn);
  EXPECT_TRUE(test.RunUntilIdle().ok());
  const Task<int> waiting =
      CreateTask(test.loop(), WaitFor(task, absl::ZeroDuration()));
  EXPECT_TRUE(test.RunUntilIdle().ok());
  waiting.Cancel();
  EXPECT_TRUE(test.RunUntilIdle().ok());
  EXPECT_TRUE(waiting.cancelled());
  EXPECT_FALSE(task.done());
  EXPECT_TRUE(test.RunUntilNothingIsLeft().ok());
  EXPECT_THAT(trace, ElementsAre("ended"));
}

// TMO-09
TEST(WaitForTest, ACoroutineRunsInTheCallersTask) {
  TestLoop test;
  const auto main = [&]() -> Coro<void> {
    const auto who = []() -> Coro<AnyTask> { co_return CurrentTask(); };
    const absl::StatusOr<AnyTask> task =
        co_await WaitFor(who(), absl::Seconds(1));
    EXPECT_TRUE(*task == CurrentTask());
    EXPECT_EQ(AllTasks(test.loop()).size(), 1u);
    co_return absl::OkStatus();
  };
  EXPECT_TRUE(RunMain(test, main).ok());
}

// TASK-12: +1.
TEST(WaitForTest, ATaskIsHeardOfOneTurnAfterItsEnd) {
  TestLoop test;
  Trace trace;
  const auto child = [&trace]() -> Coro<int> {
    trace.push_back("child");
    co_return 1;
  };
  const auto main = [&]() -> Coro<void> {
    const Task<int> task = CreateTask(child);
    const auto count = [&trace]() -> Coro<void> {
      for (int i = 0; i < 3; ++i) {
        trace.push_back("t" + std::to_string(i));
        (co_await Sleep(absl::ZeroDuration())).IgnoreError();
      }
      co_return absl::OkStatus();
    };
    const Task<void> counter = CreateTask(count);
    (co_await WaitFor(task, absl::Seconds(1))).IgnoreError();
    trace.push_back("heard");
    co_return co_await counter;
  };
  EXPECT_TRUE(RunMain(test, main).ok());
  EXPECT_THAT(trace, ElementsAre("child", "t0", "heard", "t1", "t2"));
}

// TMO-10
TEST(WaitForTest, AValueInSpiteOfTheCancellationIsReturned) {
  TestLoop test;
  const auto main = [&]() -> Coro<void> {
    const auto swallow = []() -> Coro<int> {
      (co_await Sleep(absl::Seconds(10))).IgnoreError();
      co_return 7;
    };
    EXPECT_EQ(*co_await WaitFor(swallow(), absl::Seconds(1)), 7);
    const Task<int> task = CreateTask(swallow);
    EXPECT_EQ(*co_await WaitFor(task, absl::Seconds(1)), 7);
    EXPECT_EQ(CurrentTask().cancelling(), 0);
    co_return absl::OkStatus();
  };
  EXPECT_TRUE(RunMain(test, main).ok());
}

// TMO-11
TEST(WaitForTest, WhatIsAwaitedIsCancelledOnTimeout) {
  TestLoop test;
  Trace trace;
  const auto main = [&]() -> Coro<void> {
    const Task<int> task = CreateTask(Traced(trace, absl::Seconds(10)));
    EXPECT_EQ((co_await WaitFor(task, absl::Seconds(1))).status(),
              absl::DeadlineExceededError("timed out"));
    EXPECT_TRUE(task.cancelled());
    EXPECT_EQ(
        (co_await WaitFor(Traced(trace, absl::Seconds(10)), absl::Seconds(1)))
            .status()
            .code(),
        kDeadlineExceeded);
    co_return absl::OkStatus();
  };
  EXPECT_TRUE(RunMain(test, main).ok());
  EXPECT_THAT(trace, ElementsAre("began", "CANCELLED", "began", "CANCELLED"));
}

// TMO-11: and waited for.
TEST(WaitForTest, ATimeoutWaitsUntilWhatWasCancelledHasEnded) {
  TestLoop test;
  const auto main = [&]() -> Coro<void> {
    const auto slow = []() -> Coro<int> {
      absl::Status status = co_await Sleep(absl::Seconds(10));
      (co_await Sleep(absl::Seconds(3))).IgnoreError();
      co_return status;
    };
    const Task<int> task = CreateTask(slow);
    EXPECT_EQ((co_await WaitFor(task, absl::Seconds(1))).status().code(),
              kDeadlineExceeded);
    EXPECT_TRUE(task.done());
    EXPECT_EQ(test.elapsed(), absl::Seconds(4));
    co_return absl::OkStatus();
  };
  EXPECT_TRUE(RunMain(test, main).ok());
}

// TMO-11
TEST(WaitForTest, WhatIsAwaitedIsCancelledWithTheWait) {
  TestLoop test;
  Trace trace;
  const Task<int> inner =
      CreateTask(test.loop(), Traced(trace, absl::Seconds(10)));
  const Task<int> outer =
      CreateTask(test.loop(), WaitFor(inner, absl::Seconds(5)));
  EXPECT_TRUE(test.RunUntilIdle().ok());
  outer.Cancel("enough");
  EXPECT_TRUE(test.RunUntilIdle().ok());
  EXPECT_TRUE(inner.cancelled());
  EXPECT_TRUE(outer.cancelled());
  EXPECT_EQ(outer.Error(), absl::CancelledError("enough"));
  EXPECT_THAT(trace, ElementsAre("began", "CANCELLED"));
}

TEST(WaitForTest, ALoopMayBeClosedInsideOfIt) {
  TestLoop test;
  const Future<int> future = CreateFuture<int>(test.loop());
  const auto stubborn = []() -> Coro<int> {
    (co_await Sleep(absl::Seconds(100))).IgnoreError();
    (co_await Sleep(absl::Seconds(100))).IgnoreError();
    co_return 1;
  };
  const Task<int> running = CreateTask(test.loop(), stubborn);
  EXPECT_TRUE(test.RunUntilIdle().ok());
  const std::vector<Task<int>> tasks = {
      CreateTask(test.loop(), WaitFor(future, absl::Seconds(5))),
      CreateTask(test.loop(), WaitFor(SleepAndReturn(absl::Seconds(9), 1),
                                      absl::Seconds(5))),
      CreateTask(test.loop(), WaitFor(running, absl::ZeroDuration()))};
  EXPECT_TRUE(test.RunUntilIdle().ok());
  EXPECT_TRUE(test->Close().ok());
  for (const Task<int>& task : tasks) EXPECT_TRUE(task.cancelled());
  EXPECT_TRUE(future.SetResult(1).ok());
}

#if defined(__cpp_exceptions)
TEST(WaitForTest, ExceptionsPass) {
  TestLoop test;
  const auto main = [&]() -> Coro<void> {
    const auto body = []() -> Coro<int> {
      co_await OrReturn(Sleep(absl::Seconds(1)));
      throw std::runtime_error("thrown");
    };
    const Task<int> task = CreateTask(body);
    int caught = 0;
    try {
      (co_await WaitFor(task, absl::Seconds(2))).IgnoreError();
    } catch (const std::runtime_error&) {
      ++caught;
    }
    try {
      (co_await WaitFor(body(), absl::Seconds(2))).IgnoreError();
    } catch (const std::runtime_error&) {
      ++caught;
    }
    EXPECT_EQ(caught, 2);
    co_return absl::OkStatus();
  };
  EXPECT_TRUE(RunMain(test, main).ok());
}
#endif

}  // namespace
}  // namespace evkit
