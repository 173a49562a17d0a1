// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// The protocol of cancelling a task; declared in task.h.

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/loop/coro/future.h"
#include "evkit/loop/coro/or_return.h"
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

class CancellationTest : public ::testing::Test {
 protected:
  void RunUntilIdle() { ASSERT_TRUE(test_.RunUntilIdle().ok()); }
  EventLoop& loop() { return test_.loop(); }

  TestLoop test_;
  Trace trace_;
};

std::string Say(const absl::Status& status) {
  if (status.ok()) return "ok";
  if (status.code() != absl::StatusCode::kCancelled) return status.ToString();
  return status.message().empty()
             ? "cancelled"
             : "cancelled " + std::string(status.message());
}

// Logs what each of its awaits gives.
Coro<int> AwaitTwice(Future<void> first, Future<void> second, Trace& trace) {
  trace.push_back("begins");
  const absl::Status one = co_await first;
  trace.push_back("first " + Say(one));
  const absl::Status two = co_await second;
  trace.push_back("second " + Say(two));
  co_return 1;
}

// CAN-01, CAN-02, CAN-14
TEST_F(CancellationTest, CancelCountsAndDoesNothingToTheCoroutineAtOnce) {
  const auto future = CreateFuture<void>(loop());
  const Task<int> task = CreateTask(loop(), AwaitTwice(future, future, trace_));
  RunUntilIdle();
  EXPECT_TRUE(task.Cancel());
  EXPECT_TRUE(task.Cancel());
  EXPECT_EQ(task.cancelling(), 2);
  EXPECT_FALSE(task.cancelled());
  EXPECT_THAT(trace_, ElementsAre("begins"));
  RunUntilIdle();
  EXPECT_TRUE(task.done());
  EXPECT_FALSE(task.Cancel());
  EXPECT_EQ(task.cancelling(), 2);
}

// CAN-03
TEST_F(CancellationTest, TheAwaitedFutureIsCancelled) {
  const auto future = CreateFuture<void>(loop());
  const Task<int> task = CreateTask(
      loop(), AwaitTwice(future, CreateFuture<void>(loop()), trace_));
  RunUntilIdle();
  EXPECT_TRUE(task.Cancel("why"));
  EXPECT_TRUE(future.cancelled());
  RunUntilIdle();
  EXPECT_THAT(trace_, ElementsAre("begins", "first cancelled why"));
  task.Cancel();
  RunUntilIdle();
}

// CAN-04, CAN-05
TEST_F(CancellationTest, ATaskCancelledBeforeItBeginsNeverDoes) {
  const auto future = CreateFuture<void>(loop());
  const Task<int> task = CreateTask(loop(), AwaitTwice(future, future, trace_));
  EXPECT_TRUE(task.Cancel("m"));
  EXPECT_FALSE(task.cancelled());
  RunUntilIdle();
  EXPECT_THAT(trace_, IsEmpty());
  EXPECT_TRUE(task.cancelled());
  EXPECT_EQ(task.Error(), absl::CancelledError("m"));
}

// CAN-04, CAN-06
TEST_F(CancellationTest, bug_J12_ACompletedFutureKeepsItsResult) {
  const auto future = CreateFuture<void>(loop());
  const Task<int> task = CreateTask(
      loop(), AwaitTwice(future, CreateFuture<void>(loop()), trace_));
  RunUntilIdle();
  ASSERT_TRUE(future.SetResult().ok());
  EXPECT_TRUE(task.Cancel("late"));
  RunUntilIdle();
  EXPECT_THAT(trace_, ElementsAre("begins", "first cancelled late"));
  EXPECT_TRUE(future.Result().ok());
  task.Cancel();
  RunUntilIdle();
}

// CAN-07
TEST_F(CancellationTest, TwoCancellationsBeforeTheTaskGoesOnAreDeliveredOnce) {
  const auto first = CreateFuture<void>(loop());
  const auto second = CreateFuture<void>(loop());
  const Task<int> task = CreateTask(loop(), AwaitTwice(first, second, trace_));
  RunUntilIdle();
  task.Cancel("one");
  task.Cancel("two");
  EXPECT_EQ(task.cancelling(), 2);
  RunUntilIdle();
  EXPECT_THAT(trace_, ElementsAre("begins", "first cancelled one"));
  ASSERT_TRUE(second.SetResult().ok());
  RunUntilIdle();
  EXPECT_THAT(trace_,
              ElementsAre("begins", "first cancelled one", "second ok"));
}

// CAN-08
TEST_F(CancellationTest, ACoroutineThatSwallowsItEndsNormally) {
  const auto first = CreateFuture<void>(loop());
  const auto second = CreateFuture<void>(loop());
  ASSERT_TRUE(second.SetResult().ok());
  const Task<int> task = CreateTask(loop(), AwaitTwice(first, second, trace_));
  RunUntilIdle();
  task.Cancel();
  RunUntilIdle();
  EXPECT_EQ(*task.Result(), 1);
  EXPECT_FALSE(task.cancelled());
  EXPECT_EQ(task.cancelling(), 1);
}

Coro<int> CancelSelf(bool uncancel) {
  CurrentTask().Cancel("self");
  if (uncancel) CurrentTask().Uncancel();
  co_return 1;
}

// CAN-09, CAN-13
TEST_F(CancellationTest, ATaskCancelledWhileItRunsEndsCancelledUnlessRevoked) {
  const Task<int> cancelled = CreateTask(loop(), CancelSelf(false));
  const Task<int> revoked = CreateTask(loop(), CancelSelf(true));
  RunUntilIdle();
  EXPECT_TRUE(cancelled.cancelled());
  EXPECT_EQ(cancelled.Error(), absl::CancelledError("self"));
  EXPECT_EQ(*revoked.Result(), 1);
}

