// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/coro/future.h"

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "evkit/loop/context.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/loop/coro/or_return.h"
#include "evkit/loop/coro/run_until_complete.h"
#include "evkit/loop/coro/task.h"
#include "evkit/loop/testing/test_loop.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr auto kFailedPrecondition = absl::StatusCode::kFailedPrecondition;

class FutureTest : public ::testing::Test {
 protected:
  // Logs a mark in each of the next turns.
  void Tick(int turns) {
    if (turns == 0) return;
    loop().CallSoon([this, turns, turn = turn_++] {
      trace_.push_back("t" + std::to_string(turn));
      Tick(turns - 1);
    });
  }
  EventLoop& loop() { return test_.loop(); }

  TestLoop test_;
  std::vector<std::string> trace_;
  int turn_ = 0;
};

// FUT-01
TEST_F(FutureTest, EndsOnceByAResultAnErrorOrACancellation) {
  const auto value = CreateFuture<int>(loop());
  EXPECT_FALSE(value.done());
  EXPECT_TRUE(value.SetResult(1).ok());
  EXPECT_TRUE(value.done());
  EXPECT_FALSE(value.cancelled());

  const auto error = CreateFuture<int>(loop());
  EXPECT_TRUE(error.SetError(absl::NotFoundError("no")).ok());
  EXPECT_TRUE(error.done());
  EXPECT_EQ(error.Error(), absl::NotFoundError("no"));

  const auto cancelled = CreateFuture<void>(loop());
  EXPECT_TRUE(cancelled.Cancel());
  EXPECT_TRUE(cancelled.done());
  EXPECT_TRUE(cancelled.cancelled());
}

// FUT-02
TEST_F(FutureTest, ADoneFutureIsNotCompletedAgain) {
  const auto future = CreateFuture<int>(loop());
  ASSERT_TRUE(future.SetResult(1).ok());
  EXPECT_EQ(future.SetResult(2).code(), kFailedPrecondition);
  EXPECT_EQ(future.SetError(absl::NotFoundError("")).code(),
            kFailedPrecondition);
  EXPECT_EQ(*future.Result(), 1);
}

// FUT-03
TEST_F(FutureTest, APendingOneHasNoResultAndACancelledOneACancellation) {
  const auto future = CreateFuture<int>(loop());
  EXPECT_EQ(future.Result().status().code(), kFailedPrecondition);
  EXPECT_EQ(future.Error().code(), kFailedPrecondition);
  future.Cancel("too late");
  EXPECT_EQ(future.Result().status(), absl::CancelledError("too late"));
  EXPECT_EQ(future.Error(), absl::CancelledError("too late"));
}

// FUT-04
TEST_F(FutureTest, ResultGivesTheValueOrTheErrorAndErrorTheErrorOrOk) {
  const auto value = CreateFuture<std::string>(loop());
  ASSERT_TRUE(value.SetResult("v").ok());
  EXPECT_EQ(*value.Result(), "v");
  EXPECT_EQ(*value.Result(), "v");
  EXPECT_TRUE(value.Error().ok());
  const auto error = CreateFuture<std::string>(loop());
  ASSERT_TRUE(error.SetError(absl::AbortedError("e")).ok());
  EXPECT_EQ(error.Result().status(), absl::AbortedError("e"));
  EXPECT_EQ(CreateFuture<int>(loop()).SetError(absl::OkStatus()).code(),
            absl::StatusCode::kInvalidArgument);
}

// FUT-05
TEST_F(FutureTest, CancellingTakesEffectAtOnceAndOnlyWhilePending) {
  const auto future = CreateFuture<int>(loop());
  future.AddDoneCallback([&](AnyFuture done) {
    trace_.push_back(done.cancelled() ? "cancelled" : "?");
  });
  EXPECT_TRUE(future.Cancel());
  EXPECT_TRUE(future.cancelled());
  EXPECT_THAT(trace_, IsEmpty());
  EXPECT_FALSE(future.Cancel());
  ASSERT_TRUE(test_.RunUntilIdle().ok());
  EXPECT_THAT(trace_, ElementsAre("cancelled"));

  const auto done = CreateFuture<int>(loop());
  ASSERT_TRUE(done.SetResult(1).ok());
  EXPECT_FALSE(done.Cancel());
  EXPECT_EQ(*done.Result(), 1);
}

