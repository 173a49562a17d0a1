// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/coro/task_group.h"

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "evkit/loop/coro/error_group.h"
#include "evkit/loop/coro/or_return.h"
#include "evkit/loop/coro/run_until_complete.h"
#include "evkit/loop/coro/sleep.h"
#include "evkit/loop/coro/task.h"
#include "evkit/loop/fatal_exception.h"
#include "evkit/loop/testing/test_loop.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using Trace = std::vector<std::string>;

constexpr absl::StatusCode kCancelled = absl::StatusCode::kCancelled;
constexpr absl::StatusCode kFailedPrecondition =
    absl::StatusCode::kFailedPrecondition;

absl::Status RunMain(TestLoop& test,
                     const std::function<Coro<void>()>& function) {
  return RunUntilComplete(test.loop(), function());
}

Coro<int> SleepAndReturn(absl::Duration delay, int n) {
  co_await OrReturn(Sleep(delay));
  co_return n;
}
Coro<void> SleepAndFail(absl::Duration delay, std::string why) {
  co_await OrReturn(Sleep(delay));
  co_return absl::NotFoundError(why);
}
Coro<void> Traced(Trace& trace, std::string name, absl::Duration delay) {
  absl::Status status = co_await Sleep(delay);
  trace.push_back(name + " " + absl::StatusCodeToString(status.code()));
  co_return status;
}

// TG-01
TEST(TaskGroupTest, RunWaitsForAllTasksAndGivesTheBodysValue) {
  TestLoop test;
  Trace trace;
  const auto main = [&]() -> Coro<void> {
    TaskGroup group;
    const auto late = [&]() -> Coro<void> {
      co_await OrReturn(Sleep(absl::Seconds(1)));
      // Added when the body has ended already.
      group.CreateTask(Traced(trace, "late", absl::Seconds(5)));
      co_return absl::OkStatus();
    };
    const auto body = [&]() -> Coro<int> {
      group.CreateTask(Traced(trace, "child", absl::Seconds(2)));
      group.CreateTask(late);
      co_return 7;
    };
    EXPECT_EQ(*co_await group.Run(body()), 7);
    EXPECT_EQ(test.elapsed(), absl::Seconds(6));
    co_return absl::OkStatus();
  };
  EXPECT_TRUE(RunMain(test, main).ok());
  EXPECT_THAT(trace, ElementsAre("child OK", "late OK"));
}

TEST(TaskGroupTest, WithoutTasksItAddsNoTurn) {
  TestLoop test;
  bool turned = false;
  const auto main = [&]() -> Coro<void> {
    test->CallSoon([&turned] { turned = true; });
    TaskGroup group;
    const auto body = []() -> Coro<void> { co_return absl::OkStatus(); };
    EXPECT_TRUE((co_await group.Run(body())).ok());
    EXPECT_FALSE(turned);
    co_return absl::OkStatus();
  };
  EXPECT_TRUE(RunMain(test, main).ok());
}

// TG-02
TEST(TaskGroupTest, TheFirstFailureCancelsTheOthersAndTheBodyOnce) {
  TestLoop test;
  Trace trace;
  const auto main = [&]() -> Coro<void> {
    TaskGroup group;
    const auto body = [&]() -> Coro<int> {
      group.CreateTask(SleepAndFail(absl::Seconds(1), "first"));
      group.CreateTask(Traced(trace, "other", absl::Seconds(5)));
      absl::Status status = co_await Sleep(absl::Seconds(100));
      trace.push_back("body " + absl::StatusCodeToString(status.code()));
      EXPECT_EQ(CurrentTask().cancelling(), 1);
      EXPECT_FALSE(group.accepting());
      const Task<int> refused =
          group.CreateTask(SleepAndReturn(absl::Seconds(1), 1));
      EXPECT_EQ(refused.Error().code(), kFailedPrecondition);
      EXPECT_THAT(std::string(refused.Error().message()),
                  HasSubstr("shutting down"));
      // Only once.
      EXPECT_TRUE((co_await Sleep(absl::Seconds(1))).ok());
      co_return status;
    };
    const absl::StatusOr<int> result = co_await group.Run(body());
    EXPECT_TRUE(IsErrorGroup(result.status()));
    EXPECT_EQ(result.status().code(), absl::StatusCode::kNotFound);
    EXPECT_EQ(result.status().message(),
              "unhandled errors in a TaskGroup (1): NOT_FOUND: first");
    EXPECT_EQ(test.elapsed(), absl::Seconds(2));
    co_return absl::OkStatus();
  };
  EXPECT_TRUE(RunMain(test, main).ok());
  EXPECT_THAT(trace, ElementsAre("other CANCELLED", "body CANCELLED"));
}

