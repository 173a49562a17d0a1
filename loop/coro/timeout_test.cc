// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/coro/timeout.h"

#include <functional>
#include <memory>
#include <optional>
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

constexpr absl::StatusCode kCancelled = absl::StatusCode::kCancelled;
constexpr absl::StatusCode kDeadlineExceeded =
    absl::StatusCode::kDeadlineExceeded;
constexpr absl::StatusCode kFailedPrecondition =
    absl::StatusCode::kFailedPrecondition;

using Trace = std::vector<std::string>;

Coro<int> SleepAndReturn(absl::Duration delay, int n) {
  co_await OrReturn(Sleep(delay));
  co_return n;
}

// Runs `function`, which is a coroutine, to its end.
absl::Status RunMain(TestLoop& test,
                     const std::function<Coro<void>()>& function) {
  return RunUntilComplete(test.loop(), function());
}

// TMO-01
TEST(TimeoutTest, AnExpiredTimeoutTurnsTheCancellationIntoDeadlineExceeded) {
  TestLoop test;
  const auto main = [&]() -> Coro<void> {
    Timeout timeout(absl::Seconds(1));
    absl::StatusCode inside = absl::StatusCode::kOk;
    const auto body = [&inside]() -> Coro<int> {
      absl::Status status = co_await Sleep(absl::Seconds(10));
      inside = status.code();
      co_return status;
    };
    const absl::StatusOr<int> result = co_await timeout.Run(body());
    EXPECT_EQ(inside, kCancelled);
    EXPECT_EQ(result.status(), absl::DeadlineExceededError("timed out"));
    EXPECT_EQ(CurrentTask().cancelling(), 0);
    EXPECT_EQ(test.elapsed(), absl::Seconds(1));
    co_return absl::OkStatus();
  };
  EXPECT_TRUE(RunMain(test, main).ok());
}

TEST(TimeoutTest, ABodyInTimeIsNotDisturbed) {
  TestLoop test;
  const auto main = [&]() -> Coro<void> {
    Timeout timeout(absl::Seconds(1));
    const absl::StatusOr<int> result =
        co_await timeout.Run(SleepAndReturn(absl::Milliseconds(999), 7));
    EXPECT_EQ(*result, 7);
    EXPECT_FALSE(timeout.expired());
    // The timer is gone.
    EXPECT_TRUE((co_await Sleep(absl::Seconds(10))).ok());
    co_return absl::OkStatus();
  };
  EXPECT_TRUE(RunMain(test, main).ok());
}

// TMO-01: without a turn more than the body takes.
TEST(TimeoutTest, ATimeoutAddsNoTurn) {
  TestLoop test;
  Trace trace;
  const auto main = [&]() -> Coro<void> {
    test->CallSoon([&trace] { trace.push_back("turn"); });
    Timeout timeout(absl::Seconds(1));
    const auto body = []() -> Coro<void> { co_return absl::OkStatus(); };
    co_await OrReturn(timeout.Run(body()));
    trace.push_back("done");
    co_return absl::OkStatus();
  };
  EXPECT_TRUE(RunMain(test, main).ok());
  EXPECT_THAT(trace, ElementsAre("done", "turn"));
}

// TMO-02
TEST(TimeoutTest, NoDeadlineNeverExpires) {
  TestLoop test;
  const auto main = [&]() -> Coro<void> {
    Timeout never;
    EXPECT_EQ(never.when(), std::nullopt);
    EXPECT_EQ(*co_await never.Run(SleepAndReturn(absl::Hours(9000), 1)), 1);
    Timeout infinite(absl::InfiniteDuration());
    EXPECT_EQ(infinite.when(), std::nullopt);
    EXPECT_EQ(*co_await infinite.Run(SleepAndReturn(absl::Hours(9000), 2)), 2);
    co_return absl::OkStatus();
  };
  EXPECT_TRUE(RunMain(test, main).ok());
}