// FUT-06
TEST_F(FutureTest, DoneCallbacksAreQueuedInTheirOrderWithTheFuture) {
  const auto future = CreateFuture<int>(loop());
  for (const char* name : {"a", "b", "c"}) {
    future.AddDoneCallback([this, name, future](AnyFuture done) {
      trace_.push_back(name + std::string(done == future ? " it" : " other"));
    });
  }
  loop().CallSoon([&] {
    ASSERT_TRUE(future.SetResult(1).ok());
    trace_.push_back("set");
    loop().CallSoon([&] { trace_.push_back("after"); });
  });
  ASSERT_TRUE(test_.RunUntilIdle().ok());
  EXPECT_THAT(trace_, ElementsAre("set", "a it", "b it", "c it", "after"));
}

// FUT-07
TEST_F(FutureTest, ACallbackAddedToADoneFutureIsQueuedAtOnce) {
  const auto future = CreateFuture<int>(loop());
  ASSERT_TRUE(future.SetResult(1).ok());
  loop().CallSoon([&] { trace_.push_back("before"); });
  future.AddDoneCallback([&] { trace_.push_back("callback"); });
  loop().CallSoon([&] { trace_.push_back("after"); });
  EXPECT_THAT(trace_, IsEmpty());
  ASSERT_TRUE(test_.RunUntilIdle().ok());
  EXPECT_THAT(trace_, ElementsAre("before", "callback", "after"));
}

// FUT-08
TEST_F(FutureTest, ACallbackRunsAsOftenAsItWasAdded) {
  const auto future = CreateFuture<int>(loop());
  int calls = 0;
  const auto count = [&calls] { ++calls; };
  future.AddDoneCallback(count);
  future.AddDoneCallback(count);
  ASSERT_TRUE(future.SetResult(1).ok());
  ASSERT_TRUE(test_.RunUntilIdle().ok());
  EXPECT_EQ(calls, 2);
}

// FUT-09, FUT-10
TEST_F(FutureTest, ARemovedCallbackDoesNotRunAndAQueuedOneIsNotRemoved) {
  const auto future = CreateFuture<int>(loop());
  auto capture = std::make_shared<int>(1);
  const DoneCallbackHandle removed =
      future.AddDoneCallback([&, capture] { trace_.push_back("removed"); });
  const DoneCallbackHandle kept =
      future.AddDoneCallback([&] { trace_.push_back("kept"); });
  EXPECT_TRUE(future.RemoveDoneCallback(removed));
  EXPECT_EQ(capture.use_count(), 1);
  EXPECT_FALSE(future.RemoveDoneCallback(removed));
  EXPECT_FALSE(CreateFuture<int>(loop()).RemoveDoneCallback(kept));
  ASSERT_TRUE(future.SetResult(1).ok());
  EXPECT_FALSE(future.RemoveDoneCallback(kept));
  ASSERT_TRUE(test_.RunUntilIdle().ok());
  EXPECT_THAT(trace_, ElementsAre("kept"));
}

TEST_F(FutureTest, bug_N4_ManyCallbacksAreAddedAndRemovedInLinearTime) {
  const auto future = CreateFuture<int>(loop());
  std::vector<DoneCallbackHandle> handles;
  constexpr int kMany = 100'000;
  for (int i = 0; i < kMany; ++i) {
    handles.push_back(future.AddDoneCallback([] {}));
  }
  for (auto handle = handles.rbegin(); handle != handles.rend(); ++handle) {
    ASSERT_TRUE(future.RemoveDoneCallback(*handle));
  }
}

#if defined(__cpp_exceptions)
// FUT-11
TEST_F(FutureTest, WhatACallbackThrowsIsReportedAndTheOthersRun) {
  const auto future = CreateFuture<int>(loop());
  future.AddDoneCallback([] { throw std::runtime_error("oh"); });
  future.AddDoneCallback([&] { trace_.push_back("second"); });
  ASSERT_TRUE(future.SetResult(1).ok());
  ASSERT_TRUE(test_.RunUntilIdle().ok());
  EXPECT_THAT(trace_, ElementsAre("second"));
  EXPECT_THAT(test_.log(), ElementsAre(HasSubstr("exception: oh")));
}

