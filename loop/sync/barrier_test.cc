// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/sync/barrier.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "evkit/loop/coro/run_until_complete.h"
#include "evkit/loop/coro/task.h"
#include "evkit/loop/sync/destroy_task.h"
#include "evkit/loop/testing/interleavings.h"
#include "evkit/loop/testing/test_loop.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::StartsWith;
using ::testing::UnorderedElementsAre;

using Trace = std::vector<std::string>;

Coro<int> WaitAt(Barrier& barrier, std::string name, Trace& trace) {
  const absl::StatusOr<int> index = co_await barrier.Wait();
  trace.push_back(absl::StrCat(
      name, " ",
      index.ok() ? std::to_string(*index) : index.status().ToString()));
  co_return index;
}

// SYN-12
TEST(BarrierDeathTest, ItIsForOneTaskOrMore) {
  EXPECT_DEATH(Barrier(0), "1 task or more");
  EXPECT_DEATH(Barrier(-1), "1 task or more");
}

// SYN-12
TEST(BarrierTest, ForOneTaskItIsNoObstacle) {
  TestLoop test;
  Barrier barrier(1);
  EXPECT_EQ(barrier.parties(), 1);
  EXPECT_EQ(*RunUntilComplete(test.loop(), barrier.Wait()), 0);
  EXPECT_EQ(*RunUntilComplete(test.loop(), barrier.Wait()), 0);
}

// SYN-12
TEST(BarrierTest, NobodyGoesOnBeforeAllAreThere) {
  TestLoop test;
  Barrier barrier(3);
  Trace trace;
  CreateTask(test.loop(), WaitAt(barrier, "a", trace));
  CreateTask(test.loop(), WaitAt(barrier, "b", trace));
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_THAT(trace, IsEmpty());
  EXPECT_EQ(barrier.waiting(), 2);
  CreateTask(test.loop(), WaitAt(barrier, "c", trace));
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_THAT(trace, ElementsAre("c 2", "a 0", "b 1"));
  EXPECT_EQ(barrier.waiting(), 0);
  EXPECT_FALSE(barrier.broken());
}

// SYN-12
TEST(BarrierTest, WaitingCountsOnlyWhileItFills) {
  TestLoop test;
  Barrier barrier(2);
  Trace trace;
  std::vector<int> counts;
  CreateTask(test.loop(), WaitAt(barrier, "a", trace));
  ASSERT_TRUE(test.RunUntilIdle().ok());
  counts.push_back(barrier.waiting());
  test->CallSoon([&] {
    TaskOptions eager;
    eager.eager_start = true;
    CreateTask(test.loop(), WaitAt(barrier, "b", trace), eager);
    counts.push_back(barrier.waiting());
  });
  ASSERT_TRUE(test.RunUntilIdle().ok());
  counts.push_back(barrier.waiting());
  EXPECT_THAT(counts, ElementsAre(1, 0, 0));
}

// SYN-12
TEST(BarrierTest, WhoComesTooEarlyForTheNextRoundWaitsForIt) {
  TestLoop test;
  Barrier barrier(2);
  Trace trace;
  for (const char* name : {"a", "b", "c", "d", "e"}) {
    CreateTask(test.loop(), WaitAt(barrier, name, trace));
  }
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_THAT(trace, ElementsAre("b 1", "a 0", "d 1", "c 0"));
  EXPECT_EQ(barrier.waiting(), 1);
}

// SYN-12: who is cancelled does not count.
TEST(BarrierTest, ACancelledPartyIsReplaced) {
  TestLoop test;
  Barrier barrier(2);
  Trace trace;
  Task<int> a = CreateTask(test.loop(), WaitAt(barrier, "a", trace));
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_TRUE(a.Cancel());
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_EQ(barrier.waiting(), 0);
  CreateTask(test.loop(), WaitAt(barrier, "b", trace));
  CreateTask(test.loop(), WaitAt(barrier, "c", trace));
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_THAT(trace, ElementsAre("a CANCELLED: ", "c 1", "b 0"));
}

// SYN-13
TEST(BarrierTest, AbortBreaksItForAllUntilReset) {
  TestLoop test;
  Barrier barrier(2);
  Trace trace;
  CreateTask(test.loop(), WaitAt(barrier, "a", trace));
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_TRUE(RunUntilComplete(test.loop(), barrier.Abort()).ok());
  EXPECT_TRUE(barrier.broken());
  EXPECT_EQ(barrier.waiting(), 0);
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_THAT(trace, ElementsAre(StartsWith("a ABORTED")));
  EXPECT_EQ(RunUntilComplete(test.loop(), barrier.Wait()).status().code(),
            absl::StatusCode::kAborted);
  EXPECT_TRUE(RunUntilComplete(test.loop(), barrier.Reset()).ok());
  EXPECT_FALSE(barrier.broken());
  CreateTask(test.loop(), WaitAt(barrier, "b", trace));
  CreateTask(test.loop(), WaitAt(barrier, "c", trace));
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_THAT(trace, ElementsAre(StartsWith("a"), "c 1", "b 0"));
}