// TMO-02
TEST(TimeoutTest, APastDeadlineComesInTheNextTurn) {
  TestLoop test;
  const auto main = [&]() -> Coro<void> {
    const auto at_once = []() -> Coro<int> { co_return 3; };
    Timeout past = Timeout::At(test->Time() - absl::Seconds(1));
    EXPECT_EQ(*co_await past.Run(at_once()), 3);
    EXPECT_FALSE(past.expired());
    Timeout now(absl::ZeroDuration());
    EXPECT_EQ(*co_await now.Run(at_once()), 3);
    Timeout suspending(-absl::Seconds(1));
    EXPECT_EQ(
        (co_await suspending.Run(SleepAndReturn(absl::Seconds(1), 1))).status(),
        absl::DeadlineExceededError("timed out"));
    EXPECT_TRUE(suspending.expired());
    EXPECT_EQ(test.elapsed(), absl::ZeroDuration());
    co_return absl::OkStatus();
  };
  EXPECT_TRUE(RunMain(test, main).ok());
}

// TMO-03
TEST(TimeoutTest, ItIsEnteredOnceAndRescheduledOnlyInside) {
  TestLoop test;
  const auto main = [&]() -> Coro<void> {
    Timeout timeout(absl::Seconds(5));
    EXPECT_EQ(timeout.Reschedule(test->Time()).code(), kFailedPrecondition);
    const auto body = [&]() -> Coro<void> {
      EXPECT_TRUE(timeout.Reschedule(std::nullopt).ok());
      EXPECT_EQ(timeout.when(), std::nullopt);
      const auto again = []() -> Coro<void> { co_return absl::OkStatus(); };
      EXPECT_EQ((co_await timeout.Run(again())).code(), kFailedPrecondition);
      co_await OrReturn(Sleep(absl::Seconds(10)));
      EXPECT_TRUE(timeout.Reschedule(test->Time() + absl::Seconds(2)).ok());
      co_return co_await Sleep(absl::Seconds(10));
    };
    EXPECT_EQ((co_await timeout.Run(body())).code(), kDeadlineExceeded);
    EXPECT_EQ(test.elapsed(), absl::Seconds(12));
    EXPECT_EQ(timeout.Reschedule(test->Time()).code(), kFailedPrecondition);
    const auto again = []() -> Coro<void> { co_return absl::OkStatus(); };
    EXPECT_EQ((co_await timeout.Run(again())).code(), kFailedPrecondition);

    Timeout in_time(absl::Seconds(5));
    EXPECT_TRUE((co_await in_time.Run(again())).ok());
    EXPECT_EQ(in_time.Reschedule(test->Time()).code(), kFailedPrecondition);
    co_return absl::OkStatus();
  };
  EXPECT_TRUE(RunMain(test, main).ok());
}

// TMO-03: the deadline has come already, and the body cleans up.
TEST(TimeoutTest, AnExpiredTimeoutCannotBeRescheduled) {
  TestLoop test;
  const auto main = [&]() -> Coro<void> {
    Timeout timeout(absl::Seconds(1));
    const auto body = [&]() -> Coro<void> {
      absl::Status status = co_await Sleep(absl::Seconds(10));
      EXPECT_TRUE(timeout.expired());
      EXPECT_EQ(timeout.Reschedule(std::nullopt).code(), kFailedPrecondition);
      EXPECT_TRUE((co_await Sleep(absl::Seconds(1))).ok());
      co_return status;
    };
    EXPECT_EQ((co_await timeout.Run(body())).code(), kDeadlineExceeded);
    co_return absl::OkStatus();
  };
  EXPECT_TRUE(RunMain(test, main).ok());
}

// TMO-04
TEST(TimeoutTest, WhenAndExpiredTellHowItStands) {
  TestLoop test;
  const MonotonicTime start = test->Time();
  Timeout before_the_loop(absl::Seconds(3));
  EXPECT_EQ(before_the_loop.when(), std::nullopt);
  const auto main = [&]() -> Coro<void> {
    EXPECT_TRUE((co_await Sleep(absl::Seconds(1))).ok());
    Timeout timeout(absl::Seconds(1));
    EXPECT_EQ(timeout.when(), start + absl::Seconds(2));
    const auto body = [&]() -> Coro<void> {
      EXPECT_FALSE(timeout.expired());
      absl::Status status = co_await Sleep(absl::Seconds(10));
      EXPECT_TRUE(timeout.expired());
      co_return status;
    };
    EXPECT_EQ((co_await timeout.Run(body())).code(), kDeadlineExceeded);
    EXPECT_TRUE(timeout.expired());
    EXPECT_EQ(timeout.when(), start + absl::Seconds(2));
    EXPECT_EQ(
        (co_await before_the_loop.Run(SleepAndReturn(absl::Seconds(10), 1)))
            .status()
            .code(),
        kDeadlineExceeded);
    EXPECT_EQ(before_the_loop.when(), start + absl::Seconds(5));
    co_return absl::OkStatus();
  };
  EXPECT_TRUE(RunMain(test, main).ok());
}

