// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/sync/lock.h"

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
using ::testing::HasSubstr;

// Acquires `lock`, says so, and keeps it.
Coro<void> Take(Lock& lock, std::vector<std::string>& trace, std::string name) {
  co_await OrReturn(lock.Acquire());
  trace.push_back(name);
  co_return absl::OkStatus();
}

// SYN-02
TEST(LockTest, AFreeLockIsAcquiredWithoutATurn) {
  TestLoop test;
  Lock lock;
  std::vector<std::string> trace;
  EXPECT_FALSE(lock.locked());
  CreateTask(test.loop(), Take(lock, trace, "taken"));
  test->CallSoon([&] { trace.push_back("next callback of the turn"); });
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_THAT(trace, ElementsAre("taken", "next callback of the turn"));
  EXPECT_TRUE(lock.locked());
}

// SYN-02
TEST(LockTest, WaitersGetItInTheOrderOfTheirComing) {
  TestLoop test;
  Lock lock;
  std::vector<std::string> trace;
  for (const char* name : {"a", "b", "c"}) {
    CreateTask(test.loop(), Take(lock, trace, name));
  }
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_THAT(trace, ElementsAre("a"));
  EXPECT_TRUE(lock.Release().ok());
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_THAT(trace, ElementsAre("a", "b"));
  EXPECT_TRUE(lock.Release().ok());
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_THAT(trace, ElementsAre("a", "b", "c"));
}

// SYN-03
TEST(LockTest, ReleasingAFreeLockIsAnError) {
  Lock lock;
  EXPECT_EQ(lock.Release(),
            absl::FailedPreconditionError("Lock is not acquired"));
}

// SYN-03
TEST(LockTest, ItIsUnlockedUntilTheWokenWaiterRuns) {
  TestLoop test;
  Lock lock;
  std::vector<std::string> trace;
  CreateTask(test.loop(), Take(lock, trace, "a"));
  CreateTask(test.loop(), Take(lock, trace, "b"));
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_TRUE(lock.Release().ok());
  EXPECT_FALSE(lock.locked());
  EXPECT_EQ(lock.Release().code(), absl::StatusCode::kFailedPrecondition);
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_TRUE(lock.locked());
  EXPECT_THAT(trace, ElementsAre("a", "b"));
}

// SYN-04
TEST(LockTest, WhoComesBetweenAReleaseAndTheNextHolderQueues) {
  TestLoop test;
  Lock lock;
  std::vector<std::string> trace;
  CreateTask(test.loop(), Take(lock, trace, "a"));
  CreateTask(test.loop(), Take(lock, trace, "b"));
  ASSERT_TRUE(test.RunUntilIdle().ok());
  test->CallSoon([&] {
    TaskOptions eager;
    eager.eager_start = true;
    EXPECT_TRUE(lock.Release().ok());
    CreateTask(test.loop(), Take(lock, trace, "barging"), eager);
    trace.push_back("released");
  });
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_THAT(trace, ElementsAre("a", "released", "b"));
  EXPECT_TRUE(lock.Release().ok());
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_THAT(trace, ElementsAre("a", "released", "b", "barging"));
}

// SYN-02: the waiters that count are those that were not cancelled.
TEST(LockTest, CancelledWaitersDoNotKeepANewcomerFromAFreeLock) {
  TestLoop test;
  Lock lock;
  std::vector<std::string> trace;
  CreateTask(test.loop(), Take(lock, trace, "a"));
  Task<void> b = CreateTask(test.loop(), Take(lock, trace, "b"));
  ASSERT_TRUE(test.RunUntilIdle().ok());
  test->CallSoon([&] {
    TaskOptions eager;
    eager.eager_start = true;
    EXPECT_TRUE(b.Cancel());
    EXPECT_TRUE(lock.Release().ok());
    CreateTask(test.loop(), Take(lock, trace, "newcomer"), eager);
    trace.push_back("released");
  });
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_THAT(trace, ElementsAre("a", "newcomer", "released"));
  EXPECT_TRUE(b.cancelled());
}

// SYN-05
TEST(LockTest, AWokenWaiterThatIsCancelledPassesTheWakeUpOn) {
  TestLoop test;
  Lock lock;
  std::vector<std::string> trace;
  CreateTask(test.loop(), Take(lock, trace, "a"));
  Task<void> b = CreateTask(test.loop(), Take(lock, trace, "b"));
  CreateTask(test.loop(), Take(lock, trace, "c"));
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_TRUE(lock.Release().ok());
  EXPECT_TRUE(b.Cancel("too late"));
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_EQ(b.Error(), absl::CancelledError("too late"));
  EXPECT_THAT(trace, ElementsAre("a", "c"));
}

