// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/coro/task.h"

#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "evkit/loop/context.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/loop/coro/future.h"
#include "evkit/loop/coro/or_return.h"
#include "evkit/loop/coro/run_until_complete.h"
#include "evkit/loop/coro/sleep.h"
#include "evkit/loop/coro/task_canceller.h"
#include "evkit/loop/fatal_exception.h"
#include "evkit/loop/testing/test_loop.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;
using Trace = std::vector<std::string>;

constexpr auto kFailedPrecondition = absl::StatusCode::kFailedPrecondition;

Coro<int> Log(Trace& trace, std::string mark, int result = 0) {
  trace.push_back(mark);
  co_return result;
}

Coro<int> Fail(absl::Status error) { co_return error; }

Coro<void> SleepOnce(absl::Duration delay) { co_return co_await Sleep(delay); }

class TaskTest : public ::testing::Test {
 protected:
  void Tick(int turns) {
    if (turns == 0) return;
    loop().CallSoon([this, turns, turn = turn_++] {
      trace_.push_back("t" + std::to_string(turn));
      Tick(turns - 1);
    });
  }
  EventLoop& loop() { return test_.loop(); }

  TestLoop test_;
  Trace trace_;
  int turn_ = 0;
};

// TASK-01, TASK-02
TEST_F(TaskTest, TasksBeginInTheNextTurnInTheOrderOfTheirCreation) {
  CreateTask(loop(), Log(trace_, "a"));
  CreateTask(loop(), Log(trace_, "b"));
  EXPECT_THAT(trace_, IsEmpty());
  ASSERT_TRUE(test_.RunUntilIdle().ok());
  EXPECT_THAT(trace_, ElementsAre("a", "b"));
}

// TASK-03
TEST_F(TaskTest, WithoutAnOpenLoopATaskHasFailed) {
  const Task<int> none = CreateTask(Log(trace_, "never"));
  EXPECT_EQ(none.Result().status(),
            absl::FailedPreconditionError("CreateTask: no running event loop"));
  ASSERT_TRUE(loop().Close().ok());
  const Task<int> closed = CreateTask(loop(), Log(trace_, "never"));
  EXPECT_EQ(closed.Result().status(),
            absl::FailedPreconditionError("CreateTask: event loop is closed"));
  EXPECT_THAT(trace_, IsEmpty());
}

Coro<void> CreateInside(Trace& trace) {
  const Task<int> task = CreateTask(Log(trace, "inner", 5));
  trace.push_back("created");
  const absl::StatusOr<int> result = co_await task;
  trace.push_back(std::to_string(*result));
  co_return absl::OkStatus();
}

TEST_F(TaskTest, WithoutALoopNamedTheRunningOneIsTaken) {
  EXPECT_TRUE(RunUntilComplete(loop(), CreateInside(trace_)).ok());
  EXPECT_THAT(trace_, ElementsAre("created", "inner", "5"));
}

Coro<void> Yield(Trace& trace) {
  trace.push_back("yields");
  co_await OrReturn(Sleep(absl::ZeroDuration()));
  trace.push_back("goes on");
  co_await OrReturn(Sleep(-absl::Seconds(1)));
  trace.push_back("ends");
  co_return absl::OkStatus();
}

// TASK-04, TIME-11
TEST_F(TaskTest, ASleepOfZeroOrLessIsOneTurn) {
  CreateTask(loop(), Yield(trace_));
  Tick(3);
  ASSERT_TRUE(test_.RunUntilIdle().ok());
  EXPECT_THAT(trace_,
              ElementsAre("yields", "t0", "goes on", "t1", "ends", "t2"));
}

// TIME-12
TEST_F(TaskTest, ASleepTakesItsTimeAndForgetsItsTimerWhenCancelled) {
  const Task<void> slept = CreateTask(loop(), SleepOnce(absl::Hours(1)));
  const Task<void> cancelled = CreateTask(loop(), SleepOnce(absl::Hours(9)));
  ASSERT_TRUE(test_.FastForwardBy(absl::Minutes(59)).ok());
  EXPECT_FALSE(slept.done());
  cancelled.Cancel();
  ASSERT_TRUE(test_.RunUntilNothingIsLeft().ok());
  EXPECT_TRUE(slept.Result().ok());
  EXPECT_TRUE(cancelled.cancelled());
  EXPECT_EQ(test_.elapsed(), absl::Hours(1));
}

