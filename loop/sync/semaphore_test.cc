// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/sync/semaphore.h"

#include <memory>
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
#include "evkit/loop/sync/destroy_task.h"
#include "evkit/loop/testing/interleavings.h"
#include "evkit/loop/testing/test_loop.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using ::testing::ElementsAre;

using Trace = std::vector<std::string>;

Coro<void> Take(Semaphore& semaphore, Trace& trace, std::string name) {
  co_await OrReturn(semaphore.Acquire());
  trace.push_back(name);
  co_return absl::OkStatus();
}

TaskOptions Eager() {
  TaskOptions options;
  options.eager_start = true;
  return options;
}

// SYN-10
TEST(SemaphoreTest, ThereAreAsManySlotsAsItWasGiven) {
  TestLoop test;
  Semaphore semaphore(2);
  Trace trace;
  EXPECT_FALSE(semaphore.locked());
  for (const char* name : {"a", "b", "c", "d"}) {
    CreateTask(test.loop(), Take(semaphore, trace, name));
  }
  test->CallSoon([&] { trace.push_back("next callback of the turn"); });
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_THAT(trace, ElementsAre("a", "b", "next callback of the turn"));
  EXPECT_TRUE(semaphore.locked());
  EXPECT_TRUE(semaphore.Release().ok());
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_TRUE(semaphore.Release().ok());
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_THAT(trace,
              ElementsAre("a", "b", "next callback of the turn", "c", "d"));
  EXPECT_TRUE(semaphore.Release().ok());
  EXPECT_FALSE(semaphore.locked());
}

// SYN-10
TEST(SemaphoreTest, ItMayBeginWithoutASlot) {
  TestLoop test;
  Semaphore semaphore(0);
  Trace trace;
  EXPECT_TRUE(semaphore.locked());
  CreateTask(test.loop(), Take(semaphore, trace, "a"));
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_TRUE(semaphore.Release().ok());
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_THAT(trace, ElementsAre("a"));
}

// SYN-10
TEST(SemaphoreDeathTest, LessThanNoSlotsAborts) {
  EXPECT_DEATH(Semaphore(-1), "0 slots or more");
  EXPECT_DEATH(BoundedSemaphore(-1), "0 slots or more");
}

// SYN-10
TEST(SemaphoreTest, AReleaseHandsTheSlotToTheFirstWhoWaits) {
  TestLoop test;
  Semaphore semaphore(1);
  Trace trace;
  CreateTask(test.loop(), Take(semaphore, trace, "a"));
  CreateTask(test.loop(), Take(semaphore, trace, "b"));
  ASSERT_TRUE(test.RunUntilIdle().ok());
  test->CallSoon([&] {
    EXPECT_TRUE(semaphore.Release().ok());
    EXPECT_TRUE(semaphore.locked());
    CreateTask(test.loop(), Take(semaphore, trace, "barging"), Eager());
    trace.push_back("released");
  });
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_THAT(trace, ElementsAre("a", "released", "b"));
  EXPECT_TRUE(semaphore.Release().ok());
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_THAT(trace, ElementsAre("a", "released", "b", "barging"));
}

// SYN-10: with a free slot too, who comes while others are about to go on
// queues.
TEST(SemaphoreTest, NewcomersQueueBehindThoseWhoWereWoken) {
  TestLoop test;
  Semaphore semaphore(0);
  Trace trace;
  CreateTask(test.loop(), Take(semaphore, trace, "a"));
  ASSERT_TRUE(test.RunUntilIdle().ok());
  test->CallSoon([&] {
    EXPECT_TRUE(semaphore.Release().ok());
    EXPECT_TRUE(semaphore.Release().ok());
    EXPECT_TRUE(semaphore.locked());
    CreateTask(test.loop(), Take(semaphore, trace, "b"), Eager());
    trace.push_back("released twice");
  });
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_THAT(trace, ElementsAre("released twice", "a", "b"));
}

// SYN-11
TEST(SemaphoreTest, ABoundedOneIsNotReleasedAboveWhatItBeganWith) {
  TestLoop test;
  BoundedSemaphore semaphore(1);
  EXPECT_EQ(semaphore.Release(),
            absl::InvalidArgumentError("Semaphore released too many times"));
  EXPECT_TRUE(RunUntilComplete(test.loop(), semaphore.Acquire()).ok());
  EXPECT_TRUE(semaphore.locked());
  EXPECT_TRUE(semaphore.Release().ok());
  EXPECT_FALSE(semaphore.locked());
  EXPECT_EQ(semaphore.Release().code(), absl::StatusCode::kInvalidArgument);
  Semaphore plain(1);
  EXPECT_TRUE(plain.Release().ok());
}