// SYN-01
TEST(LockTest, ItBelongsToTheFirstLoopOnWhichATaskHadToWait) {
  TestLoop first;
  TestLoop second;
  Lock lock;
  std::vector<std::string> trace;
  // Not waiting does not bind it.
  EXPECT_TRUE(
      RunUntilComplete(second.loop(), Take(lock, trace, "second")).ok());
  CreateTask(first.loop(), Take(lock, trace, "first"));
  ASSERT_TRUE(first.RunUntilIdle().ok());
  EXPECT_EQ(
      RunUntilComplete(second.loop(), Take(lock, trace, "second again")),
      absl::FailedPreconditionError("Lock is bound to a different event loop"));
  EXPECT_TRUE(lock.Release().ok());
  ASSERT_TRUE(first.RunUntilIdle().ok());
  EXPECT_THAT(trace, ElementsAre("second", "first"));
}

// SYN-01
TEST(LockTest, ItStaysWithItsLoopWhenThatIsClosed) {
  Lock lock;
  std::vector<std::string> trace;
  {
    TestLoop first;
    CreateTask(first.loop(), Take(lock, trace, "holds"));
    CreateTask(first.loop(), Take(lock, trace, "waits"));
    ASSERT_TRUE(first.RunUntilIdle().ok());
  }
  TestLoop second;
  EXPECT_EQ(RunUntilComplete(second.loop(), Take(lock, trace, "waits")).code(),
            absl::StatusCode::kFailedPrecondition);
}

Coro<void> TakeScoped(Lock& lock, std::vector<std::string>& trace,
                      std::string name) {
  ScopedLock held = co_await OrReturn(lock.AcquireScoped());
  trace.push_back(name + (held.holds() ? " holds" : " does not hold"));
  co_await OrReturn(Sleep(absl::Seconds(1)));
  trace.push_back(name + " goes");
  co_return absl::OkStatus();
}

TEST(LockTest, AScopedLockIsReleasedAtTheEndOfItsScope) {
  TestLoop test;
  Lock lock;
  std::vector<std::string> trace;
  Task<void> a = CreateTask(test.loop(), TakeScoped(lock, trace, "a"));
  CreateTask(test.loop(), TakeScoped(lock, trace, "b"));
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_TRUE(a.Cancel());
  ASSERT_TRUE(test.RunUntilNothingIsLeft().ok());
  EXPECT_THAT(trace, ElementsAre("a holds", "b holds", "b goes"));
  EXPECT_FALSE(lock.locked());
}

TEST(LockTest, AScopedLockMoves) {
  TestLoop test;
  Lock first;
  Lock second;
  auto a = RunUntilComplete(test.loop(), first.AcquireScoped());
  auto b = RunUntilComplete(test.loop(), second.AcquireScoped());
  ASSERT_TRUE(a.ok() && b.ok());
  EXPECT_TRUE(first.locked());
  EXPECT_TRUE(second.locked());
  *a = std::move(*b);
  EXPECT_FALSE(first.locked());
  EXPECT_TRUE(second.locked());
  EXPECT_FALSE(b->holds());
  EXPECT_TRUE(a->Release().ok());
  EXPECT_FALSE(second.locked());
  EXPECT_FALSE(a->holds());
  EXPECT_EQ(a->Release().code(), absl::StatusCode::kFailedPrecondition);
}

TEST(LockTest, AScopedLockThatSomebodyElseReleasedSaysSo) {
  TestLoop test;
  Lock lock;
  auto held = RunUntilComplete(test.loop(), lock.AcquireScoped());
  ASSERT_TRUE(held.ok());
  EXPECT_TRUE(lock.Release().ok());
  EXPECT_EQ(held->Release().code(), absl::StatusCode::kFailedPrecondition);
}

TEST(LockTest, ItMayGoBeforeThoseWhoHoldItAndWaitForIt) {
  TestLoop test;
  std::vector<std::string> trace;
  auto lock = std::make_unique<Lock>();
  CreateTask(test.loop(), TakeScoped(*lock, trace, "a"));
  CreateTask(test.loop(), TakeScoped(*lock, trace, "b"));
  ASSERT_TRUE(test.RunUntilIdle().ok());
  lock.reset();
  ASSERT_TRUE(test.RunUntilNothingIsLeft().ok());
  EXPECT_THAT(trace, ElementsAre("a holds", "a goes", "b holds", "b goes"));
}