// TASK-05
TEST_F(TaskTest, TheTaskEndsAsItsCoroutine) {
  const Task<int> value = CreateTask(loop(), Log(trace_, "", 4));
  const Task<int> error = CreateTask(loop(), Fail(absl::NotFoundError("no")));
  ASSERT_TRUE(test_.RunUntilIdle().ok());
  EXPECT_EQ(*value.Result(), 4);
  EXPECT_EQ(error.Error(), absl::NotFoundError("no"));
}

// TASK-07
TEST_F(TaskTest, ATaskIsNotCompletedFromOutside) {
  const Task<void> task =
      CreateTask(loop(), SleepOnce(absl::InfiniteDuration()));
  EXPECT_EQ(task.SetResult().code(), kFailedPrecondition);
  EXPECT_EQ(task.SetError(absl::NotFoundError("")).code(), kFailedPrecondition);
  EXPECT_FALSE(task.done());
  task.Cancel();
  ASSERT_TRUE(test_.RunUntilIdle().ok());
}

// TASK-08
TEST_F(TaskTest, NamesAreNumberedOrGiven) {
  const Task<int> first = CreateTask(loop(), Log(trace_, ""));
  const Task<int> second = CreateTask(loop(), Log(trace_, ""));
  ASSERT_THAT(first.name(), StartsWith("Task-"));
  EXPECT_EQ(std::stoi(first.name().substr(5)) + 1,
            std::stoi(second.name().substr(5)));
  TaskOptions options;
  options.name = "mine";
  const Task<int> named = CreateTask(loop(), Log(trace_, ""), options);
  EXPECT_EQ(named.name(), "mine");
  named.set_name("other");
  EXPECT_EQ(named.name(), "other");
  ASSERT_TRUE(test_.RunUntilIdle().ok());
}

TEST_F(TaskTest, ATaskKnowsWhereItWasCreatedAndWhatItWaitsFor) {
  const Task<void> task = CreateTask(loop(), SleepOnce(absl::Hours(1)));
  const int line = __LINE__ - 1;
  EXPECT_EQ(task.created_at().line(), line);
  EXPECT_THAT(task.created_at().file(), HasSubstr("task_test.cc"));
  ASSERT_TRUE(test_.RunUntilIdle().ok());
  EXPECT_THAT(
      task.DebugString(),
      AllOf(HasSubstr("pending"), HasSubstr("task_test.cc"),
            HasSubstr("waiting for Sleep(1h)"), HasSubstr("in SleepOnce")));
  task.Cancel();
  ASSERT_TRUE(test_.RunUntilIdle().ok());
}

Coro<void> AwaitSelf(Trace& trace, Future<void>& self) {
  const absl::Status status = co_await self;
  trace.push_back(status.ToString());
  co_return absl::OkStatus();
}

// TASK-09
TEST_F(TaskTest, ATaskThatAwaitsItselfGetsAnError) {
  Future<void> self;
  const Task<void> task = CreateTask(loop(), AwaitSelf(trace_, self));
  self = task;
  ASSERT_TRUE(test_.RunUntilIdle().ok());
  EXPECT_THAT(trace_, ElementsAre(HasSubstr("a task cannot await itself")));
  EXPECT_TRUE(task.Result().ok());
}

Coro<void> LogCurrent(Trace& trace) {
  const std::string before = CurrentTask().name();
  co_await OrReturn(Sleep(absl::ZeroDuration()));
  trace.push_back(before + " " + CurrentTask().name());
  co_return absl::OkStatus();
}

