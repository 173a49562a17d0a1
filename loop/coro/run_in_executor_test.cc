// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/coro/run_in_executor.h"

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "evkit/loop/context.h"
#include "evkit/loop/coro/or_return.h"
#include "evkit/loop/coro/run_until_complete.h"
#include "evkit/loop/coro/sleep.h"
#include "evkit/loop/coro/task.h"
#include "evkit/loop/coro/to_thread.h"
#include "evkit/loop/default_event_loop.h"
#include "evkit/loop/executor/default_executor.h"
#include "evkit/loop/executor/fake_executor.h"
#include "evkit/loop/executor/thread_pool_executor.h"
#include "evkit/loop/testing/test_loop.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::thread::id ThisThread() { return std::this_thread::get_id(); }

// EXE-01
TEST(RunInExecutorTest, TheFunctionRunsElsewhereAndItsValueComesBack) {
  const auto loop = *NewDefaultEventLoop();
  ThreadPoolExecutor pool;
  const Future<std::thread::id> worker =
      RunInExecutor(*loop, &pool, ThisThread);
  EXPECT_FALSE(worker.done());
  EXPECT_NE(RunUntilComplete(*loop, worker).value(), ThisThread());
}

// EXE-01: the completion is a callback of the loop.
TEST(RunInExecutorTest, NothingCompletesUntilTheLoopGoesOn) {
  TestLoop test;
  FakeExecutor executor;
  const Future<int> future =
      RunInExecutor(test.loop(), &executor, [] { return 7; });
  executor.RunAll();
  EXPECT_FALSE(future.done());
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_EQ(*future.Result(), 7);
}

TEST(RunInExecutorTest, ResultsOfEveryKindAreTheFutures) {
  TestLoop test;
  FakeExecutor executor;
  AbstractEventLoop& loop = test.loop();
  const Future<void> nothing = RunInExecutor(loop, &executor, [] {});
  const Future<void> ok =
      RunInExecutor(loop, &executor, [] { return absl::OkStatus(); });
  const Future<void> error =
      RunInExecutor(loop, &executor, [] { return absl::DataLossError("1"); });
  const Future<std::string> value = RunInExecutor(
      loop, &executor, [] { return absl::StatusOr<std::string>("text"); });
  const Future<std::string> no_value = RunInExecutor(loop, &executor, [] {
    return absl::StatusOr<std::string>(absl::DataLossError("2"));
  });
  const Future<std::unique_ptr<int>> owned = RunInExecutor(
      loop, &executor,
      [p = std::make_unique<int>(3)]() mutable { return std::move(p); });
  executor.RunAll();
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_TRUE(nothing.Result().ok());
  EXPECT_TRUE(ok.Result().ok());
  EXPECT_EQ(error.Result(), absl::DataLossError("1"));
  EXPECT_EQ(*value.Result(), "text");
  EXPECT_EQ(no_value.Result().status(), absl::DataLossError("2"));
  EXPECT_EQ(**owned.Result(), 3);
}

// Says whether it was run, and when it is destroyed.
class Work {
 public:
  explicit Work(std::shared_ptr<bool> ran) : ran_(std::move(ran)) {}
  int operator()() {
    *ran_ = true;
    return 1;
  }

 private:
  std::shared_ptr<bool> ran_;
};

// EXE-04
TEST(RunInExecutorTest, CancellingTheFutureCancelsWorkThatHasNotStarted) {
  TestLoop test;
  FakeExecutor executor;
  const auto ran = std::make_shared<bool>(false);
  const Future<int> future = RunInExecutor(test.loop(), &executor, Work(ran));
  EXPECT_EQ(ran.use_count(), 2);
  EXPECT_TRUE(future.Cancel());
  EXPECT_EQ(ran.use_count(), 2);  // Not inside of `Cancel()`.
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_EQ(ran.use_count(), 1);
  executor.RunAll();
  EXPECT_FALSE(*ran);
  EXPECT_TRUE(future.cancelled());
}

// EXE-04
TEST(RunInExecutorTest, WorkThatHasStartedGoesOnAndItsResultIsDropped) {
  TestLoop test;
  FakeExecutor executor;
  bool went_on = false;
  std::optional<Future<int>> future;
  future = RunInExecutor(test.loop(), &executor, [&] {
    future->Cancel();
    went_on = true;
    return 1;
  });
  executor.RunAll();
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_TRUE(went_on);
  EXPECT_TRUE(future->cancelled());
  EXPECT_THAT(test.log(), IsEmpty());
}

Coro<int> AwaitWork(Executor* executor, std::shared_ptr<bool> ran) {
  const Future<int> future =
      RunInExecutor(*CurrentTask().loop(), executor, Work(std::move(ran)));
  const absl::StatusOr<int> result = co_await future;
  co_return result;
}

// EXE-04: through the task that awaits.
TEST(RunInExecutorTest, CancellingTheTaskThatAwaitsCancelsTheWork) {
  TestLoop test;
  FakeExecutor executor;
  const auto ran = std::make_shared<bool>(false);
  const Task<int> task = CreateTask(test.loop(), AwaitWork(&executor, ran));
  ASSERT_TRUE(test.RunUntilIdle().ok());
  task.Cancel();
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_TRUE(task.cancelled());
  EXPECT_EQ(ran.use_count(), 1);
}