// FUT-16
TEST_F(FutureTest, AnExceptionIsRethrownByResult) {
  const auto future = CreateFuture<int>(loop());
  ASSERT_TRUE(
      future.SetException(std::make_exception_ptr(std::runtime_error("oh")))
          .ok());
  EXPECT_THROW((void)future.Result(), std::runtime_error);
  EXPECT_EQ(future.Error(), absl::UnknownError("exception: oh"));
  EXPECT_NE(future.Exception(), nullptr);
  EXPECT_EQ(CreateFuture<int>(loop()).SetException(nullptr).code(),
            absl::StatusCode::kInvalidArgument);
}
#endif

Coro<void> Await(Future<int> future, std::vector<std::string>& trace,
                 std::string name) {
  const absl::StatusOr<int> result = co_await future;
  trace.push_back(
      name + " " +
      (result.ok() ? std::to_string(*result) : result.status().ToString()));
  co_return absl::OkStatus();
}

// FUT-12
TEST_F(FutureTest, AwaitingADoneFutureTakesNoTurn) {
  const auto future = CreateFuture<int>(loop());
  ASSERT_TRUE(future.SetResult(7).ok());
  CreateTask(loop(), Await(future, trace_, "task"));
  Tick(2);
  ASSERT_TRUE(test_.RunUntilIdle().ok());
  EXPECT_THAT(trace_, ElementsAre("task 7", "t0", "t1"));
}

// FUT-13
TEST_F(FutureTest, TheTaskGoesOnInTheTurnAfterTheCompletion) {
  const auto future = CreateFuture<int>(loop());
  CreateTask(loop(), Await(future, trace_, "task"));
  Tick(3);
  loop().CallSoon([&] { ASSERT_TRUE(future.SetResult(7).ok()); });
  ASSERT_TRUE(test_.RunUntilIdle().ok());
  EXPECT_THAT(trace_, ElementsAre("t0", "t1", "task 7", "t2"));
}

// FUT-14
TEST_F(FutureTest, SeveralTasksGoOnInTheOrderInWhichTheyBeganToWait) {
  const auto future = CreateFuture<int>(loop());
  for (const char* name : {"a", "b", "c"}) {
    CreateTask(loop(), Await(future, trace_, name));
  }
  loop().CallSoon([&] { ASSERT_TRUE(future.SetResult(1).ok()); });
  ASSERT_TRUE(test_.RunUntilIdle().ok());
  EXPECT_THAT(trace_, ElementsAre("a 1", "b 1", "c 1"));
}

// FUT-15
TEST_F(FutureTest, AFutureOfAnotherLoopCannotBeAwaited) {
  TestLoop other;
  const auto future = CreateFuture<int>(other.loop());
  EXPECT_EQ(future.loop(), &other.loop());
  CreateTask(loop(), Await(future, trace_, "task"));
  ASSERT_TRUE(test_.RunUntilIdle().ok());
  EXPECT_THAT(trace_,
              ElementsAre(HasSubstr("is attached to a different loop")));
  EXPECT_FALSE(future.done());
}

// FUT-17
TEST_F(FutureTest, bug_J7_AnErrorThatNobodySawIsReportedOnce) {
  {
    const auto future = CreateFuture<int>(loop());
    ASSERT_TRUE(future.SetError(absl::DataLossError("gone")).ok());
  }
  EXPECT_THAT(test_.log(), ElementsAre(::testing::AllOf(
                               HasSubstr("Future error was never retrieved"),
                               HasSubstr("DATA_LOSS: gone"))));
}