// TASK-11, INT-01
TEST_F(TaskTest, TheCurrentTaskIsTheOneWhoseStepRuns) {
  TaskOptions options;
  options.name = "a";
  CreateTask(loop(), LogCurrent(trace_), options);
  options.name = "b";
  CreateTask(loop(), LogCurrent(trace_), options);
  loop().CallSoon(
      [&] { trace_.push_back(CurrentTask().valid() ? "task" : "none"); });
  EXPECT_FALSE(CurrentTask().valid());
  ASSERT_TRUE(test_.RunUntilIdle().ok());
  EXPECT_THAT(trace_, ElementsAre("none", "a a", "b b"));
}

Coro<void> AwaitTask(Trace& trace, Task<int>& task) {
  (void)co_await task;
  trace.push_back("awaited");
  co_return absl::OkStatus();
}

// TASK-12: awaiting a task directly; the others are where they are declared.
TEST_F(TaskTest, WhoAwaitsATaskGoesOnOneTurnAfterItsEnd) {
  Task<int> child;
  CreateTask(loop(), AwaitTask(trace_, child));
  child = CreateTask(loop(), Log(trace_, "child"));
  Tick(3);
  ASSERT_TRUE(test_.RunUntilIdle().ok());
  EXPECT_THAT(trace_, ElementsAre("child", "t0", "awaited", "t1", "t2"));
}

Coro<void> CountTasks(AbstractEventLoop& loop, std::vector<AnyTask>& tasks) {
  tasks = AllTasks(loop);
  co_return absl::OkStatus();
}

// TASK-13
TEST_F(TaskTest, AllTasksAreThoseThatHaveNotEndedAndTheCaller) {
  const Task<int> ended = CreateTask(loop(), Log(trace_, ""));
  const Task<void> sleeping = CreateTask(loop(), SleepOnce(absl::Hours(1)));
  std::vector<AnyTask> tasks;
  const Task<void> caller = CreateTask(loop(), CountTasks(loop(), tasks));
  ASSERT_TRUE(test_.RunUntilIdle().ok());
  EXPECT_THAT(tasks, ElementsAre(sleeping.any(), caller.any()));
  EXPECT_THAT(AllTasks(loop()), ElementsAre(sleeping.any()));
  TestLoop other;
  EXPECT_THAT(AllTasks(other.loop()), IsEmpty());
  sleeping.Cancel();
  ASSERT_TRUE(test_.RunUntilIdle().ok());
}

// TASK-14
TEST_F(TaskTest, bug_J14_ATaskWithoutHandlesRunsToItsEnd) {
  bool ended = false;
  CreateTask(loop(), [&ended]() -> Coro<void> {
    co_await OrReturn(Sleep(absl::Hours(1)));
    ended = true;
    co_return absl::OkStatus();
  });
  ASSERT_TRUE(test_.RunUntilNothingIsLeft().ok());
  EXPECT_TRUE(ended);
}

// TASK-15, TASK-16
TEST_F(TaskTest, AFactoryHasASayInHowTasksBegin) {
  EXPECT_FALSE(HasTaskFactory(loop()));
  SetTaskFactory(loop(),
                 [&](NewTask task, TaskOptions options, SourceLocation where) {
                   trace_.push_back("factory " + options.name);
                   if (options.name == "refused") return;
                   options.name += "!";
                   task.Start(std::move(options), where);
                 });
  EXPECT_TRUE(HasTaskFactory(loop()));
  TaskOptions options;
  options.name = "x";
  const Task<int> task = CreateTask(loop(), Log(trace_, "runs"), options);
  EXPECT_EQ(task.name(), "x!");
  options.name = "refused";
  const Task<int> refused = CreateTask(loop(), Log(trace_, "runs"), options);
  EXPECT_TRUE(refused.cancelled());
  SetTaskFactory(loop(), nullptr);
  EXPECT_FALSE(HasTaskFactory(loop()));
  options.name = "y";
  CreateTask(loop(), Log(trace_, "runs too"), options);
  ASSERT_TRUE(test_.RunUntilIdle().ok());
  EXPECT_THAT(trace_,
              ElementsAre("factory x", "factory refused", "runs", "runs too"));
}