TEST(RunInExecutorTest, WorkThatTheExecutorDropsCancelsTheFuture) {
  TestLoop test;
  FakeExecutor executor;
  const Future<int> future =
      RunInExecutor(test.loop(), &executor, [] { return 1; });
  executor.DropNext();
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_TRUE(future.cancelled());
}

TEST(RunInExecutorTest, WorkThatIsRefusedFailsTheFutureAtOnce) {
  TestLoop test;
  FakeExecutor executor;
  executor.Refuse(absl::ResourceExhaustedError("full"));
  const Future<int> refused =
      RunInExecutor(test.loop(), &executor, [] { return 1; });
  EXPECT_EQ(refused.Result().status(), absl::ResourceExhaustedError("full"));

  ASSERT_TRUE(test->Close().ok());
  const Future<int> closed =
      RunInExecutor(test.loop(), &executor, [] { return 1; });
  EXPECT_EQ(closed.Result().status().code(),
            absl::StatusCode::kFailedPrecondition);
}

// EXE-08
TEST(RunInExecutorTest, bug_J1_TheLoopIsClosedBeforeTheWorkEnds) {
  FakeExecutor executor;
  const auto ran = std::make_shared<bool>(false);
  std::optional<Future<int>> kept;
  {
    TestLoop test;
    kept = RunInExecutor(test.loop(), &executor, Work(ran));
    CreateTask(test.loop(), AwaitWork(&executor, ran));
    ASSERT_TRUE(test.RunUntilIdle().ok());
  }
  executor.RunAll();
  EXPECT_TRUE(*ran);
  EXPECT_EQ(ran.use_count(), 1);
  EXPECT_FALSE(kept->done());
}

// EXE-09
TEST(ToThreadTest, TheFunctionSeesTheCallersContextAndChangesItsOwnCopy) {
  static const ContextVar<int> number("number");
  const auto loop = *NewDefaultEventLoop();
  const auto main = []() -> Coro<int> {
    number.Set(7);
    const auto work = [] {
      const int seen = number.Get().value_or(-1);
      number.Set(8);
      return std::make_pair(seen, ThisThread());
    };
    const auto seen = co_await OrReturn(ToThread(work));
    EXPECT_EQ(seen.first, 7);
    EXPECT_NE(seen.second, ThisThread());
    co_return number.Get().value_or(-1);
  };
  const Task<int> task = CreateTask(*loop, main);
  EXPECT_EQ(*RunUntilComplete<int>(*loop, task), 7);
}

TEST(ToThreadTest, OutsideOfALoopTheFutureHasFailed) {
  const Future<int> future = ToThread([] { return 1; });
  EXPECT_EQ(future.Result().status().code(),
            absl::StatusCode::kFailedPrecondition);
}

// RUN-32, RUN-33: awaited.
TEST(ShutdownDefaultExecutorTest, CanBeAwaited) {
  const auto loop = *NewDefaultEventLoop();
  const Future<int> job = RunInExecutor(*loop, nullptr, [] { return 4; });
  EXPECT_TRUE(RunUntilComplete(*loop, ShutdownDefaultExecutor(*loop)).ok());
  EXPECT_EQ(RunUntilComplete(*loop, job).value(), 4);
  const Future<int> late = RunInExecutor(*loop, nullptr, [] { return 4; });
  EXPECT_THAT(std::string(late.Result().status().message()),
              HasSubstr("shutdown"));
  EXPECT_TRUE(RunUntilComplete(*loop, ShutdownDefaultExecutor(*loop)).ok());

  const auto unused = *NewDefaultEventLoop();
  EXPECT_TRUE(RunUntilComplete(*unused, ShutdownDefaultExecutor(*unused)).ok());
  ASSERT_TRUE(unused->Close().ok());
  EXPECT_EQ(ShutdownDefaultExecutor(*unused).Result().code(),
            absl::StatusCode::kFailedPrecondition);
}

#if defined(__cpp_exceptions)

// EXE-03
TEST(RunInExecutorTest, bug_L6_WhatTheFunctionThrowsIsRethrownToWhoAwaits) {
  TestLoop test;
  FakeExecutor executor;
  const Future<int> future = RunInExecutor(
      test.loop(), &executor, []() -> int { throw std::runtime_error("bad"); });
  executor.RunAll();
  const auto main = [&]() -> Coro<void> {
    bool caught = false;
    try {
      (void)co_await future;
    } catch (const std::runtime_error& error) {
      caught = std::string(error.what()) == "bad";
    }
    EXPECT_TRUE(caught);
    co_return absl::OkStatus();
  };
  const Task<void> task = CreateTask(test.loop(), main);
  EXPECT_TRUE(RunUntilComplete<void>(test.loop(), task).ok());
}

// EXE-03
TEST(RunInExecutorTest, AnExceptionThatNobodyLooksAtIsReported) {
  TestLoop test;
  FakeExecutor executor;
  (void)RunInExecutor(test.loop(), &executor,
                      []() -> int { throw std::runtime_error("bad"); });
  executor.RunAll();
  ASSERT_TRUE(test.RunUntilIdle().ok());
  ASSERT_THAT(test.log(), SizeIs(1));
  EXPECT_THAT(test.log()[0], HasSubstr("never retrieved"));
}

#endif  // defined(__cpp_exceptions)

}  // namespace
}  // namespace evkit