// FUT-18
TEST_F(FutureTest, LookingAtAnErrorInAnyWayIsSeeingIt) {
  const auto by_result = CreateFuture<int>(loop());
  const auto by_error = CreateFuture<int>(loop());
  const auto by_await = CreateFuture<int>(loop());
  const auto by_cancel = CreateFuture<int>(loop());
  for (const auto& future : {by_result, by_error, by_await, by_cancel}) {
    ASSERT_TRUE(future.SetError(absl::DataLossError("gone")).ok());
  }
  (void)by_result.Result();
  (void)by_error.Error();
  by_cancel.Cancel();
  CreateTask(loop(), Await(by_await, trace_, "task"));
  ASSERT_TRUE(test_.RunUntilIdle().ok());
  EXPECT_THAT(trace_, ElementsAre("task DATA_LOSS: gone"));
  EXPECT_THAT(test_.log(), IsEmpty());
}

TEST_F(FutureTest, ErrorsThatWereSeenAreNotReportedWhenTheHandlesAreGone) {
  {
    const auto future = CreateFuture<int>(loop());
    ASSERT_TRUE(future.SetError(absl::DataLossError("gone")).ok());
    (void)future.Error();
  }
  EXPECT_THAT(test_.log(), IsEmpty());
}

// FUT-22
TEST_F(FutureTest, CreateFutureGivesAPendingFutureOfTheLoop) {
  const auto future = CreateFuture<void>(loop());
  EXPECT_EQ(future.loop(), &loop());
  EXPECT_FALSE(future.done());
  ASSERT_TRUE(future.SetResult().ok());
  EXPECT_TRUE(future.Result().ok());
}

// FUT-23
TEST_F(FutureTest, DebugStringSaysTheStateAndTheError) {
  const auto future = CreateFuture<int>(loop());
  EXPECT_EQ(future.DebugString(), "<Future pending>");
  ASSERT_TRUE(future.SetError(absl::NotFoundError("no")).ok());
  EXPECT_EQ(future.DebugString(), "<Future finished error=NOT_FOUND: no>");
  (void)future.Error();
  const auto cancelled = CreateFuture<int>(loop());
  cancelled.Cancel();
  EXPECT_EQ(cancelled.DebugString(), "<Future cancelled>");
}

// CTX-04
TEST_F(FutureTest, ADoneCallbackRunsInTheContextOfItsRegistration) {
  static const ContextVar<int> variable("variable", 0);
  const auto future = CreateFuture<int>(loop());
  const ContextVar<int>::Token token = variable.Set(1);
  future.AddDoneCallback(
      [&] { trace_.push_back(std::to_string(*variable.Get())); });
  const Context named;
  named.Copy();
  Context own = Context::CopyCurrent();
  own.Run([&] { variable.Set(3); });
  future.AddDoneCallback(
      [&] { trace_.push_back(std::to_string(*variable.Get())); }, own);
  variable.Set(2);
  ASSERT_TRUE(future.SetResult(1).ok());
  ASSERT_TRUE(test_.RunUntilIdle().ok());
  variable.Reset(token);
  EXPECT_THAT(trace_, ElementsAre("1", "3"));
}

Coro<int> TakeMoveOnly(Future<std::unique_ptr<int>> future) {
  const std::unique_ptr<int> value = co_await OrReturn(future);
  co_return *value;
}

TEST_F(FutureTest, bug_J9_AMoveOnlyValueGoesToTheFirstWhoAwaits) {
  const auto future = CreateFuture<std::unique_ptr<int>>(loop());
  ASSERT_TRUE(future.SetResult(std::make_unique<int>(3)).ok());
  EXPECT_EQ(*RunUntilComplete(loop(), TakeMoveOnly(future)), 3);
  EXPECT_EQ(RunUntilComplete(loop(), TakeMoveOnly(future)).status().code(),
            kFailedPrecondition);
}

TEST_F(FutureTest, HandlesMayOutliveTheLoop) {
  auto capture = std::make_shared<int>(1);
  Future<int> future;
  {
    TestLoop gone;
    future = CreateFuture<int>(gone.loop());
    future.AddDoneCallback([capture] { ADD_FAILURE(); });
  }
  EXPECT_EQ(future.loop(), nullptr);
  EXPECT_TRUE(future.SetResult(1).ok());
  EXPECT_EQ(capture.use_count(), 1);
  EXPECT_EQ(*future.Result(), 1);
}

}  // namespace
}  // namespace evkit
