// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/coro/deadline.h"

#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "evkit/loop/context.h"
#include "evkit/loop/coro/gather.h"
#include "evkit/loop/coro/or_return.h"
#include "evkit/loop/coro/run_until_complete.h"
#include "evkit/loop/coro/shield.h"
#include "evkit/loop/coro/sleep.h"
#include "evkit/loop/coro/task.h"
#include "evkit/loop/coro/task_group.h"
#include "evkit/loop/testing/test_loop.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using ::testing::IsEmpty;

constexpr absl::StatusCode kDeadlineExceeded =
    absl::StatusCode::kDeadlineExceeded;

absl::Status RunMain(TestLoop& test,
                     const std::function<Coro<void>()>& function) {
  return RunUntilComplete(test.loop(), function());
}

// Waits for what never comes.
Coro<void> BlackHole() { co_return co_await Sleep(absl::InfiniteDuration()); }

Coro<void> Nothing() { co_return absl::OkStatus(); }

// Runs `work` below a deadline of one second, and expects that it ends then.
void ExpectToEndInTime(const std::function<Coro<void>()>& work) {
  TestLoop test;
  const auto main = [&]() -> Coro<void> {
    const absl::Status status = co_await WithDeadline(absl::Seconds(1), work());
    EXPECT_EQ(status.code(), kDeadlineExceeded) << status;
    EXPECT_EQ(test.elapsed(), absl::Seconds(1));
    EXPECT_EQ(CurrentTask().cancelling(), 0);
    EXPECT_EQ(ContextDeadline(), std::nullopt);
    EXPECT_TRUE((co_await Sleep(absl::Seconds(1))).ok());
    co_return absl::OkStatus();
  };
  EXPECT_TRUE(RunMain(test, main).ok());
  EXPECT_TRUE(test.RunUntilIdle().ok());
  EXPECT_THAT(AllTasks(test.loop()), IsEmpty());
}

TEST(DeadlineTest, WhatIsAwaitedEndsInTime) {
  ExpectToEndInTime([] { return BlackHole(); });
}

TEST(DeadlineTest, ATaskThatIsAwaitedEndsInTime) {
  ExpectToEndInTime([]() -> Coro<void> {
    const Task<void> task = CreateTask(BlackHole());
    co_return co_await task;
  });
}

TEST(DeadlineTest, ATaskThatNobodyAwaitsEndsInTimeAndHasFailed) {
  TestLoop test;
  Task<void> task;
  const auto main = [&]() -> Coro<void> {
    const auto start = [&task]() -> Coro<void> {
      task = CreateTask(BlackHole());
      co_return absl::OkStatus();
    };
    co_await OrReturn(WithDeadline(absl::Seconds(1), start()));
    EXPECT_TRUE((co_await Sleep(absl::Milliseconds(999))).ok());
    EXPECT_FALSE(task.done());
    EXPECT_TRUE((co_await Sleep(absl::Milliseconds(2))).ok());
    EXPECT_FALSE(task.cancelled());
    EXPECT_EQ(task.Error(), absl::DeadlineExceededError("timed out"));
    EXPECT_EQ(task.cancelling(), 0);
    co_return absl::OkStatus();
  };
  EXPECT_TRUE(RunMain(test, main).ok());
}

TEST(DeadlineTest, GatheredWorkEndsInTime) {
  ExpectToEndInTime([]() -> Coro<void> {
    co_return (co_await Gather(BlackHole(), BlackHole())).status();
  });
  ExpectToEndInTime([]() -> Coro<void> {
    co_return (co_await GatherOutcomes(BlackHole(), Nothing())).status();
  });
}

TEST(DeadlineTest, AGroupEndsInTime) {
  for (const bool body_waits : {true, false}) {
    ExpectToEndInTime([body_waits]() -> Coro<void> {
      const bool waits = body_waits;
      TaskGroup group;
      const auto body = [&]() -> Coro<void> {
        group.CreateTask(BlackHole());
        group.CreateTask(BlackHole());
        if (waits) co_return co_await BlackHole();
        co_return absl::OkStatus();
      };
      co_return co_await group.Run(body());
    });
  }
}