// TG-02: the body has ended; there is nothing of it to cancel.
TEST(TaskGroupTest, AFailureAfterTheBodyCancelsTheOthers) {
  TestLoop test;
  Trace trace;
  const auto main = [&]() -> Coro<void> {
    TaskGroup group;
    const auto body = [&]() -> Coro<int> {
      group.CreateTask(SleepAndFail(absl::Seconds(1), "first"));
      group.CreateTask(Traced(trace, "other", absl::Seconds(5)));
      co_return 1;
    };
    EXPECT_TRUE(IsErrorGroup((co_await group.Run(body())).status()));
    EXPECT_EQ(CurrentTask().cancelling(), 0);
    EXPECT_TRUE((co_await Sleep(absl::Seconds(1))).ok());
    co_return absl::OkStatus();
  };
  EXPECT_TRUE(RunMain(test, main).ok());
  EXPECT_THAT(trace, ElementsAre("other CANCELLED"));
}

// TG-03
TEST(TaskGroupTest, AllErrorsAreInTheGroupInTheOrderOfCompletion) {
  TestLoop test;
  const auto main = [&]() -> Coro<void> {
    TaskGroup group;
    const auto fail_in_cleaning_up = []() -> Coro<void> {
      (co_await Sleep(absl::Seconds(100))).IgnoreError();
      co_await OrReturn(Sleep(absl::Seconds(1)));
      co_return absl::AbortedError("second");
    };
    const auto body = [&]() -> Coro<void> {
      group.CreateTask(fail_in_cleaning_up);
      group.CreateTask(SleepAndFail(absl::Seconds(1), "first"));
      (co_await Sleep(absl::Seconds(100))).IgnoreError();
      co_return absl::DataLossError("the body's");
    };
    const absl::Status status = co_await group.Run(body());
    EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
    EXPECT_THAT(
        ErrorGroupMembers(status),
        ElementsAre(absl::NotFoundError("first"), absl::AbortedError("second"),
                    absl::DataLossError("the body's")));
    co_return absl::OkStatus();
  };
  EXPECT_TRUE(RunMain(test, main).ok());
  EXPECT_THAT(test.log(), IsEmpty());
}

// TG-03
TEST(TaskGroupTest, GroupsInGroupsAreMembers) {
  TestLoop test;
  const auto main = [&]() -> Coro<void> {
    const auto inner_main = []() -> Coro<void> {
      TaskGroup inner;
      const auto body = [&inner]() -> Coro<void> {
        inner.CreateTask(SleepAndFail(absl::Seconds(1), "deep"));
        co_return absl::OkStatus();
      };
      co_return co_await inner.Run(body());
    };
    TaskGroup outer;
    const auto body = [&]() -> Coro<void> {
      outer.CreateTask(inner_main);
      co_return absl::OkStatus();
    };
    const absl::Status status = co_await outer.Run(body());
    const std::vector<absl::Status> members = ErrorGroupMembers(status);
    EXPECT_EQ(members.size(), 1u);
    EXPECT_THAT(ErrorGroupMembers(members[0]),
                ElementsAre(absl::NotFoundError("deep")));
    co_return absl::OkStatus();
  };
  EXPECT_TRUE(RunMain(test, main).ok());
}