Coro<void> SetAndLog(const ContextVar<int>& variable, int value, Trace& trace) {
  trace.push_back(std::to_string(*variable.Get()));
  variable.Set(value);
  co_await OrReturn(Sleep(absl::ZeroDuration()));
  trace.push_back(std::to_string(*variable.Get()));
  co_return absl::OkStatus();
}

// CTX-05
TEST_F(TaskTest, ATaskHasOneContextForItsWholeLife) {
  static const ContextVar<int> variable("variable", 0);
  const auto token = variable.Set(1);
  CreateTask(loop(), SetAndLog(variable, 10, trace_));
  const Context named = Context::CopyCurrent();
  TaskOptions options;
  options.context = named;
  const Task<void> task =
      CreateTask(loop(), SetAndLog(variable, 20, trace_), options);
  EXPECT_EQ(task.context(), named);
  variable.Set(2);
  ASSERT_TRUE(test_.RunUntilIdle().ok());
  EXPECT_THAT(trace_, ElementsAre("1", "1", "10", "20"));
  EXPECT_EQ(*variable.Get(), 2);
  variable.Reset(token);
  Context copy = named;
  EXPECT_EQ(copy.Run([] { return *variable.Get(); }), 20);
}

#if defined(__cpp_exceptions)
class Fatal : public FatalException {};

Coro<int> ThrowFatal() {
  throw Fatal();
  co_return 1;
}

// TASK-06
TEST_F(TaskTest, AFatalExceptionLeavesTheRunAndStaysInTheTask) {
  const Task<int> task = CreateTask(loop(), ThrowFatal());
  EXPECT_THROW((void)loop().RunForever(), Fatal);
  EXPECT_TRUE(task.done());
  EXPECT_THROW((void)task.Result(), Fatal);
}
#endif

// FUT-17: of a task.
TEST_F(TaskTest, AnErrorThatNobodySawIsReportedWithNameAndPlace) {
  TaskOptions options;
  options.name = "loser";
  CreateTask(loop(), Fail(absl::DataLossError("gone")), options);
  ASSERT_TRUE(test_.RunUntilIdle().ok());
  EXPECT_THAT(test_.log(),
              ElementsAre(AllOf(HasSubstr("Task error was never retrieved"),
                                HasSubstr("loser"), HasSubstr("task_test.cc"),
                                HasSubstr("DATA_LOSS: gone"))));
}

class CloseTest : public TaskTest {};

Coro<void> SleepWith(std::shared_ptr<int> capture) {
  const absl::Status slept = co_await Sleep(absl::InfiniteDuration());
  (void)capture;
  co_return slept;
}

TEST_F(CloseTest, bug_L1_ClosingDestroysEachPendingTaskOnceAndReportsIt) {
  auto capture = std::make_shared<int>(1);
  TaskOptions options;
  options.name = "sleeper";
  const Task<void> suspended = CreateTask(loop(), SleepWith(capture), options);
  ASSERT_TRUE(test_.RunUntilIdle().ok());
  const Task<void> not_begun = CreateTask(loop(), SleepWith(capture));
  const Task<void> about_to_go_on = CreateTask(loop(), SleepWith(capture));
  about_to_go_on.Cancel();
  ASSERT_TRUE(loop().Close().ok());
  EXPECT_EQ(capture.use_count(), 1);
  EXPECT_TRUE(suspended.cancelled());
  EXPECT_TRUE(not_begun.cancelled());
  EXPECT_EQ(test_.log().size(), 3);
  EXPECT_THAT(test_.log()[0],
              AllOf(HasSubstr("Task was destroyed but it is pending"),
                    HasSubstr("sleeper")));
}

Coro<void> AwaitVoid(Task<void> task) { co_return co_await task; }

TEST_F(CloseTest, bug_J1_AFrameDestroyedWhileItWaitsWithdraws) {
  const Task<void> inner =
      CreateTask(loop(), SleepOnce(absl::InfiniteDuration()));
  const Task<void> outer = CreateTask(loop(), AwaitVoid(inner));
  ASSERT_TRUE(test_.RunUntilIdle().ok());
  ASSERT_TRUE(loop().Close().ok());
  EXPECT_TRUE(inner.cancelled());
  EXPECT_TRUE(outer.cancelled());
}