TEST(DeadlineTest, WhatIsShieldedEndsInTimeByItsOwnEnforcement) {
  Task<void> inner;
  ExpectToEndInTime([&inner]() -> Coro<void> {
    inner = CreateTask(BlackHole());
    co_return co_await Shield(inner);
  });
  EXPECT_EQ(inner.Error().code(), kDeadlineExceeded);
}

Coro<void> Tree(int depth) {
  if (depth == 0) co_return co_await BlackHole();
  TaskGroup group;
  const auto body = [&]() -> Coro<void> {
    group.CreateTask(Tree(depth - 1));
    const auto both = Gather(Tree(depth - 1), BlackHole());
    co_return (co_await both).status();
  };
  co_return co_await group.Run(body());
}

TEST(DeadlineTest, ATreeOfWorkEndsInTime) {
  ExpectToEndInTime([] { return Tree(6); });
}

TEST(DeadlineTest, ATaskStartedByACallbackBelowEndsInTime) {
  TestLoop test;
  Task<void> task;
  const auto main = [&]() -> Coro<void> {
    const auto start = [&]() -> Coro<void> {
      test->CallLater(absl::Milliseconds(500),
                      [&task] { task = CreateTask(BlackHole()); });
      co_return absl::OkStatus();
    };
    co_await OrReturn(WithDeadline(absl::Seconds(1), start()));
    co_return co_await Sleep(absl::Milliseconds(1001));
  };
  EXPECT_TRUE(RunMain(test, main).ok());
  EXPECT_EQ(task.Error().code(), kDeadlineExceeded);
}

TEST(DeadlineTest, WorkInTimeIsNotDisturbed) {
  TestLoop test;
  const auto main = [&]() -> Coro<void> {
    const auto work = []() -> Coro<int> {
      const auto child = []() -> Coro<int> {
        co_await OrReturn(Sleep(absl::Milliseconds(900)));
        co_return 5;
      };
      const Task<int> task = CreateTask(child);
      co_return co_await task;
    };
    EXPECT_EQ(*co_await WithDeadline(absl::Seconds(1), work()), 5);
    EXPECT_EQ(*co_await WithDeadline(absl::InfiniteDuration(), work()), 5);
    co_return absl::OkStatus();
  };
  EXPECT_TRUE(RunMain(test, main).ok());
}

TEST(DeadlineTest, OfNestedDeadlinesTheEarliestCounts) {
  TestLoop test;
  const auto main = [&]() -> Coro<void> {
    const MonotonicTime start = test->Time();
    std::optional<MonotonicTime> seen;
    const auto innermost = [&seen]() -> Coro<void> {
      seen = ContextDeadline();
      co_return co_await BlackHole();
    };
    const auto narrower = [&]() -> Coro<void> {
      const absl::Status status =
          co_await WithDeadline(absl::Seconds(1), innermost());
      EXPECT_EQ(status.code(), kDeadlineExceeded);
      EXPECT_EQ(seen, start + absl::Seconds(1));
      EXPECT_EQ(ContextDeadline(), start + absl::Seconds(5));
      co_return co_await Sleep(absl::Seconds(1));
    };
    EXPECT_TRUE((co_await WithDeadline(absl::Seconds(5), narrower())).ok());
    const auto wider = [&]() -> Coro<void> {
      co_return co_await WithDeadline(absl::Seconds(50), innermost());
    };
    EXPECT_EQ((co_await WithDeadline(start + absl::Seconds(5), wider())).code(),
              kDeadlineExceeded);
    EXPECT_EQ(seen, start + absl::Seconds(5));
    EXPECT_EQ(test.elapsed(), absl::Seconds(5));
    co_return absl::OkStatus();
  };
  EXPECT_TRUE(RunMain(test, main).ok());
}