// TMO-05
TEST(TimeoutTest, WhatTheBodyMakesOfTheCancellationIsPassedOn) {
  TestLoop test;
  const auto main = [&]() -> Coro<void> {
    const auto another_error = []() -> Coro<int> {
      (co_await Sleep(absl::Seconds(10))).IgnoreError();
      co_return absl::NotFoundError("in cleaning up");
    };
    Timeout first(absl::Seconds(1));
    EXPECT_EQ((co_await first.Run(another_error())).status(),
              absl::NotFoundError("in cleaning up"));
    EXPECT_TRUE(first.expired());
    const auto a_value = []() -> Coro<int> {
      (co_await Sleep(absl::Seconds(10))).IgnoreError();
      co_return 5;
    };
    Timeout second(absl::Seconds(1));
    EXPECT_EQ(*co_await second.Run(a_value()), 5);
    EXPECT_TRUE(second.expired());
    EXPECT_EQ(CurrentTask().cancelling(), 0);
    // Nothing is left to be delivered.
    EXPECT_TRUE((co_await Sleep(absl::Seconds(1))).ok());
    co_return absl::OkStatus();
  };
  EXPECT_TRUE(RunMain(test, main).ok());
}

// TMO-06
TEST(TimeoutTest, AForeignCancellationIsNotTurnedIntoATimeout) {
  TestLoop test;
  absl::StatusCode seen = absl::StatusCode::kOk;
  int count = -1;
  const auto main = [&]() -> Coro<void> {
    Timeout timeout(absl::Seconds(1));
    const auto body = [&]() -> Coro<void> {
      absl::Status status = co_await Sleep(absl::Seconds(10));
      EXPECT_TRUE(timeout.expired());
      // Somebody else cancels while this cleans up.
      CurrentTask().Cancel("foreign");
      (co_await Sleep(absl::Seconds(1))).IgnoreError();
      co_return status;
    };
    absl::Status status = co_await timeout.Run(body());
    seen = status.code();
    count = CurrentTask().cancelling();
    co_return status;
  };
  const Task<void> task = CreateTask(test.loop(), main);
  EXPECT_TRUE(test.RunUntilNothingIsLeft().ok());
  EXPECT_EQ(seen, kCancelled);
  EXPECT_EQ(count, 1);
  EXPECT_TRUE(task.cancelled());
}

// TMO-06: a cancellation that was there before does not count.
TEST(TimeoutTest, ATimeoutWorksWhileCleaningUpAfterACancellation) {
  TestLoop test;
  absl::StatusCode seen = absl::StatusCode::kOk;
  const auto main = [&]() -> Coro<void> {
    absl::Status status = co_await Sleep(absl::Seconds(10));
    EXPECT_EQ(status.code(), kCancelled);
    Timeout timeout(absl::Seconds(1));
    const absl::StatusOr<int> clean_up =
        co_await timeout.Run(SleepAndReturn(absl::Seconds(5), 1));
    seen = clean_up.status().code();
    EXPECT_EQ(CurrentTask().cancelling(), 1);
    co_return status;
  };
  const Task<void> task = CreateTask(test.loop(), main);
  EXPECT_TRUE(test.RunUntilIdle().ok());
  task.Cancel();
  EXPECT_TRUE(test.RunUntilNothingIsLeft().ok());
  EXPECT_EQ(seen, kDeadlineExceeded);
  EXPECT_TRUE(task.cancelled());
}

Coro<void> Nested(absl::Duration outer_delay, absl::Duration inner_delay,
                  absl::Duration block, TestLoop& test, Trace& trace) {
  Timeout outer(outer_delay);
  Timeout inner(inner_delay);
  const auto innermost = [&]() -> Coro<void> {
    (co_await Sleep(absl::ZeroDuration())).IgnoreError();
    test.clock().AdvanceBy(block);
    absl::Status status = co_await Sleep(absl::Seconds(100));
    co_return status;
  };
  const auto inside = [&]() -> Coro<void> {
    absl::Status status = co_await inner.Run(innermost());
    trace.push_back("inner " + absl::StatusCodeToString(status.code()));
    co_return status;
  };
  absl::Status status = co_await outer.Run(inside());
  trace.push_back("outer " + absl::StatusCodeToString(status.code()));
  trace.push_back(outer.expired() ? "true" : "false");
  trace.push_back(inner.expired() ? "true" : "false");
  trace.push_back(std::to_string(CurrentTask().cancelling()));
  co_return absl::OkStatus();
}