// SYN-13
TEST(BarrierTest, ResetFailsThoseWhoWaitAndTheNextRoundWorks) {
  TestLoop test;
  Barrier barrier(3);
  Trace trace;
  CreateTask(test.loop(), WaitAt(barrier, "a", trace));
  CreateTask(test.loop(), WaitAt(barrier, "b", trace));
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_TRUE(RunUntilComplete(test.loop(), barrier.Reset()).ok());
  // It comes before those of the last round are out.
  CreateTask(test.loop(), WaitAt(barrier, "c", trace));
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_THAT(trace,
              ElementsAre(StartsWith("a ABORTED"), StartsWith("b ABORTED")));
  EXPECT_FALSE(barrier.broken());
  EXPECT_EQ(barrier.waiting(), 1);
  CreateTask(test.loop(), WaitAt(barrier, "d", trace));
  CreateTask(test.loop(), WaitAt(barrier, "e", trace));
  ASSERT_TRUE(test.RunUntilIdle().ok());
  trace.erase(trace.begin(), trace.begin() + 2);
  EXPECT_THAT(trace, ElementsAre("e 2", "c 0", "d 1"));
}

// SYN-01
TEST(BarrierTest, ItBelongsToTheFirstLoopOnWhichATaskHadToWait) {
  TestLoop first;
  TestLoop second;
  Barrier barrier(2);
  Trace trace;
  CreateTask(first.loop(), WaitAt(barrier, "a", trace));
  ASSERT_TRUE(first.RunUntilIdle().ok());
  Barrier other(3);
  EXPECT_EQ(RunUntilComplete(second.loop(), WaitAt(barrier, "b", trace)).ok(),
            true)
      << "the last one does not wait";
  Task<int> c = CreateTask(first.loop(), WaitAt(other, "c", trace));
  ASSERT_TRUE(first.RunUntilIdle().ok());
  EXPECT_EQ(RunUntilComplete(second.loop(), other.Wait()).status().code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(other.waiting(), 1);
}

TEST(BarrierTest, ItMayGoBeforeThoseWhoWaitForIt) {
  TestLoop test;
  Trace trace;
  auto barrier = std::make_unique<Barrier>(3);
  Task<int> a = CreateTask(test.loop(), WaitAt(*barrier, "a", trace));
  Task<int> b = CreateTask(test.loop(), WaitAt(*barrier, "b", trace));
  ASSERT_TRUE(test.RunUntilIdle().ok());
  barrier.reset();
  EXPECT_TRUE(a.Cancel());
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_TRUE(a.cancelled());
  EXPECT_FALSE(b.done());
}

TEST(BarrierTest, ClosingTheLoopLeavesItEmpty) {
  Barrier barrier(3);
  Trace trace;
  {
    TestLoop test;
    CreateTask(test.loop(), WaitAt(barrier, "a", trace));
    CreateTask(test.loop(), WaitAt(barrier, "b", trace));
    ASSERT_TRUE(test.RunUntilIdle().ok());
    EXPECT_EQ(barrier.waiting(), 2);
  }
  EXPECT_EQ(barrier.waiting(), 0);
}

// SYN-12
TEST(BarrierTest, bug_J13_InEveryOrderThoseWhoAreLeftGoOn) {
  ForEveryInterleaving([](Interleaving& run) {
    Barrier barrier(2);
    Trace trace;
    TestLoop test;
    Task<int> a = CreateTask(test.loop(), WaitAt(barrier, "a", trace));
    std::vector<Task<int>> others;
    for (const char* name : {"b", "c", "d"}) {
      run.Add(name, [&, name] {
        others.push_back(CreateTask(test.loop(), WaitAt(barrier, name, trace)));
      });
    }
    run.Add("cancel a", [&] { a.Cancel(); });
    run.AddOrder("b", "c");
    run.AddOrder("c", "d");
    run.Play(test);
    EXPECT_TRUE(a.done());
    int passed = 0;
    for (const Task<int>& other : others) passed += other.done() ? 1 : 0;
    EXPECT_EQ(passed + barrier.waiting(), 3);
    // Who is left over has no partner: a may be one that was cancelled when it
    // could have gone on already.
    EXPECT_LE(barrier.waiting(), a.cancelled() ? 1 : 0);
  });
}

// SYN-13
TEST(BarrierTest, bug_J13_InEveryOrderAResetLeavesNobodyBehind) {
  ForEveryInterleaving([](Interleaving& run) {
    Barrier barrier(3);
    Trace trace;
    TestLoop test;
    std::vector<Task<int>> tasks;
    for (const char* name : {"a", "b"}) {
      tasks.push_back(CreateTask(test.loop(), WaitAt(barrier, name, trace)));
    }
    run.Add("c", [&] {
      tasks.push_back(CreateTask(test.loop(), WaitAt(barrier, "c", trace)));
    });
    run.Add("reset", [&] { CreateTask(test.loop(), barrier.Reset()); });
    run.Add("abort", [&] { CreateTask(test.loop(), barrier.Abort()); });
    run.Add("cancel a", [&] { tasks[0].Cancel(); });
    run.Play(test);
    EXPECT_TRUE(tasks[0].done() && tasks[1].done());
    EXPECT_EQ(barrier.waiting(), tasks[2].done() ? 0 : 1);
    ASSERT_TRUE(RunUntilComplete(test.loop(), barrier.Reset()).ok());
    ASSERT_TRUE(test.RunUntilIdle().ok());
    EXPECT_TRUE(tasks[2].done());
    // It is as new.
    trace.clear();
    for (const char* name : {"x", "y", "z"}) {
      CreateTask(test.loop(), WaitAt(barrier, name, trace));
    }
    ASSERT_TRUE(test.RunUntilIdle().ok());
    EXPECT_THAT(trace, UnorderedElementsAre("x 0", "y 1", "z 2"));
  });
}

}  // namespace
}  // namespace evkit