TEST(DeadlineTest, APastDeadlineComesInTheNextTurn) {
  TestLoop test;
  const auto main = [&]() -> Coro<void> {
    EXPECT_TRUE((co_await WithDeadline(-absl::Seconds(1), Nothing())).ok());
    EXPECT_EQ((co_await WithDeadline(-absl::Seconds(1), BlackHole())).code(),
              kDeadlineExceeded);
    EXPECT_EQ(test.elapsed(), absl::ZeroDuration());
    co_return absl::OkStatus();
  };
  EXPECT_TRUE(RunMain(test, main).ok());
}

TEST(DeadlineTest, WhatIsLeftIsKnownOnOtherThreadsToo) {
  TestLoop test;
  const auto main = [&]() -> Coro<void> {
    EXPECT_EQ(ContextTimeLeft(test->Time()), absl::InfiniteDuration());
    const auto work = [&]() -> Coro<void> {
      co_await OrReturn(Sleep(absl::Milliseconds(400)));
      EXPECT_EQ(ContextTimeLeft(test->Time()), absl::Milliseconds(600));
      EXPECT_EQ(ContextTimeLeft(test->Time() + absl::Seconds(1)),
                absl::ZeroDuration());
      Context context = Context::CopyCurrent();
      std::optional<MonotonicTime> elsewhere;
      std::thread thread([&] {
        EXPECT_EQ(ContextDeadline(), std::nullopt);
        elsewhere = context.Run([] { return ContextDeadline(); });
      });
      thread.join();
      EXPECT_EQ(elsewhere, test->Time() + absl::Milliseconds(600));
      co_return absl::OkStatus();
    };
    co_return co_await WithDeadline(absl::Seconds(1), work());
  };
  EXPECT_TRUE(RunMain(test, main).ok());
}

TEST(DeadlineTest, AForeignCancellationIsPassedOn) {
  TestLoop test;
  Task<void> child;
  const auto main = [&]() -> Coro<void> {
    const auto work = [&child]() -> Coro<void> {
      child = CreateTask(BlackHole());
      co_return co_await child;
    };
    co_return co_await WithDeadline(absl::Seconds(1), work());
  };
  const Task<void> task = CreateTask(test.loop(), main);
  EXPECT_TRUE(test.RunUntilIdle().ok());
  task.Cancel("foreign");
  EXPECT_TRUE(test.RunUntilNothingIsLeft().ok());
  EXPECT_TRUE(child.cancelled());
  EXPECT_TRUE(task.cancelled());
  EXPECT_EQ(task.Error(), absl::CancelledError("foreign"));
}

TEST(DeadlineTest, ATaskCancelledBeforeItBeginsDoesNotRun) {
  TestLoop test;
  bool ran = false;
  const auto main = [&]() -> Coro<void> {
    const auto child = [&ran]() -> Coro<void> {
      ran = true;
      co_return absl::OkStatus();
    };
    const auto work = [&]() -> Coro<void> {
      const Task<void> task = CreateTask(child);
      task.Cancel();
      EXPECT_EQ((co_await task).code(), absl::StatusCode::kCancelled);
      co_return absl::OkStatus();
    };
    co_return co_await WithDeadline(absl::Seconds(1), work());
  };
  EXPECT_TRUE(RunMain(test, main).ok());
  EXPECT_FALSE(ran);
}

TEST(DeadlineTest, EagerTasksAreBoundAsWell) {
  ExpectToEndInTime([]() -> Coro<void> {
    TaskOptions eager;
    eager.eager_start = true;
    const Task<void> task = CreateTask(BlackHole(), eager);
    co_return co_await task;
  });
}

TEST(DeadlineTest, ALoopMayBeClosedBelowADeadline) {
  TestLoop test;
  const auto main = [&]() -> Coro<void> {
    const auto work = []() -> Coro<void> {
      const Task<void> awaited = CreateTask(BlackHole());
      CreateTask(BlackHole());
      co_return co_await awaited;
    };
    co_return co_await WithDeadline(absl::Seconds(1), work());
  };
  const Task<void> task = CreateTask(test.loop(), main);
  EXPECT_TRUE(test.RunUntilIdle().ok());
  EXPECT_TRUE(test->Close().ok());
  EXPECT_TRUE(task.cancelled());
  EXPECT_EQ(ContextDeadline(), std::nullopt);
}

}  // namespace
}  // namespace evkit