// TG-05
TEST(TaskGroupTest, ACancelledChildIsNoError) {
  TestLoop test;
  Trace trace;
  const auto main = [&]() -> Coro<void> {
    TaskGroup group;
    const auto body = [&]() -> Coro<void> {
      const Task<void> child =
          group.CreateTask(Traced(trace, "cancelled", absl::Seconds(5)));
      group.CreateTask(Traced(trace, "other", absl::Seconds(1)));
      (co_await Sleep(absl::ZeroDuration())).IgnoreError();
      child.Cancel();
      co_return absl::OkStatus();
    };
    EXPECT_TRUE((co_await group.Run(body())).ok());
    co_return absl::OkStatus();
  };
  EXPECT_TRUE(RunMain(test, main).ok());
  EXPECT_THAT(trace, ElementsAre("cancelled CANCELLED", "other OK"));
}

// TG-05
TEST(TaskGroupTest, CancellingTheParentCancelsTheChildrenAndIsPassedOn) {
  for (const bool body_runs : {true, false}) {
    TestLoop test;
    Trace trace;
    absl::Status result;
    const auto main = [&]() -> Coro<void> {
      TaskGroup group;
      const auto slow_to_end = [&trace]() -> Coro<void> {
        absl::Status status = co_await Sleep(absl::Seconds(100));
        (co_await Sleep(absl::Seconds(1))).IgnoreError();
        trace.push_back("child ended");
        co_return status;
      };
      const auto body = [&]() -> Coro<void> {
        group.CreateTask(slow_to_end);
        if (body_runs) co_return co_await Sleep(absl::Seconds(100));
        co_return absl::OkStatus();
      };
      result = co_await group.Run(body());
      trace.push_back("group ended");
      EXPECT_EQ(CurrentTask().cancelling(), 1);
      co_return result;
    };
    const Task<void> task = CreateTask(test.loop(), main);
    EXPECT_TRUE(test.RunUntilIdle().ok());
    task.Cancel("enough");
    EXPECT_TRUE(test.RunUntilNothingIsLeft().ok());
    EXPECT_EQ(result, absl::CancelledError("enough"));
    EXPECT_TRUE(task.cancelled());
    EXPECT_THAT(trace, ElementsAre("child ended", "group ended"));
  }
}

// TG-05: a second time, while it waits for the children.
TEST(TaskGroupTest, CancellingTheParentRepeatedlyWaitsForTheChildrenStill) {
  TestLoop test;
  bool child_ended = false;
  const auto main = [&]() -> Coro<void> {
    TaskGroup group;
    const auto slow_to_end = [&]() -> Coro<void> {
      absl::Status status = co_await Sleep(absl::Seconds(100));
      (co_await Sleep(absl::Seconds(5))).IgnoreError();
      child_ended = true;
      co_return status;
    };
    const auto body = [&]() -> Coro<void> {
      group.CreateTask(slow_to_end);
      co_return absl::OkStatus();
    };
    absl::Status status = co_await group.Run(body());
    EXPECT_TRUE(child_ended);
    co_return status;
  };
  const Task<void> task = CreateTask(test.loop(), main);
  EXPECT_TRUE(test.RunUntilIdle().ok());
  for (int i = 0; i < 3; ++i) {
    task.Cancel();
    EXPECT_TRUE(test.FastForwardBy(absl::Seconds(1)).ok());
    EXPECT_FALSE(task.done());
  }
  EXPECT_TRUE(test.RunUntilNothingIsLeft().ok());
  EXPECT_TRUE(task.cancelled());
  EXPECT_EQ(task.cancelling(), 3);
}