class EagerTaskTest : public TaskTest {
 protected:
  EagerTaskTest() { options_.eager_start = true; }
  TaskOptions options_;
};

Coro<void> LogAround(Trace& trace, std::string name) {
  trace.push_back(name + " begins in " + CurrentTask().name());
  co_await OrReturn(Sleep(absl::ZeroDuration()));
  trace.push_back(name + " ends");
  co_return absl::OkStatus();
}

Coro<void> CreateEagerly(Trace& trace, TaskOptions options) {
  options.name = "eager";
  CreateTask(LogAround(trace, "it"), options);
  trace.push_back("creator is " + CurrentTask().name());
  co_return absl::OkStatus();
}

// EAG-01, EAG-02, EAG-06
TEST_F(EagerTaskTest, TheFirstStepRunsInsideCreateTaskAsTheNewTask) {
  TaskOptions creator;
  creator.name = "creator";
  CreateTask(loop(), CreateEagerly(trace_, options_), creator);
  ASSERT_TRUE(test_.RunUntilIdle().ok());
  EXPECT_THAT(trace_, ElementsAre("it begins in eager", "creator is creator",
                                  "it ends"));
}

// EAG-03
TEST_F(EagerTaskTest, ATaskThatEndsInItsFirstStepIsDoneAtOnce) {
  loop().CallSoon([&] {
    const Task<int> task = CreateTask(loop(), Log(trace_, "runs", 3), options_);
    EXPECT_TRUE(task.done());
    EXPECT_EQ(*task.Result(), 3);
    EXPECT_THAT(AllTasks(loop()), IsEmpty());
  });
  ASSERT_TRUE(test_.RunUntilIdle().ok());
  EXPECT_THAT(trace_, ElementsAre("runs"));
}

// EAG-04
TEST_F(EagerTaskTest, AnErrorOfTheFirstStepIsTheTasks) {
  loop().CallSoon([&] {
    const Task<int> task =
        CreateTask(loop(), Fail(absl::AbortedError("e")), options_);
    EXPECT_EQ(task.Error(), absl::AbortedError("e"));
  });
  ASSERT_TRUE(test_.RunUntilIdle().ok());
}

// EAG-05
TEST_F(EagerTaskTest, OnALoopThatIsNotRunningItBeginsLater) {
  CreateTask(loop(), Log(trace_, "runs"), options_);
  EXPECT_THAT(trace_, IsEmpty());
  ASSERT_TRUE(test_.RunUntilIdle().ok());
  EXPECT_THAT(trace_, ElementsAre("runs"));
}

// EAG-07
TEST_F(EagerTaskTest, TheEagerFactoryStartsEveryTaskEagerly) {
  SetTaskFactory(loop(), EagerTaskFactory());
  loop().CallSoon([&] {
    CreateTask(Log(trace_, "task"));
    trace_.push_back("after");
  });
  ASSERT_TRUE(test_.RunUntilIdle().ok());
  EXPECT_THAT(trace_, ElementsAre("task", "after"));
}

TEST_F(TaskTest, ATaskIsCancelledFromAnotherThread) {
  const Task<void> task =
      CreateTask(loop(), SleepOnce(absl::InfiniteDuration()));
  const TaskCanceller canceller(task);
  std::thread([canceller] {
    EXPECT_TRUE(canceller.CancelThreadsafe("from afar").ok());
  }).join();
  ASSERT_TRUE(test_.RunUntilIdle().ok());
  EXPECT_EQ(task.Error(), absl::CancelledError("from afar"));
  EXPECT_TRUE(canceller.CancelThreadsafe().ok());
  ASSERT_TRUE(test_.RunUntilIdle().ok());
  ASSERT_TRUE(loop().Close().ok());
  EXPECT_EQ(canceller.CancelThreadsafe().code(), kFailedPrecondition);
}

}  // namespace
}  // namespace evkit