// SYN-14
TEST(SemaphoreTest, ASlotOfAWaiterThatIsCancelledGoesToTheNext) {
  TestLoop test;
  Semaphore semaphore(0);
  Trace trace;
  Task<void> a = CreateTask(test.loop(), Take(semaphore, trace, "a"));
  CreateTask(test.loop(), Take(semaphore, trace, "b"));
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_TRUE(semaphore.Release().ok());
  EXPECT_TRUE(a.Cancel("too late"));
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_EQ(a.Error(), absl::CancelledError("too late"));
  EXPECT_THAT(trace, ElementsAre("b"));
}

// SYN-14
TEST(SemaphoreTest, ASlotOfAWaiterThatIsCancelledIsFreeIfNobodyWaits) {
  TestLoop test;
  BoundedSemaphore semaphore(1);
  Trace trace;
  ASSERT_TRUE(RunUntilComplete(test.loop(), semaphore.Acquire()).ok());
  Task<void> a = CreateTask(test.loop(), Take(semaphore, trace, "a"));
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_TRUE(semaphore.Release().ok());
  EXPECT_TRUE(a.Cancel());
  EXPECT_TRUE(semaphore.locked());
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_FALSE(semaphore.locked());
  EXPECT_EQ(semaphore.Release().code(), absl::StatusCode::kInvalidArgument);
}

// SYN-01
TEST(SemaphoreTest, ItBelongsToTheFirstLoopOnWhichATaskHadToWait) {
  TestLoop first;
  TestLoop second;
  Semaphore semaphore(1);
  Trace trace;
  EXPECT_TRUE(RunUntilComplete(second.loop(), semaphore.Acquire()).ok());
  CreateTask(first.loop(), Take(semaphore, trace, "first"));
  ASSERT_TRUE(first.RunUntilIdle().ok());
  EXPECT_EQ(RunUntilComplete(second.loop(), semaphore.Acquire()),
            absl::FailedPreconditionError(
                "Semaphore is bound to a different event loop"));
}

Coro<void> TakeScoped(Semaphore& semaphore, Trace& trace, std::string name) {
  ScopedSlot slot = co_await OrReturn(semaphore.AcquireScoped());
  trace.push_back(name + (slot.holds() ? " holds" : " does not hold"));
  co_await OrReturn(Sleep(absl::Seconds(1)));
  trace.push_back(name + " goes");
  co_return absl::OkStatus();
}

TEST(SemaphoreTest, AScopedSlotIsGivenBackAtTheEndOfItsScope) {
  TestLoop test;
  Semaphore semaphore(1);
  Trace trace;
  Task<void> a = CreateTask(test.loop(), TakeScoped(semaphore, trace, "a"));
  CreateTask(test.loop(), TakeScoped(semaphore, trace, "b"));
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_TRUE(a.Cancel());
  ASSERT_TRUE(test.RunUntilNothingIsLeft().ok());
  EXPECT_THAT(trace, ElementsAre("a holds", "b holds", "b goes"));
  EXPECT_FALSE(semaphore.locked());
}