// TMO-07
TEST(TimeoutTest, OfNestedTimeoutsTheInnerOneExpiresAlone) {
  TestLoop test;
  Trace trace;
  EXPECT_TRUE(
      RunUntilComplete(test.loop(), Nested(absl::Seconds(9), absl::Seconds(1),
                                           absl::ZeroDuration(), test, trace))
          .ok());
  EXPECT_THAT(trace,
              ElementsAre("inner DEADLINE_EXCEEDED", "outer DEADLINE_EXCEEDED",
                          "false", "true", "0"));
}

// TMO-07
TEST(TimeoutTest, OfNestedTimeoutsTheOuterOneExpiresAlone) {
  TestLoop test;
  Trace trace;
  EXPECT_TRUE(
      RunUntilComplete(test.loop(), Nested(absl::Seconds(1), absl::Seconds(9),
                                           absl::ZeroDuration(), test, trace))
          .ok());
  EXPECT_THAT(trace, ElementsAre("inner CANCELLED", "outer DEADLINE_EXCEEDED",
                                 "true", "false", "0"));
}

// TMO-07: scenario D21.
TEST(TimeoutTest, OfNestedTimeoutsThatExpireTogetherTheOuterOneReports) {
  for (const bool outer_first : {false, true}) {
    TestLoop test;
    Trace trace;
    EXPECT_TRUE(
        RunUntilComplete(test.loop(), Nested(absl::Seconds(outer_first ? 1 : 2),
                                             absl::Seconds(outer_first ? 2 : 1),
                                             absl::Seconds(5), test, trace))
            .ok());
    EXPECT_THAT(trace, ElementsAre("inner CANCELLED", "outer DEADLINE_EXCEEDED",
                                   "true", "true", "0"));
  }
}

TEST(TimeoutTest, AFunctionObjectIsKeptWhileItRuns) {
  TestLoop test;
  const auto main = [&]() -> Coro<void> {
    Timeout timeout(absl::Seconds(10));
    Coro<int> run = [&timeout] {
      auto owned = std::make_unique<int>(5);
      return timeout.Run([owned = std::move(owned)]() -> Coro<int> {
        co_await OrReturn(Sleep(absl::Seconds(1)));
        co_return *owned;
      });
    }();
    EXPECT_EQ(*co_await std::move(run), 5);
    co_return absl::OkStatus();
  };
  EXPECT_TRUE(RunMain(test, main).ok());
}

TEST(TimeoutTest, ALoopMayBeClosedInsideOfIt) {
  auto timeout = std::make_unique<Timeout>(absl::Seconds(5));
  {
    TestLoop test;
    const auto main = [&]() -> Coro<void> {
      (co_await timeout->Run(SleepAndReturn(absl::Seconds(10), 1)))
          .IgnoreError();
      co_return absl::OkStatus();
    };
    const Task<void> task = CreateTask(test.loop(), main);
    EXPECT_TRUE(test.RunUntilIdle().ok());
    EXPECT_TRUE(test->Close().ok());
    EXPECT_TRUE(task.cancelled());
  }
  EXPECT_EQ(timeout->Reschedule(std::nullopt).code(), kFailedPrecondition);
}

#if defined(__cpp_exceptions)
TEST(TimeoutTest, AnExceptionOfTheBodyPassesAndTheCountIsRestored) {
  TestLoop test;
  const auto main = [&]() -> Coro<void> {
    Timeout timeout(absl::Seconds(1));
    const auto body = []() -> Coro<int> {
      (co_await Sleep(absl::Seconds(10))).IgnoreError();
      throw std::runtime_error("thrown in cleaning up");
    };
    bool caught = false;
    try {
      (co_await timeout.Run(body())).IgnoreError();
    } catch (const std::runtime_error&) {
      caught = true;
    }
    EXPECT_TRUE(caught);
    EXPECT_TRUE(timeout.expired());
    EXPECT_EQ(CurrentTask().cancelling(), 0);
    co_return absl::OkStatus();
  };
  EXPECT_TRUE(RunMain(test, main).ok());
}
#endif

}  // namespace
}  // namespace evkit