// TG-06
TEST(TaskGroupTest, TheInternalCancellationIsTakenBack) {
  TestLoop test;
  const auto main = [&]() -> Coro<void> {
    for (int i = 0; i < 3; ++i) {
      TaskGroup group;
      const auto body = [&]() -> Coro<void> {
        group.CreateTask(SleepAndFail(absl::Seconds(1), "first"));
        co_return co_await Sleep(absl::Seconds(100));
      };
      EXPECT_TRUE(IsErrorGroup(co_await group.Run(body())));
      EXPECT_EQ(CurrentTask().cancelling(), 0);
      EXPECT_TRUE((co_await Sleep(absl::Seconds(1))).ok());
    }
    co_return absl::OkStatus();
  };
  EXPECT_TRUE(RunMain(test, main).ok());
}

// TG-07
TEST(TaskGroupTest, ErrorsComeBeforeACancellationWhichComesAtTheNextAwait) {
  TestLoop test;
  absl::Status result;
  absl::Status next;
  const auto main = [&]() -> Coro<void> {
    TaskGroup group;
    const auto fail_in_cleaning_up = []() -> Coro<void> {
      (co_await Sleep(absl::Seconds(100))).IgnoreError();
      co_return absl::AbortedError("in cleaning up");
    };
    const auto body = [&]() -> Coro<void> {
      group.CreateTask(fail_in_cleaning_up);
      co_return co_await Sleep(absl::Seconds(100));
    };
    result = co_await group.Run(body());
    EXPECT_EQ(CurrentTask().cancelling(), 1);
    next = co_await Sleep(absl::Seconds(1));
    co_return next;
  };
  const Task<void> task = CreateTask(test.loop(), main);
  EXPECT_TRUE(test.RunUntilIdle().ok());
  task.Cancel();
  EXPECT_TRUE(test.RunUntilNothingIsLeft().ok());
  EXPECT_THAT(ErrorGroupMembers(result),
              ElementsAre(absl::AbortedError("in cleaning up")));
  EXPECT_EQ(next.code(), kCancelled);
  EXPECT_TRUE(task.cancelled());
}

// TG-08
TEST(TaskGroupTest, OutsideOfRunNoTaskIsAccepted) {
  TestLoop test;
  auto witness = std::make_shared<int>(0);
  const auto main = [&]() -> Coro<void> {
    const auto child = [](std::shared_ptr<int> held) -> Coro<int> {
      co_return *held;
    };
    TaskGroup group;
    EXPECT_FALSE(group.accepting());
    const Task<int> early = group.CreateTask(child(witness));
    EXPECT_EQ(early.Error().code(), kFailedPrecondition);
    EXPECT_THAT(std::string(early.Error().message()),
                HasSubstr("not been entered"));
    EXPECT_EQ(witness.use_count(), 1);

    const auto body = [&]() -> Coro<void> {
      EXPECT_TRUE(group.accepting());
      const auto again = []() -> Coro<void> { co_return absl::OkStatus(); };
      EXPECT_EQ((co_await group.Run(again())).code(), kFailedPrecondition);
      co_return absl::OkStatus();
    };
    EXPECT_TRUE((co_await group.Run(body())).ok());

    EXPECT_FALSE(group.accepting());
    const Task<int> late = group.CreateTask(child(witness));
    EXPECT_EQ(late.Error().code(), kFailedPrecondition);
    EXPECT_THAT(std::string(late.Error().message()), HasSubstr("finished"));
    EXPECT_EQ(witness.use_count(), 1);
    const auto again = []() -> Coro<void> { co_return absl::OkStatus(); };
    EXPECT_EQ((co_await group.Run(again())).code(), kFailedPrecondition);
    co_return absl::OkStatus();
  };
  EXPECT_TRUE(RunMain(test, main).ok());
}

// TG-08: outside of any loop as well.
TEST(TaskGroupTest, WithoutALoopATaskIsRefused) {
  TaskGroup group;
  const Task<int> task = group.CreateTask(SleepAndReturn(absl::Seconds(1), 1));
  EXPECT_EQ(task.Error().code(), kFailedPrecondition);
}

