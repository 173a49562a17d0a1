// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/sync/condition.h"

#include <algorithm>
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
#include "evkit/loop/sync/lock.h"
#include "evkit/loop/testing/interleavings.h"
#include "evkit/loop/testing/test_loop.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

using Trace = std::vector<std::string>;

Coro<void> WaitOnce(Condition& condition, Trace& trace, std::string name) {
  ScopedLock held = co_await OrReturn(condition.AcquireScoped());
  const absl::Status status = co_await condition.Wait();
  trace.push_back(name + (condition.locked() ? " locked " : " unlocked ") +
                  status.ToString());
  co_return status;
}

// Acquires the lock, to be released by whoever likes.
void TakeLock(TestLoop& test, Condition& condition) {
  ASSERT_TRUE(RunUntilComplete(test.loop(), condition.Acquire()).ok());
}

// SYN-07
TEST(ConditionTest, WaitingAndNotifyingNeedTheLock) {
  TestLoop test;
  Condition condition;
  EXPECT_FALSE(condition.locked());
  EXPECT_EQ(RunUntilComplete(test.loop(), condition.Wait()),
            absl::FailedPreconditionError("cannot wait on un-acquired lock"));
  EXPECT_EQ(condition.Notify(),
            absl::FailedPreconditionError("cannot notify on un-acquired lock"));
  EXPECT_EQ(condition.NotifyAll().code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(condition.Release().code(), absl::StatusCode::kFailedPrecondition);
}

// SYN-07
TEST(ConditionTest, WaitReleasesTheLockAndHasItAgainAfterwards) {
  TestLoop test;
  Condition condition;
  Trace trace;
  CreateTask(test.loop(), WaitOnce(condition, trace, "a"));
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_FALSE(condition.locked());
  TakeLock(test, condition);
  EXPECT_TRUE(condition.Notify().ok());
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_THAT(trace, IsEmpty()) << "the lock is not free yet";
  EXPECT_TRUE(condition.Release().ok());
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_THAT(trace, ElementsAre("a locked OK"));
  EXPECT_FALSE(condition.locked());
}

// SYN-07
TEST(ConditionTest, ACancelledWaitHasTheLockAgain) {
  TestLoop test;
  Condition condition;
  Trace trace;
  Task<void> a = CreateTask(test.loop(), WaitOnce(condition, trace, "a"));
  ASSERT_TRUE(test.RunUntilIdle().ok());
  TakeLock(test, condition);
  EXPECT_TRUE(a.Cancel("first"));
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_FALSE(a.done()) << "it waits for the lock";
  EXPECT_TRUE(a.Cancel("second"));
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_TRUE(a.Cancel("third"));
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_FALSE(a.done());
  EXPECT_TRUE(condition.Release().ok());
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_THAT(trace, ElementsAre("a locked CANCELLED: third"));
  EXPECT_EQ(a.Error(), absl::CancelledError("third"));
  EXPECT_FALSE(condition.locked());
}

// SYN-07: cancelled only after it was notified, while it waits for the lock.
TEST(ConditionTest, CancellingTheReacquisitionIsDeliveredWithTheLock) {
  TestLoop test;
  Condition condition;
  Trace trace;
  Task<void> a = CreateTask(test.loop(), WaitOnce(condition, trace, "a"));
  ASSERT_TRUE(test.RunUntilIdle().ok());
  TakeLock(test, condition);
  EXPECT_TRUE(condition.Notify().ok());
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_TRUE(a.Cancel());
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_THAT(trace, IsEmpty());
  EXPECT_TRUE(condition.Release().ok());
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_THAT(trace, ElementsAre("a locked CANCELLED: "));
}

// SYN-08
TEST(ConditionTest, NotifyWakesTheFirstN) {
  TestLoop test;
  Condition condition;
  Trace trace;
  for (const char* name : {"a", "b", "c", "d", "e"}) {
    CreateTask(test.loop(), WaitOnce(condition, trace, name));
  }
  ASSERT_TRUE(test.RunUntilIdle().ok());
  TakeLock(test, condition);
  EXPECT_TRUE(condition.Notify().ok());
  EXPECT_TRUE(condition.Notify(2).ok());
  EXPECT_TRUE(condition.Notify(0).ok());
  EXPECT_TRUE(condition.Release().ok());
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_THAT(trace, ElementsAre("a locked OK", "b locked OK", "c locked OK"));
  TakeLock(test, condition);
  EXPECT_TRUE(condition.NotifyAll().ok());
  EXPECT_TRUE(condition.Release().ok());
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_EQ(trace.size(), 5u);
}

// SYN-08
TEST(ConditionTest, ANotifiedWaiterThatIsCancelledPassesItOn) {
  TestLoop test;
  Condition condition;
  Trace trace;
  Task<void> a = CreateTask(test.loop(), WaitOnce(condition, trace, "a"));
  CreateTask(test.loop(), WaitOnce(condition, trace, "b"));
  ASSERT_TRUE(test.RunUntilIdle().ok());
  TakeLock(test, condition);
  EXPECT_TRUE(condition.Notify().ok());
  EXPECT_TRUE(a.Cancel());
  EXPECT_TRUE(condition.Release().ok());
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_THAT(trace, ElementsAre("a locked CANCELLED: ", "b locked OK"));
}

Coro<int> WaitForAtLeast(Condition& condition, int& value, int least) {
  ScopedLock held = co_await OrReturn(condition.AcquireScoped());
  const auto enough = [&value, least] { return value >= least ? value : 0; };
  co_return co_await condition.WaitFor(enough);
}

// SYN-09
TEST(ConditionTest, WaitForGivesWhatThePredicateReturned) {
  TestLoop test;
  Condition condition;
  int value = 1;
  EXPECT_EQ(*RunUntilComplete(test.loop(), WaitForAtLeast(condition, value, 1)),
            1);
  Task<int> a = CreateTask(test.loop(), WaitForAtLeast(condition, value, 3));
  for (int i = 2; i <= 4; ++i) {
    ASSERT_TRUE(test.RunUntilIdle().ok());
    EXPECT_EQ(a.done(), i == 4);
    TakeLock(test, condition);
    value = i;
    EXPECT_TRUE(condition.NotifyAll().ok());
    EXPECT_TRUE(condition.Release().ok());
  }
  EXPECT_EQ(*a.Result(), 3);
  EXPECT_FALSE(condition.locked());
}

// SYN-07, SYN-09
TEST(ConditionTest, ACancelledWaitForFails) {
  TestLoop test;
  Condition condition;
  int value = 0;
  Task<int> a = CreateTask(test.loop(), WaitForAtLeast(condition, value, 1));
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_TRUE(a.Cancel());
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_TRUE(a.cancelled());
  EXPECT_FALSE(condition.locked());
}

TEST(ConditionTest, TwoMayShareALock) {
  TestLoop test;
  Lock lock;
  Condition first(&lock);
  Condition second(&lock);
  Trace trace;
  CreateTask(test.loop(), WaitOnce(first, trace, "a"));
  CreateTask(test.loop(), WaitOnce(second, trace, "b"));
  ASSERT_TRUE(test.RunUntilIdle().ok());
  ASSERT_TRUE(RunUntilComplete(test.loop(), lock.Acquire()).ok());
  EXPECT_TRUE(first.locked() && second.locked());
  EXPECT_TRUE(second.NotifyAll().ok());
  EXPECT_TRUE(lock.Release().ok());
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_THAT(trace, ElementsAre("b locked OK"));
}

// SYN-01
TEST(ConditionTest, ItBelongsToTheFirstLoopOnWhichATaskHadToWait) {
  TestLoop first;
  TestLoop second;
  Condition condition;
  Trace trace;
  CreateTask(first.loop(), WaitOnce(condition, trace, "first"));
  ASSERT_TRUE(first.RunUntilIdle().ok());
  EXPECT_EQ(
      RunUntilComplete(second.loop(), WaitOnce(condition, trace, "second")),
      absl::FailedPreconditionError(
          "Condition is bound to a different event loop"));
  EXPECT_FALSE(condition.locked());
}

TEST(ConditionTest, ItMayGoBeforeThoseWhoWaitForIt) {
  TestLoop test;
  Trace trace;
  auto condition = std::make_unique<Condition>();
  const auto wait = [](Condition& awaited) -> Coro<void> {
    co_await OrReturn(awaited.Acquire());
    co_return co_await awaited.Wait();
  };
  Task<void> a = CreateTask(test.loop(), wait(*condition));
  Task<void> b = CreateTask(test.loop(), wait(*condition));
  ASSERT_TRUE(test.RunUntilIdle().ok());
  condition.reset();
  EXPECT_TRUE(a.Cancel());
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_TRUE(a.cancelled());
  EXPECT_FALSE(b.done());
}

// Waits once, without a guard: a frame that is destroyed leaves the lock alone.
Coro<void> WaitAndRelease(Condition& condition, int& inside,
                          std::vector<int>& woken, int who) {
  co_await OrReturn(condition.Acquire());
  const absl::Status status = co_await condition.Wait();
  EXPECT_TRUE(condition.locked());
  EXPECT_EQ(inside, 0) << "two tasks have the lock";
  if (status.ok()) woken.push_back(who);
  EXPECT_TRUE(condition.Release().ok());
  co_return status;
}

Coro<void> NotifyOne(Condition& condition, int& inside) {
  co_await OrReturn(condition.Acquire());
  EXPECT_EQ(inside, 0) << "two tasks have the lock";
  ++inside;
  EXPECT_TRUE(condition.Notify().ok());
  (void)co_await Sleep(absl::ZeroDuration());
  --inside;
  co_return condition.Release();
}

// SYN-07, SYN-08
TEST(ConditionTest, bug_J13_InEveryOrderNotificationsReachThoseWhoAreLeft) {
  ForEveryInterleaving([](Interleaving& run) {
    Condition condition;
    int inside = 0;
    std::vector<int> woken;
    TestLoop test;
    std::vector<Task<void>> tasks;
    for (int who = 0; who < 4; ++who) {
      tasks.push_back(CreateTask(
          test.loop(), WaitAndRelease(condition, inside, woken, who)));
    }
    for (const char* name : {"notify", "notify again"}) {
      run.Add(name,
              [&] { CreateTask(test.loop(), NotifyOne(condition, inside)); });
    }
    run.Add("cancel 0", [&] { tasks[0].Cancel(); });
    run.Add("cancel 1", [&] { tasks[1].Cancel(); });
    run.Add("cancel 1 again", [&] { tasks[1].Cancel(); });
    run.AddOrder("notify", "notify again");
    run.AddOrder("cancel 1", "cancel 1 again");
    run.Play(test);
    EXPECT_FALSE(condition.locked());
    EXPECT_TRUE(tasks[0].done() && tasks[1].done());
    // One for each notification; more, since who is cancelled cannot know
    // whether he was notified, and notifies another.
    EXPECT_GE(woken.size(), 2u);
    EXPECT_TRUE(std::is_sorted(woken.begin(), woken.end()));
  });
}

// SYN-08: the frame of a waiting task is destroyed.
TEST(ConditionTest, bug_J13_InEveryOrderADestroyedWaiterPassesItOn) {
  ForEveryInterleaving([](Interleaving& run) {
    Condition condition;
    int inside = 0;
    std::vector<int> woken;
    TestLoop test;
    std::vector<Task<void>> tasks;
    for (int who = 0; who < 3; ++who) {
      tasks.push_back(CreateTask(
          test.loop(), WaitAndRelease(condition, inside, woken, who)));
    }
    run.Add("notify",
            [&] { CreateTask(test.loop(), NotifyOne(condition, inside)); });
    run.Add("destroy 0", [&] { DestroyTask(tasks[0]); });
    run.Add("cancel 1", [&] { tasks[1].Cancel(); });
    run.Add("destroy 1", [&] { DestroyTask(tasks[1]); });
    run.Play(test);
    EXPECT_TRUE(tasks[0].done() && tasks[1].done());
    EXPECT_FALSE(condition.locked());
    EXPECT_TRUE(tasks[2].done() || woken.size() == 1);
  });
}

Coro<void> TakeItem(Condition& condition, int& items) {
  ScopedLock held = co_await OrReturn(condition.AcquireScoped());
  const auto available = [&items] { return items > 0; };
  co_await OrReturn(condition.WaitFor(available));
  --items;
  co_return absl::OkStatus();
}

Coro<void> AddItem(Condition& condition, int& items) {
  ScopedLock held = co_await OrReturn(condition.AcquireScoped());
  ++items;
  co_await OrReturn(condition.Notify());
  co_return absl::OkStatus();
}

// SYN-08, SYN-09
TEST(ConditionTest, bug_J13_InEveryOrderNobodyWaitsForWhatIsThere) {
  ForEveryInterleaving([](Interleaving& run) {
    Condition condition;
    int items = 0;
    TestLoop test;
    std::vector<Task<void>> tasks;
    for (int who = 0; who < 4; ++who) {
      tasks.push_back(CreateTask(test.loop(), TakeItem(condition, items)));
    }
    for (const char* name : {"add", "add again"}) {
      run.Add(name,
              [&] { CreateTask(test.loop(), AddItem(condition, items)); });
    }
    run.Add("cancel 0", [&] { tasks[0].Cancel(); });
    run.Add("cancel 1", [&] { tasks[1].Cancel(); });
    run.Add("cancel 2", [&] { tasks[2].Cancel(); });
    run.AddOrder("add", "add again");
    run.Play(test);
    EXPECT_FALSE(condition.locked());
    int took = 0;
    for (const Task<void>& task : tasks) {
      took += task.done() && task.Error().ok() ? 1 : 0;
    }
    EXPECT_EQ(took + items, 2) << "items were lost";
    EXPECT_TRUE(items == 0 || tasks[3].done()) << "the last is stranded";
  });
}

}  // namespace
}  // namespace evkit