TEST(SemaphoreTest, AScopedSlotMoves) {
  TestLoop test;
  BoundedSemaphore semaphore(2);
  auto a = RunUntilComplete(test.loop(), semaphore.AcquireScoped());
  auto b = RunUntilComplete(test.loop(), semaphore.AcquireScoped());
  ASSERT_TRUE(a.ok() && b.ok());
  EXPECT_TRUE(semaphore.locked());
  *a = std::move(*b);
  EXPECT_FALSE(semaphore.locked());
  EXPECT_FALSE(b->holds());
  ScopedSlot c = std::move(*a);
  EXPECT_TRUE(c.Release().ok());
  EXPECT_FALSE(c.holds());
  EXPECT_EQ(c.Release().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(semaphore.Release().code(), absl::StatusCode::kInvalidArgument);
}

TEST(SemaphoreTest, ItMayGoBeforeThoseWhoHaveItsSlotsAndWaitForThem) {
  TestLoop test;
  Trace trace;
  auto semaphore = std::make_unique<Semaphore>(1);
  CreateTask(test.loop(), TakeScoped(*semaphore, trace, "a"));
  CreateTask(test.loop(), TakeScoped(*semaphore, trace, "b"));
  ASSERT_TRUE(test.RunUntilIdle().ok());
  semaphore.reset();
  ASSERT_TRUE(test.RunUntilNothingIsLeft().ok());
  EXPECT_THAT(trace, ElementsAre("a holds", "a goes", "b holds", "b goes"));
}

// SYN-14: the loop is closed between the hand-over and the waiter's turn.
TEST(SemaphoreTest, ClosingTheLoopFreesWhatItsTasksHad) {
  BoundedSemaphore semaphore(2);
  Trace trace;
  {
    TestLoop test;
    for (const char* name : {"a", "b", "c", "d"}) {
      CreateTask(test.loop(), TakeScoped(semaphore, trace, name));
    }
    ASSERT_TRUE(test.RunUntilIdle().ok());
    EXPECT_TRUE(semaphore.Release().ok());
  }
  EXPECT_FALSE(semaphore.locked());
  EXPECT_EQ(semaphore.Release().code(), absl::StatusCode::kInvalidArgument);
}

// What the tasks of one run did with one semaphore of two slots.
class SemaphoreRun {
 public:
  SemaphoreRun() = default;

  BoundedSemaphore semaphore{2};
  int inside = 0;
  std::vector<int> entered;
};

class Inside {
 public:
  explicit Inside(int& inside) : inside_(inside) { ++inside_; }
  Inside(const Inside&) = delete;
  Inside& operator=(const Inside&) = delete;
  ~Inside() { --inside_; }

 private:
  int& inside_;
};

Coro<void> UseSlot(SemaphoreRun& run, int who) {
  ScopedSlot slot = co_await OrReturn(run.semaphore.AcquireScoped());
  const Inside inside(run.inside);
  EXPECT_LE(run.inside, 2) << "more tasks than slots";
  if (!run.entered.empty()) {
    EXPECT_LT(run.entered.back(), who) << "not in order";
  }
  run.entered.push_back(who);
  co_await OrReturn(Sleep(absl::ZeroDuration()));
  co_return absl::OkStatus();
}

// Takes both slots, for the two releases of a scenario to give back.
void TakeBothSlots(TestLoop& test, SemaphoreRun& run) {
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(RunUntilComplete(test.loop(), run.semaphore.Acquire()).ok());
  }
}

// All slots are free.
void ExpectAllFree(SemaphoreRun& run) {
  EXPECT_FALSE(run.semaphore.locked());
  EXPECT_EQ(run.semaphore.Release().code(), absl::StatusCode::kInvalidArgument);
}

// SYN-10, SYN-14
TEST(SemaphoreTest, bug_J13_InEveryOrderOfReleaseCancelAndAcquireNobodyIsLeft) {
  const int runs = ForEveryInterleaving([](Interleaving& run) {
    SemaphoreRun seen;
    TestLoop test;
    TakeBothSlots(test, seen);
    Task<void> a = CreateTask(test.loop(), UseSlot(seen, 1));
    Task<void> b = CreateTask(test.loop(), UseSlot(seen, 2));
    Task<void> c = CreateTask(test.loop(), UseSlot(seen, 3));
    Task<void> d;
    run.Add("release", [&] { EXPECT_TRUE(seen.semaphore.Release().ok()); });
    run.Add("release again",
            [&] { EXPECT_TRUE(seen.semaphore.Release().ok()); });
    run.Add("cancel a", [&] { a.Cancel(); });
    run.Add("cancel b", [&] { b.Cancel(); });
    run.Add("acquire d",
            [&] { d = CreateTask(test.loop(), UseSlot(seen, 4)); });
    run.AddOrder("release", "release again");
    run.Play(test);
    EXPECT_TRUE(a.done() && b.done());
    EXPECT_EQ(c.Error(), absl::OkStatus());
    EXPECT_EQ(d.Error(), absl::OkStatus());
    ExpectAllFree(seen);
  });
  EXPECT_EQ(runs, 60 * 16);
}

// SYN-14: the frame of a waiting task is destroyed.
TEST(SemaphoreTest, bug_J13_InEveryOrderOfReleaseAndDestructionNobodyIsLeft) {
  ForEveryInterleaving([](Interleaving& run) {
    SemaphoreRun seen;
    TestLoop test;
    TakeBothSlots(test, seen);
    Task<void> a = CreateTask(test.loop(), UseSlot(seen, 1));
    Task<void> b = CreateTask(test.loop(), UseSlot(seen, 2));
    Task<void> c = CreateTask(test.loop(), UseSlot(seen, 3));
    run.Add("release", [&] { EXPECT_TRUE(seen.semaphore.Release().ok()); });
    run.Add("release again",
            [&] { EXPECT_TRUE(seen.semaphore.Release().ok()); });
    run.Add("destroy a", [&] { DestroyTask(a); });
    run.Add("cancel b", [&] { b.Cancel(); });
    run.Add("destroy b", [&] { DestroyTask(b); });
    run.AddOrder("release", "release again");
    run.Play(test);
    EXPECT_TRUE(a.done() && b.done());
    EXPECT_EQ(c.Error(), absl::OkStatus());
    ExpectAllFree(seen);
  });
}

}  // namespace
}  // namespace evkit