// EAG-09: the failure of a child that ended in `CreateTask()` is heard of one
// turn later.
TEST(TaskGroupTest, AnEagerChildCancelsTheBodyAtItsNextAwait) {
  TestLoop test;
  Trace trace;
  const auto main = [&]() -> Coro<void> {
    TaskGroup group;
    const auto fail = []() -> Coro<void> {
      co_return absl::NotFoundError("at once");
    };
    const auto body = [&]() -> Coro<void> {
      TaskOptions eager;
      eager.eager_start = true;
      EXPECT_TRUE(group.CreateTask(fail, eager).done());
      EXPECT_TRUE(group.accepting());
      trace.push_back("goes on");
      absl::Status status = co_await Sleep(absl::Seconds(100));
      trace.push_back(absl::StatusCodeToString(status.code()));
      co_return status;
    };
    EXPECT_TRUE(IsErrorGroup(co_await group.Run(body())));
    co_return absl::OkStatus();
  };
  EXPECT_TRUE(RunMain(test, main).ok());
  EXPECT_THAT(trace, ElementsAre("goes on", "CANCELLED"));
}

// TASK-12: +2 turns.
TEST(TaskGroupTest, TheEndTakesTwoTurns) {
  TestLoop test;
  Trace trace;
  const auto main = [&]() -> Coro<void> {
    const auto child = [&trace]() -> Coro<void> {
      trace.push_back("child");
      co_return absl::OkStatus();
    };
    const auto count = [&trace]() -> Coro<void> {
      for (int i = 0; i < 4; ++i) {
        trace.push_back("t" + std::to_string(i));
        (co_await Sleep(absl::ZeroDuration())).IgnoreError();
      }
      co_return absl::OkStatus();
    };
    const Task<void> counter = CreateTask(count);
    TaskGroup group;
    const auto body = [&]() -> Coro<void> {
      group.CreateTask(child);
      co_return absl::OkStatus();
    };
    co_await OrReturn(group.Run(body()));
    trace.push_back("group");
    co_return co_await counter;
  };
  EXPECT_TRUE(RunMain(test, main).ok());
  EXPECT_THAT(trace, ElementsAre("t0", "child", "t1", "t2", "group", "t3"));
}

TEST(TaskGroupTest, AChildKnowsTheParentThatWaitsForIt) {
  TestLoop test;
  const auto main = [&]() -> Coro<void> {
    TaskGroup group;
    const auto body = [&]() -> Coro<void> {
      const Task<int> child =
          group.CreateTask(SleepAndReturn(absl::Seconds(1), 1));
      EXPECT_EQ(child.state()->first_hook()->awaiter(), CurrentTask().state());
      co_return absl::OkStatus();
    };
    co_return co_await group.Run(body());
  };
  EXPECT_TRUE(RunMain(test, main).ok());
}

TEST(TaskGroupTest, ALoopMayBeClosedWhileItRuns) {
  for (const bool body_runs : {true, false}) {
    TaskGroup group;
    TestLoop test;
    const auto main = [&]() -> Coro<void> {
      const auto body = [&]() -> Coro<void> {
        group.CreateTask(SleepAndReturn(absl::Seconds(9), 1));
        const auto at_once = []() -> Coro<void> {
          co_return absl::NotFoundError("not heard of");
        };
        if (body_runs) {
          (co_await Sleep(absl::Seconds(1))).IgnoreError();
          group.CreateTask(at_once);
          co_return co_await Sleep(absl::Seconds(100));
        }
        co_return absl::OkStatus();
      };
      co_return co_await group.Run(body());
    };
    const Task<void> task = CreateTask(test.loop(), main);
    EXPECT_TRUE(test.RunUntilIdle().ok());
    EXPECT_TRUE(test->Close().ok());
    EXPECT_TRUE(task.cancelled());
    EXPECT_FALSE(group.accepting());
    EXPECT_EQ(
        group.CreateTask(SleepAndReturn(absl::Seconds(1), 1)).Error().code(),
        kFailedPrecondition);
  }
}