Coro<int> CancelSelfAndAwait(Future<void> first, Future<void> second,
                             Trace& trace) {
  CurrentTask().Cancel("self");
  const absl::Status one = co_await first;
  trace.push_back("first " + Say(one));
  const absl::Status two = co_await second;
  trace.push_back("second " + Say(two));
  co_return 1;
}

// CAN-10
TEST_F(CancellationTest, TheNextPendingFutureIsCancelledAtOnce) {
  const auto first = CreateFuture<void>(loop());
  const auto second = CreateFuture<void>(loop());
  CreateTask(loop(), CancelSelfAndAwait(first, second, trace_));
  RunUntilIdle();
  EXPECT_TRUE(first.cancelled());
  EXPECT_FALSE(second.done());
  EXPECT_THAT(trace_, ElementsAre("first cancelled self"));
}

// CAN-11
TEST_F(CancellationTest, ADoneFutureDoesNotDeliverIt) {
  const auto first = CreateFuture<void>(loop());
  ASSERT_TRUE(first.SetResult().ok());
  const auto second = CreateFuture<void>(loop());
  CreateTask(loop(), CancelSelfAndAwait(first, second, trace_));
  RunUntilIdle();
  EXPECT_TRUE(second.cancelled());
  EXPECT_THAT(trace_, ElementsAre("first ok", "second cancelled self"));
}

Coro<int> EndsCancelled() { co_return absl::CancelledError("own"); }

// CAN-12
TEST_F(CancellationTest, ACoroutineThatEndsWithCancelledCancelsItsTask) {
  const Task<int> task = CreateTask(loop(), EndsCancelled());
  RunUntilIdle();
  EXPECT_TRUE(task.cancelled());
  EXPECT_EQ(task.cancelling(), 0);
}

// CAN-13
TEST_F(CancellationTest,
       UncancelCountsDownToZeroAndRevokesWhatWasNotDelivered) {
  const auto future = CreateFuture<void>(loop());
  const Task<int> task = CreateTask(loop(), AwaitTwice(future, future, trace_));
  EXPECT_EQ(task.Uncancel(), 0);
  task.Cancel();
  task.Cancel();
  EXPECT_EQ(task.Uncancel(), 1);
  EXPECT_EQ(task.Uncancel(), 0);
  ASSERT_TRUE(future.SetResult().ok());
  RunUntilIdle();
  EXPECT_EQ(*task.Result(), 1);
}

Coro<int> Pass(Task<int> inner) {
  const int value = co_await OrReturn(inner);
  co_return value;
}

// CAN-15, CAN-16
TEST_F(CancellationTest, WhoAwaitsACancelledTaskGetsItsMessage) {
  const auto future = CreateFuture<void>(loop());
  const Task<int> inner = CreateTask(
      loop(), CancelSelfAndAwait(future, CreateFuture<void>(loop()), trace_));
  const Task<int> outer = CreateTask(loop(), Pass(inner));
  RunUntilIdle();
  inner.Cancel("reason");
  RunUntilIdle();
  EXPECT_EQ(*inner.Result(), 1);
  EXPECT_EQ(*outer.Result(), 1);

  const Task<int> cancelled = CreateTask(loop(), EndsCancelled());
  const Task<int> awaits = CreateTask(loop(), Pass(cancelled));
  RunUntilIdle();
  EXPECT_TRUE(awaits.cancelled());
  EXPECT_EQ(awaits.Error(), absl::CancelledError("own"));
  EXPECT_EQ(awaits.cancelling(), 0);
}

// CAN-03: through a chain of tasks, to the innermost.
TEST_F(CancellationTest, CancellingTheOuterTaskCancelsTheInnermostFuture) {
  const auto future = CreateFuture<void>(loop());
  const auto never = CreateFuture<void>(loop());
  const Task<int> inner = CreateTask(loop(), AwaitTwice(future, never, trace_));
  const Task<int> middle = CreateTask(loop(), Pass(inner));
  const Task<int> outer = CreateTask(loop(), Pass(middle));
  RunUntilIdle();
  EXPECT_TRUE(outer.Cancel("all"));
  EXPECT_TRUE(future.cancelled());
  EXPECT_EQ(inner.cancelling(), 1);
  EXPECT_EQ(middle.cancelling(), 1);
  RunUntilIdle();
  EXPECT_FALSE(outer.done());
  // CAN-17
  EXPECT_TRUE(outer.Cancel("again"));
  RunUntilIdle();
  EXPECT_THAT(trace_, ElementsAre("begins", "first cancelled all",
                                  "second cancelled again"));
  EXPECT_EQ(*outer.Result(), 1);
}

// CAN-17
TEST_F(CancellationTest, ASwallowedCancellationNeedsAnother) {
  const Task<int> task =
      CreateTask(loop(), AwaitTwice(CreateFuture<void>(loop()),
                                    CreateFuture<void>(loop()), trace_));
  RunUntilIdle();
  task.Cancel("one");
  RunUntilIdle();
  EXPECT_FALSE(task.done());
  task.Cancel("two");
  RunUntilIdle();
  EXPECT_THAT(trace_, ElementsAre("begins", "first cancelled one",
                                  "second cancelled two"));
}

Coro<int> Fails() { co_return absl::DataLossError("gone"); }

// CAN-18
TEST_F(CancellationTest, CancellingAFailedTaskCountsAsSeeingItsError) {
  {
    const Task<int> task = CreateTask(loop(), Fails());
    RunUntilIdle();
    EXPECT_FALSE(task.Cancel());
  }
  EXPECT_THAT(test_.log(), IsEmpty());
}

}  // namespace
}  // namespace evkit
