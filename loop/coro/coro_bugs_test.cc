// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Bugs that coroutine libraries really had: group J of docs/bug_catalogue.md.

#include <algorithm>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/loop/coro/future.h"
#include "evkit/loop/coro/or_return.h"
#include "evkit/loop/coro/run_until_complete.h"
#include "evkit/loop/coro/sleep.h"
#include "evkit/loop/coro/task.h"
#include "evkit/loop/coro/waiter.h"
#include "evkit/loop/testing/test_loop.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

// --- J8: tasks that wait for themselves --------------------------------------

// Waits for the task that `other` refers to by then, and notes the outcome.
Coro<int> AwaitOther(std::shared_ptr<Task<int>> other, absl::Status* outcome) {
  const Task<int> task = *other;
  const absl::StatusOr<int> result = co_await task;
  *outcome = result.status();
  co_return result;
}

TEST(CoroBugsTest, bug_J8_ATaskThatAwaitsItselfGetsAnError) {
  TestLoop test;
  const auto self = std::make_shared<Task<int>>();
  absl::Status outcome;
  *self = CreateTask(test.loop(), AwaitOther(self, &outcome));
  const Task<int> task = *self;
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_EQ(outcome.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(outcome.message(), HasSubstr("a task cannot await itself"));
  EXPECT_TRUE(task.done());
  EXPECT_EQ(task.Error(), outcome);
}

TEST(CoroBugsTest, bug_J8_CancellingOneOfACircleEndsAllOfThem) {
  for (int size = 2; size <= 5; ++size) {
    TestLoop test;
    std::vector<std::shared_ptr<Task<int>>> next;
    std::vector<absl::Status> outcomes(size);
    for (int i = 0; i < size; ++i) {
      next.push_back(std::make_shared<Task<int>>());
    }
    std::vector<Task<int>> tasks;
    for (int i = 0; i < size; ++i) {
      tasks.push_back(
          CreateTask(test.loop(), AwaitOther(next[i], &outcomes[i])));
    }
    for (int i = 0; i < size; ++i) *next[i] = tasks[(i + 1) % size];
    ASSERT_TRUE(test.RunUntilIdle().ok());
    EXPECT_FALSE(tasks[0].done());
    EXPECT_THAT(tasks[0].DebugString(), HasSubstr("waiting for task "));
    EXPECT_TRUE(tasks[0].Cancel("enough"));
    ASSERT_TRUE(test.RunUntilIdle().ok());
    for (int i = 0; i < size; ++i) {
      EXPECT_TRUE(tasks[i].cancelled()) << i << " of " << size;
      EXPECT_EQ(outcomes[i].code(), absl::StatusCode::kCancelled);
      *next[i] = Task<int>();
    }
    EXPECT_THAT(AllTasks(test.loop()), IsEmpty());
    EXPECT_THAT(test.log(), IsEmpty());
  }
}

// Waits for the task before it.
Coro<int> AwaitPrevious(Task<int> previous) { co_return co_await previous; }

Coro<int> SleepForever() {
  co_await OrReturn(Sleep(absl::InfiniteDuration()));
  co_return 0;
}

TEST(CoroBugsTest, bug_J8_CancellingTheLastOfALongChainOfTasksIsIterative) {
  TestLoop test;
  const Task<int> first = CreateTask(test.loop(), SleepForever());
  Task<int> last = first;
  for (int i = 0; i < 100'000; ++i) {
    last = CreateTask(test.loop(), AwaitPrevious(last));
  }
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_TRUE(last.Cancel());
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_TRUE(first.cancelled());
  EXPECT_TRUE(last.cancelled());
}

TEST(CoroBugsTest, bug_J8_ACircleIsDestroyedWithItsLoop) {
  const auto of_a = std::make_shared<Task<int>>();
  const auto of_b = std::make_shared<Task<int>>();
  absl::Status outcome;
  {
    TestLoop test;
    *of_a = CreateTask(test.loop(), AwaitOther(of_b, &outcome));
    *of_b = CreateTask(test.loop(), AwaitOther(of_a, &outcome));
    ASSERT_TRUE(test.RunUntilIdle().ok());
  }
  EXPECT_TRUE(of_a->cancelled());
  EXPECT_TRUE(of_b->cancelled());
  *of_a = Task<int>();
  *of_b = Task<int>();
}

// --- J9: waiting for what is finished, twice, by two -------------------------

Coro<int> Five() { co_return 5; }
Coro<std::unique_ptr<int>> OwnedFive() { co_return std::make_unique<int>(5); }

Coro<int> AwaitTwice(Task<int> task) {
  const int first = co_await OrReturn(task);
  const int again = co_await OrReturn(task);
  co_return first + again;
}

TEST(CoroBugsTest, bug_J9_AFinishedTaskIsAwaitedAtOnceAnyNumberOfTimes) {
  TestLoop test;
  const Task<int> task = CreateTask(test.loop(), Five());
  ASSERT_TRUE(test.RunUntilIdle().ok());
  ASSERT_TRUE(task.done());
  const Task<int> twice = CreateTask(test.loop(), AwaitTwice(task));
  test->Stop();  // One turn is enough.
  ASSERT_TRUE(test->RunForever().ok());
  ASSERT_TRUE(twice.done());
  EXPECT_EQ(*twice.Result(), 10);
}

Coro<int> AwaitOnce(Task<int> task) { co_return co_await task; }

TEST(CoroBugsTest, bug_J9_TwoWaitersGetTheSameResult) {
  TestLoop test;
  const Task<int> task = CreateTask(test.loop(), Five());
  const Task<int> one = CreateTask(test.loop(), AwaitOnce(task));
  const Task<int> two = CreateTask(test.loop(), AwaitOnce(task));
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_EQ(*one.Result(), 5);
  EXPECT_EQ(*two.Result(), 5);
}

Coro<int> TakeOwned(Task<std::unique_ptr<int>> task) {
  const std::unique_ptr<int> owned = co_await OrReturn(task);
  co_return *owned;
}

TEST(CoroBugsTest, bug_J9_WhatCannotBeCopiedGoesToTheFirstAndTheRestAreTold) {
  TestLoop test;
  const Task<std::unique_ptr<int>> task = CreateTask(test.loop(), OwnedFive());
  const Task<int> one = CreateTask(test.loop(), TakeOwned(task));
  const Task<int> two = CreateTask(test.loop(), TakeOwned(task));
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_EQ(*one.Result(), 5);
  EXPECT_EQ(two.Result().status().code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST(CoroBugsTest, bug_J9_AWaiterThatIsCancelledLeavesTheOtherAResult) {
  TestLoop test;
  const Future<int> gate = CreateFuture<int>(test.loop());
  const auto await_gate = [](Future<int> future) -> Coro<int> {
    co_return co_await future;
  };
  const Task<int> one = CreateTask(test.loop(), await_gate(gate));
  const Task<int> two = CreateTask(test.loop(), await_gate(gate));
  ASSERT_TRUE(test.RunUntilIdle().ok());
  ASSERT_TRUE(gate.SetResult(5).ok());
  EXPECT_TRUE(one.Cancel());
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_TRUE(one.cancelled());
  EXPECT_EQ(*two.Result(), 5);
}

// --- J14: tasks that nobody holds --------------------------------------------

Coro<void> SleepAndSay(std::shared_ptr<int> done) {
  co_await OrReturn(Sleep(absl::Hours(1)));
  *done = 1;
  co_return absl::OkStatus();
}

TEST(CoroBugsTest, bug_J14_ATaskWhoseHandlesAreDroppedRunsToItsEnd) {
  TestLoop test;
  const auto done = std::make_shared<int>(0);
  CreateTask(test.loop(), SleepAndSay(done));
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_EQ(done.use_count(), 2);
  ASSERT_TRUE(test.FastForwardBy(absl::Hours(1)).ok());
  EXPECT_EQ(*done, 1);
  EXPECT_EQ(done.use_count(), 1);
  EXPECT_THAT(test.log(), IsEmpty());
}

// The future that it waits for is kept by nobody but itself.
Coro<void> AwaitForgotten(EventLoop& loop, std::shared_ptr<int> local) {
  co_await OrReturn(CreateFuture<void>(loop));
  *local = 1;
  co_return absl::OkStatus();
}

TEST(CoroBugsTest, bug_J14_ATaskThatNothingCanWakeIsKeptUntilTheLoopCloses) {
  const auto local = std::make_shared<int>(0);
  TestLoop test;
  CreateTask(test.loop(), AwaitForgotten(test.loop(), local));
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_EQ(AllTasks(test.loop()).size(), size_t{1});
  EXPECT_EQ(local.use_count(), 2);
  ASSERT_TRUE(test->Close().ok());
  EXPECT_EQ(local.use_count(), 1);
  ASSERT_EQ(test.log().size(), size_t{1});
  EXPECT_THAT(test.log()[0], HasSubstr("destroyed but it is pending"));
}

// --- J17, J18: temporaries of await expressions ------------------------------

// Counts how many are alive, and notices one that is destroyed twice.
class Counted {
 public:
  explicit Counted(int value) : value_(value) { ++alive; }
  Counted(const Counted& other) : value_(other.value_) { ++alive; }
  Counted(Counted&& other) noexcept : value_(other.value_) { ++alive; }
  Counted& operator=(const Counted&) = default;
  ~Counted() {
    if (mark_ != kAlive) ++destroyed_twice;
    mark_ = 0;
    --alive;
  }
  int value() const { return value_; }

  static inline int alive = 0;
  static inline int destroyed_twice = 0;

 private:
  static constexpr int kAlive = 0x5a5a;
  int value_;
  volatile int mark_ = kAlive;
};

Coro<Counted> Echo(Counted parameter) { co_return parameter; }
Coro<Counted> EchoSlowly(Counted parameter) {
  co_await OrReturn(Sleep(absl::ZeroDuration()));
  co_return parameter;
}
Coro<Counted> FailWith(Counted parameter) {
  co_return absl::DataLossError(std::to_string(parameter.value()));
}
absl::StatusOr<Counted> Ready(Counted value) { return value; }
absl::Status Check(const Counted& value) {
  return value.value() > 0 ? absl::OkStatus() : absl::InternalError("0");
}
absl::Duration None(const Counted&) { return absl::ZeroDuration(); }
Future<Counted> Completed(EventLoop& loop, Counted value) {
  Future<Counted> future = CreateFuture<Counted>(loop);
  EXPECT_TRUE(future.SetResult(std::move(value)).ok());
  return future;
}
Future<Counted> Later(EventLoop& loop, Counted value) {
  Future<Counted> future = CreateFuture<Counted>(loop);
  loop.CallSoon([future, value] { future.SetResult(value).IgnoreError(); });
  return future;
}
Waiter& Rung(Waiter& waiter, EventLoop& loop, const Counted& value) {
  EXPECT_GT(value.value(), 0);
  loop.CallSoon([&waiter] { waiter.Complete(); });
  return waiter;
}

// Every awaitable, as a temporary made from temporaries, plain and under
// OrReturn(), ready and not.
Coro<int> AwaitEverything(EventLoop& loop) {
  int sum = 0;
  {
    const absl::StatusOr<Counted> r = co_await Echo(Counted(1));
    sum += r->value();
  }
  {
    const absl::StatusOr<Counted> r = co_await EchoSlowly(Counted(1));
    sum += r->value();
  }
  sum += (co_await OrReturn(Echo(Counted(1)))).value();
  sum += (co_await OrReturn(EchoSlowly(Counted(1)))).value();
  sum += (co_await OrReturn(Ready(Counted(1)))).value();
  co_await OrReturn(Check(Counted(1)));
  sum += (co_await CreateTask(Echo(Counted(1))))->value();
  sum += (co_await OrReturn(CreateTask(EchoSlowly(Counted(1))))).value();
  sum += (co_await Completed(loop, Counted(1)))->value();
  sum += (co_await OrReturn(Completed(loop, Counted(1)))).value();
  sum += (co_await Later(loop, Counted(1)))->value();
  sum += (co_await OrReturn(Later(loop, Counted(1)))).value();
  const Future<Counted> kept = Later(loop, Counted(1));
  sum += (co_await kept)->value();
  sum += (co_await OrReturn(kept)).value();
  co_await OrReturn(Sleep(None(Counted(1))));
  const absl::Status slept = co_await Sleep(None(Counted(1)));
  co_await OrReturn(slept);
  Waiter waiter("test");
  co_await OrReturn(Rung(waiter, loop, Counted(1)));
  Waiter again("test");
  const absl::Status rung = co_await Rung(again, loop, Counted(1));
  co_await OrReturn(rung);
  TaskOptions options;
  options.name = std::string(100, 'x');
  options.eager_start = true;
  sum += (co_await CreateTask(EchoSlowly(Counted(1)), options))->value();
  const absl::StatusOr<Counted> failed = co_await FailWith(Counted(7));
  sum += failed.status().message() == "7" ? 100 : 0;
  // A value made by a condition, and one in an argument of a call.
  sum += sum > 0 ? (co_await OrReturn(Echo(Counted(1)))).value() : 0;
  sum += std::max((co_await OrReturn(Echo(Counted(1)))).value(), 0);
  co_return sum;
}

TEST(CoroBugsTest, bug_J17_EveryTemporaryOfAnAwaitIsDestroyedOnce) {
  Counted::alive = 0;
  Counted::destroyed_twice = 0;
  {
    TestLoop test;
    EXPECT_EQ(*RunUntilComplete(test.loop(), AwaitEverything(test.loop())),
              116);
    EXPECT_EQ(Counted::alive, 0);
  }
  EXPECT_EQ(Counted::destroyed_twice, 0);
}

Coro<int> EndAtTheFirst(int which) {
  const Counted local(1);
  if (which == 0) (void)co_await OrReturn(FailWith(Counted(3)));
  if (which == 1) (void)co_await OrReturn(CreateTask(FailWith(Counted(3))));
  if (which == 2) {
    const absl::StatusOr<Counted> error = absl::DataLossError("3");
    (void)co_await OrReturn(error);
  }
  if (which == 3) co_await OrReturn(absl::DataLossError("3"));
  co_return 0;
}

TEST(CoroBugsTest, bug_J17_EveryTemporaryOfAnAwaitThatEndsIsDestroyedOnce) {
  Counted::alive = 0;
  Counted::destroyed_twice = 0;
  for (int which = 0; which < 4; ++which) {
    TestLoop test;
    EXPECT_EQ(RunUntilComplete(test.loop(), EndAtTheFirst(which)).status(),
              absl::DataLossError("3"));
    EXPECT_EQ(Counted::alive, 0);
  }
  EXPECT_EQ(Counted::destroyed_twice, 0);
}

// Suspends for ever in each kind of await, with temporaries alive.
Coro<int> Suspend(EventLoop& loop, int which, Counted parameter) {
  const Counted local(1);
  if (which == 0) co_await OrReturn(Sleep(absl::InfiniteDuration()));
  if (which == 1) {
    const absl::Status slept = co_await Sleep(absl::InfiniteDuration());
    co_await OrReturn(slept);
  }
  if (which == 2) (void)co_await OrReturn(CreateFuture<Counted>(loop));
  if (which == 3) (void)co_await CreateFuture<Counted>(loop);
  if (which == 4) {
    Waiter waiter("test");
    co_await OrReturn(waiter);
  }
  if (which == 5) (void)co_await OrReturn(Suspend(loop, 0, Counted(1)));
  if (which == 6) (void)co_await Suspend(loop, 1, Counted(1));
  if (which == 7) {
    (void)co_await OrReturn(CreateTask(Suspend(loop, 0, Counted(1))));
  }
  co_return parameter.value();
}
constexpr int kSuspensions = 8;

// The task has not begun, or is suspended, when its loop is closed.
TEST(CoroBugsTest, bug_J17_TheTemporariesOfADestroyedFrameAreDestroyedOnce) {
  Counted::alive = 0;
  Counted::destroyed_twice = 0;
  for (int which = 0; which < kSuspensions; ++which) {
    for (const bool begun : {false, true}) {
      TestLoop test;
      CreateTask(test.loop(), Suspend(test.loop(), which, Counted(1)));
      if (begun) {
        ASSERT_TRUE(test.RunUntilIdle().ok());
      }
      EXPECT_GT(Counted::alive, 0);
      ASSERT_TRUE(test->Close().ok());
      EXPECT_EQ(Counted::alive, 0) << which;
    }
  }
  EXPECT_EQ(Counted::destroyed_twice, 0);
}

TEST(CoroBugsTest, bug_J17_TheTemporariesOfACancelledAwaitAreDestroyedOnce) {
  Counted::alive = 0;
  Counted::destroyed_twice = 0;
  for (int which = 0; which < kSuspensions; ++which) {
    TestLoop test;
    const Task<int> task =
        CreateTask(test.loop(), Suspend(test.loop(), which, Counted(1)));
    ASSERT_TRUE(test.RunUntilIdle().ok());
    EXPECT_TRUE(task.Cancel());
    ASSERT_TRUE(test.RunUntilIdle().ok());
    EXPECT_TRUE(task.done());
    EXPECT_EQ(Counted::alive, 0) << which;
  }
  EXPECT_EQ(Counted::destroyed_twice, 0);
}

// An await whose `await_suspend()` completes what is waited for, so that the
// task is queued again before its frame is suspended; and one that ends the
// task that it is in.
Coro<int> CancelMyself() {
  const Counted local(1);
  EXPECT_TRUE(CurrentTask().Cancel("myself"));
  co_await OrReturn(Sleep(absl::InfiniteDuration()));
  co_return 1;
}

TEST(CoroBugsTest, bug_J18_AFrameIsNeverDestroyedInsideItsAwaitSuspend) {
  Counted::alive = 0;
  Counted::destroyed_twice = 0;
  TestLoop test;
  const Task<int> task = CreateTask(test.loop(), CancelMyself());
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_TRUE(task.cancelled());
  EXPECT_EQ(task.Error(), absl::CancelledError("myself"));
  EXPECT_EQ(Counted::alive, 0);
  EXPECT_EQ(Counted::destroyed_twice, 0);
}

// --- J19: other threads ------------------------------------------------------

class OtherThreadDeathTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ::testing::GTEST_FLAG(death_test_style) = "threadsafe";
  }
};

// Has a running loop's task cancelled or completed by another thread, which
// would resume or destroy its frame there in the end.
template <typename F>
void OnAnotherThreadWhileTheLoopRuns(F function) {
  TestLoop test;
  test->SetDebug(true);
  const Future<int> gate = CreateFuture<int>(test.loop());
  const auto await_gate = [](Future<int> future) -> Coro<int> {
    co_return co_await future;
  };
  const Task<int> task = CreateTask(test.loop(), await_gate(gate));
  test->CallLater(absl::Seconds(1), [&] {
    std::thread other([&] { function(task, gate); });
    other.join();
    test->Stop();
  });
  (void)test->RunForever();
}

TEST_F(OtherThreadDeathTest, bug_J19_ATaskIsNotTouchedByAnotherThread) {
  EXPECT_DEATH(
      OnAnotherThreadWhileTheLoopRuns(
          [](const Task<int>& task, const Future<int>&) { task.Cancel(); }),
      "non-thread-safe operation: CallSoonNode");
  EXPECT_DEATH(OnAnotherThreadWhileTheLoopRuns(
                   [](const Task<int>&, const Future<int>& gate) {
                     gate.SetResult(1).IgnoreError();
                   }),
               "non-thread-safe operation: CallSoonNode");
}

TEST(CoroBugsTest, bug_J19_FramesAreDestroyedByTheThreadThatClosesTheLoop) {
  class Local {
   public:
    explicit Local(std::thread::id* destroyed_by)
        : destroyed_by_(destroyed_by) {}
    Local(const Local&) = delete;
    Local& operator=(const Local&) = delete;
    ~Local() { *destroyed_by_ = std::this_thread::get_id(); }

   private:
    std::thread::id* const destroyed_by_;
  };
  const auto suspend = [](std::thread::id* destroyed_by) -> Coro<void> {
    const Local local(destroyed_by);
    co_await OrReturn(Sleep(absl::InfiniteDuration()));
    co_return absl::OkStatus();
  };
  std::thread::id destroyed_by;
  TestLoop test;
  const Task<void> task = CreateTask(test.loop(), suspend(&destroyed_by));
  bool refused = false;
  test->CallSoon([&] {
    // Nothing else destroys a suspended frame, and a running loop refuses it.
    refused = test->Close().code() == absl::StatusCode::kFailedPrecondition;
  });
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_TRUE(refused);
  EXPECT_EQ(destroyed_by, std::thread::id());
  std::thread closer([&] { EXPECT_TRUE(test->Close().ok()); });
  const std::thread::id closing = closer.get_id();
  closer.join();
  EXPECT_EQ(destroyed_by, closing);
}

}  // namespace
}  // namespace evkit