// One child fails, which cancels the other, whose work has come to its end just
// then: the signal arrives too late and does no harm.
TEST(TaskGroupTest, bug_J5_ACancellationThatComesAfterTheEndIsHarmless) {
  for (int turns = 0; turns < 4; ++turns) {
    TestLoop test;
    const auto main = [&]() -> Coro<void> {
      TaskGroup group;
      const auto after = [](int n, absl::Status status) -> Coro<void> {
        for (int i = 0; i < n; ++i) {
          co_await OrReturn(Sleep(absl::ZeroDuration()));
        }
        co_return status;
      };
      Task<void> ends;
      const auto body = [&]() -> Coro<void> {
        group.CreateTask(after(1, absl::NotFoundError("a")));
        ends = group.CreateTask(after(turns, absl::OkStatus()));
        co_return absl::OkStatus();
      };
      const absl::Status status = co_await group.Run(body());
      EXPECT_THAT(ErrorGroupMembers(status),
                  ElementsAre(absl::NotFoundError("a")));
      EXPECT_TRUE(ends.done());
      // Heard of in the turn after: what has ended by then has its result.
      EXPECT_EQ(ends.cancelled(), turns >= 2);
      EXPECT_EQ(CurrentTask().cancelling(), 0);
      co_return co_await Sleep(absl::Seconds(1));
    };
    EXPECT_TRUE(RunMain(test, main).ok());
    EXPECT_THAT(test.log(), IsEmpty());
  }
}

#if defined(__cpp_exceptions)
TEST(TaskGroupTest, ExceptionsCountAsFailures) {
  TestLoop test;
  const auto main = [&]() -> Coro<void> {
    TaskGroup group;
    const auto thrower = [](const char* what) -> Coro<void> {
      co_await OrReturn(Sleep(absl::Seconds(1)));
      throw std::runtime_error(what);
    };
    const auto body = [&]() -> Coro<void> {
      group.CreateTask(thrower("child"));
      (co_await Sleep(absl::Seconds(100))).IgnoreError();
      co_return co_await thrower("body");
    };
    const absl::Status status = co_await group.Run(body());
    EXPECT_THAT(ErrorGroupMembers(status),
                ElementsAre(absl::UnknownError("exception: child"),
                            absl::UnknownError("exception: body")));
    co_return absl::OkStatus();
  };
  EXPECT_TRUE(RunMain(test, main).ok());
}

class Fatal : public FatalException {};

// TG-04
TEST(TaskGroupTest, AFatalExceptionIsRethrownWhenAllHaveEnded) {
  for (const bool in_body : {true, false}) {
    TestLoop test;
    Trace trace;
    const auto main = [&]() -> Coro<void> {
      TaskGroup group;
      const auto fatal = []() -> Coro<void> {
        co_await OrReturn(Sleep(absl::Seconds(1)));
        throw Fatal();
      };
      const auto slow_to_end = [&trace]() -> Coro<void> {
        absl::Status status = co_await Sleep(absl::Seconds(100));
        (co_await Sleep(absl::Seconds(1))).IgnoreError();
        trace.push_back("other ended");
        co_return status;
      };
      const auto body = [&]() -> Coro<void> {
        group.CreateTask(slow_to_end);
        if (in_body) co_return co_await fatal();
        group.CreateTask(fatal);
        co_return absl::OkStatus();
      };
      try {
        (co_await group.Run(body())).IgnoreError();
      } catch (const Fatal&) {
        trace.push_back("caught");
      }
      co_return absl::OkStatus();
    };
    const Task<void> task = CreateTask(test.loop(), main);
    if (!in_body) {
      // It leaves the loop first, as any other.
      EXPECT_THROW(test.RunUntilNothingIsLeft().IgnoreError(), Fatal);
    }
    EXPECT_TRUE(test.RunUntilNothingIsLeft().ok());
    EXPECT_TRUE(task.Result().ok());
    EXPECT_THAT(trace, ElementsAre("other ended", "caught"));
  }
}
#endif

}  // namespace
}  // namespace evkit