TEST(LockTest, ClosingTheLoopFreesWhatItsTasksHeld) {
  Lock lock;
  std::vector<std::string> trace;
  {
    TestLoop test;
    CreateTask(test.loop(), TakeScoped(lock, trace, "a"));
    CreateTask(test.loop(), TakeScoped(lock, trace, "b"));
    ASSERT_TRUE(test.RunUntilIdle().ok());
    EXPECT_TRUE(lock.locked());
  }
  EXPECT_FALSE(lock.locked());
}

TEST(LockTest, AWaitingTaskSaysWhatItWaitsFor) {
  TestLoop test;
  Lock lock;
  std::vector<std::string> trace;
  CreateTask(test.loop(), Take(lock, trace, "a"));
  Task<void> b = CreateTask(test.loop(), Take(lock, trace, "b"));
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_THAT(b.DebugString(), HasSubstr("waiting for Lock.Acquire"));
}

// What the tasks of one run did with one lock.
class LockRun {
 public:
  LockRun() = default;

  void Enter(int who) {
    EXPECT_EQ(inside, 0) << "two tasks have the lock";
    ++inside;
    if (!entered.empty()) {
      EXPECT_LT(entered.back(), who) << "not in order";
    }
    entered.push_back(who);
  }

  Lock lock;
  int inside = 0;
  std::vector<int> entered;
};

Coro<void> UseLock(LockRun& run, int who) {
  class Inside {
   public:
    explicit Inside(LockRun& run) : run_(run) {}
    ~Inside() { --run_.inside; }

   private:
    LockRun& run_;
  };
  ScopedLock held = co_await OrReturn(run.lock.AcquireScoped());
  run.Enter(who);
  const Inside inside(run);
  co_await OrReturn(Sleep(absl::ZeroDuration()));
  co_return absl::OkStatus();
}

// SYN-02, SYN-05
TEST(LockTest, bug_J13_InEveryOrderOfReleaseCancelAndAcquireNobodyIsStranded) {
  const int runs = ForEveryInterleaving([](Interleaving& run) {
    LockRun seen;
    TestLoop test;
    ASSERT_TRUE(RunUntilComplete(test.loop(), seen.lock.Acquire()).ok());
    Task<void> a = CreateTask(test.loop(), UseLock(seen, 1));
    Task<void> b = CreateTask(test.loop(), UseLock(seen, 2));
    Task<void> c = CreateTask(test.loop(), UseLock(seen, 3));
    Task<void> d;
    run.Add("release", [&] { EXPECT_TRUE(seen.lock.Release().ok()); });
    run.Add("cancel a", [&] { a.Cancel(); });
    run.Add("cancel b", [&] { b.Cancel(); });
    run.Add("acquire d",
            [&] { d = CreateTask(test.loop(), UseLock(seen, 4)); });
    run.Play(test);
    EXPECT_TRUE(a.done() && b.done());
    EXPECT_EQ(c.Error(), absl::OkStatus());
    EXPECT_EQ(d.Error(), absl::OkStatus());
    EXPECT_FALSE(seen.lock.locked());
  });
  EXPECT_EQ(runs, 24 * 8);
}

// SYN-05: the frame of a waiting task is destroyed.
TEST(LockTest, bug_J13_InEveryOrderOfReleaseAndDestructionNobodyIsStranded) {
  ForEveryInterleaving([](Interleaving& run) {
    LockRun seen;
    TestLoop test;
    ASSERT_TRUE(RunUntilComplete(test.loop(), seen.lock.Acquire()).ok());
    Task<void> a = CreateTask(test.loop(), UseLock(seen, 1));
    Task<void> b = CreateTask(test.loop(), UseLock(seen, 2));
    Task<void> c = CreateTask(test.loop(), UseLock(seen, 3));
    run.Add("release", [&] { EXPECT_TRUE(seen.lock.Release().ok()); });
    run.Add("destroy a", [&] { DestroyTask(a); });
    run.Add("cancel b", [&] { b.Cancel(); });
    run.Add("destroy b", [&] { DestroyTask(b); });
    run.Play(test);
    EXPECT_TRUE(a.done() && b.done());
    EXPECT_EQ(c.Error(), absl::OkStatus());
    EXPECT_FALSE(seen.lock.locked());
  });
}

}  // namespace
}  // namespace evkit
