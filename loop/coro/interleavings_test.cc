// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Everything that can happen to a wait, in every order, within one turn and
// over several: no result is lost, no cancellation is swallowed, and the counts
// of cancellations end where they began.

#include "evkit/loop/testing/interleavings.h"

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "evkit/loop/coro/error_group.h"
#include "evkit/loop/coro/gather.h"
#include "evkit/loop/coro/or_return.h"
#include "evkit/loop/coro/shield.h"
#include "evkit/loop/coro/sleep.h"
#include "evkit/loop/coro/task.h"
#include "evkit/loop/coro/task_group.h"
#include "evkit/loop/coro/timeout.h"
#include "evkit/loop/coro/wait_for.h"
#include "evkit/loop/testing/test_loop.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using ::testing::IsEmpty;

constexpr absl::Duration kLimit = absl::Seconds(1);

// Adds two cancellations of `task`, and counts those that came in time.
void AddCancellations(Interleaving& run, const Task<int>& task, int& in_time) {
  for (const char* const name : {"cancel", "cancel again"}) {
    run.Add(name, [&task, &in_time] { in_time += task.Cancel() ? 1 : 0; });
  }
}

// What holds for every wait with a limit, however it went.
void ExpectNothingSwallowed(const Task<int>& task, int cancellations) {
  ASSERT_TRUE(task.done());
  EXPECT_EQ(task.cancelling(), cancellations);
  EXPECT_EQ(task.cancelled(), cancellations > 0);
  if (cancellations > 0) return;
  const absl::StatusOr<int> result = task.Result();
  EXPECT_TRUE(result.ok() || absl::IsDeadlineExceeded(result.status()))
      << result.status();
}

TEST(InterleavingsTest, bug_J3_WaitForAFutureLosesNoResultAndNoCancellation) {
  const int orders = ForEveryInterleaving([](Interleaving& run) {
    TestLoop test;
    const Future<int> inner = CreateFuture<int>(test.loop());
    const Task<int> task = CreateTask(test.loop(), WaitFor(inner, kLimit));
    bool accepted = false;
    int cancellations = 0;
    run.Add("done", [&] { accepted = inner.SetResult(42).ok(); });
    run.Add("time is up", [&] { test.clock().AdvanceBy(kLimit); });
    AddCancellations(run, task, cancellations);
    run.Play(test);
    ExpectNothingSwallowed(task, cancellations);
    // The value is there, or whoever brought it knows that it was not taken.
    EXPECT_EQ(inner.cancelled(), !accepted);
    if (accepted) {
      EXPECT_EQ(*inner.Result(), 42);
    }
    if (!task.cancelled() && task.Result().ok()) {
      EXPECT_TRUE(accepted);
    }
  });
  EXPECT_EQ(orders, 192);
}

TEST(InterleavingsTest, bug_J3_WaitForATaskLosesNoResultAndNoCancellation) {
  ForEveryInterleaving([](Interleaving& run) {
    TestLoop test;
    const Future<int> source = CreateFuture<int>(test.loop());
    bool consumed = false;
    const auto consume = [&]() -> Coro<int> {
      const int value = co_await OrReturn(source);
      consumed = true;
      co_return value;
    };
    const Task<int> inner = CreateTask(test.loop(), consume);
    const Task<int> task = CreateTask(test.loop(), WaitFor(inner, kLimit));
    bool accepted = false;
    int cancellations = 0;
    run.Add("done", [&] { accepted = source.SetResult(42).ok(); });
    run.Add("time is up", [&] { test.clock().AdvanceBy(kLimit); });
    AddCancellations(run, task, cancellations);
    run.Play(test);
    ExpectNothingSwallowed(task, cancellations);
    ASSERT_TRUE(inner.done());
    if (consumed) {
      EXPECT_EQ(*inner.Result(), 42);
    } else {
      EXPECT_TRUE(inner.cancelled());
      if (accepted) {
        EXPECT_EQ(*source.Result(), 42);
      }
    }
  });
}

TEST(InterleavingsTest, bug_J3_WaitForACoroutineGivesWhatItConsumed) {
  ForEveryInterleaving([](Interleaving& run) {
    TestLoop test;
    const Future<int> source = CreateFuture<int>(test.loop());
    bool consumed = false;
    const auto consume = [&]() -> Coro<int> {
      const int value = co_await OrReturn(source);
      consumed = true;
      co_return value;
    };
    const Task<int> task = CreateTask(test.loop(), WaitFor(consume(), kLimit));
    bool accepted = false;
    int cancellations = 0;
    run.Add("done", [&] { accepted = source.SetResult(42).ok(); });
    run.Add("time is up", [&] { test.clock().AdvanceBy(kLimit); });
    AddCancellations(run, task, cancellations);
    run.Play(test);
    ExpectNothingSwallowed(task, cancellations);
    EXPECT_EQ(!task.cancelled() && task.Result().ok(), consumed);
    if (accepted) {
      EXPECT_EQ(*source.Result(), 42);
    }
  });
}

TEST(InterleavingsTest, bug_J3_WaitForWithoutTimeSwallowsNoCancellation) {
  ForEveryInterleaving([](Interleaving& run) {
    TestLoop test;
    const Future<int> clean_up = CreateFuture<int>(test.loop());
    // Cancelled at once, it ends with a value later.
    const auto stubborn = [&]() -> Coro<int> {
      (co_await Sleep(absl::InfiniteDuration())).IgnoreError();
      co_return co_await clean_up;
    };
    const Task<int> inner = CreateTask(test.loop(), stubborn);
    const auto main = [&]() -> Coro<int> {
      (co_await Sleep(absl::ZeroDuration())).IgnoreError();
      co_return co_await WaitFor(inner, absl::ZeroDuration());
    };
    const Task<int> task = CreateTask(test.loop(), main);
    int cancellations = 0;
    run.Add("done", [&] { EXPECT_TRUE(clean_up.SetResult(42).ok()); });
    AddCancellations(run, task, cancellations);
    run.Play(test);
    ExpectNothingSwallowed(task, cancellations);
    EXPECT_EQ(*inner.Result(), 42);
    EXPECT_EQ(inner.cancelling(), 1);
  });
}

TEST(InterleavingsTest, bug_J4_NestedTimeoutsSwallowNoCancellation) {
  ForEveryInterleaving([](Interleaving& run) {
    TestLoop test;
    const Future<int> future = CreateFuture<int>(test.loop());
    Timeout outer;
    Timeout inner;
    const auto main = [&]() -> Coro<int> {
      const auto body = [&]() -> Coro<int> { co_return co_await future; };
      co_return co_await outer.Run(inner.Run(body()));
    };
    const Task<int> task = CreateTask(test.loop(), main);
    int cancellations = 0;
    run.Add("done", [&] { future.SetResult(42).IgnoreError(); });
    run.Add("outer", [&] { outer.Reschedule(test->Time()).IgnoreError(); });
    run.Add("inner", [&] { inner.Reschedule(test->Time()).IgnoreError(); });
    AddCancellations(run, task, cancellations);
    run.Play(test);
    ExpectNothingSwallowed(task, cancellations);
    if (!task.cancelled() && !task.Result().ok()) {
      EXPECT_TRUE(outer.expired() || inner.expired());
    }
  });
}

// A group in a group in a timeout: two failures, the time, two cancellations.
TEST(InterleavingsTest, bug_J4_NestedGroupsInATimeoutSwallowNoCancellation) {
  ForEveryInterleaving([](Interleaving& run) {
    TestLoop test;
    const Future<void> a = CreateFuture<void>(test.loop());
    const Future<void> b = CreateFuture<void>(test.loop());
    Timeout timeout;
    TaskGroup outer;
    TaskGroup inner;
    absl::Status result;
    absl::Status next;
    int count = -1;
    const auto wait_for = [](Future<void> future) -> Coro<void> {
      co_return co_await future;
    };
    const auto inner_body = [&]() -> Coro<void> {
      inner.CreateTask(wait_for(b));
      co_return co_await Sleep(absl::InfiniteDuration());
    };
    const auto outer_body = [&]() -> Coro<void> {
      outer.CreateTask(wait_for(a));
      co_return co_await inner.Run(inner_body());
    };
    const auto main = [&]() -> Coro<int> {
      result = co_await timeout.Run(outer.Run(outer_body()));
      count = CurrentTask().cancelling();
      next = co_await Sleep(absl::ZeroDuration());
      co_return 1;
    };
    const Task<int> task = CreateTask(test.loop(), main);
    int cancellations = 0;
    run.Add("a fails",
            [&] { a.SetError(absl::AbortedError("a")).IgnoreError(); });
    run.Add("b fails",
            [&] { b.SetError(absl::AbortedError("b")).IgnoreError(); });
    run.Add("time is up",
            [&] { timeout.Reschedule(test->Time()).IgnoreError(); });
    // Those that come after the scope are not its business.
    for (const char* const name : {"cancel", "cancel again"}) {
      run.Add(name, [&] {
        if (count < 0 && task.Cancel()) ++cancellations;
      });
    }
    run.Play(test);
    ASSERT_TRUE(task.done());
    EXPECT_EQ(count, cancellations);
    EXPECT_FALSE(result.ok());
    if (cancellations == 0) {
      EXPECT_TRUE(IsErrorGroup(result) || absl::IsDeadlineExceeded(result))
          << result;
      EXPECT_TRUE(next.ok()) << next;
    } else {
      EXPECT_TRUE(absl::IsCancelled(result) ||
                  (IsErrorGroup(result) && absl::IsCancelled(next)))
          << result << ", " << next;
    }
  });
}

TEST(InterleavingsTest, bug_J5_AGroupWhoseTasksEndTogetherHasAllFailures) {
  ForEveryInterleaving([](Interleaving& run) {
    TestLoop test;
    std::vector<Future<void>> futures;
    for (int i = 0; i < 4; ++i) {
      futures.push_back(CreateFuture<void>(test.loop()));
    }
    TaskGroup group;
    std::vector<Task<void>> children;
    absl::Status result;
    const auto wait_for = [](Future<void> future) -> Coro<void> {
      co_return co_await future;
    };
    const auto body = [&]() -> Coro<void> {
      for (const Future<void>& future : futures) {
        children.push_back(group.CreateTask(wait_for(future)));
      }
      co_return absl::OkStatus();
    };
    const auto main = [&]() -> Coro<void> {
      result = co_await group.Run(body());
      EXPECT_EQ(CurrentTask().cancelling(), 0);
      co_return co_await Sleep(absl::ZeroDuration());
    };
    const Task<void> task = CreateTask(test.loop(), main);
    const auto fail = [&futures](size_t i) {
      futures[i].SetError(absl::AbortedError("failed")).IgnoreError();
    };
    run.Add("0 fails", [&] { fail(0); });
    run.Add("1 fails", [&] { fail(1); });
    run.Add("2 ends", [&] { futures[2].SetResult().IgnoreError(); });
    run.Add("3 is cancelled", [&] { children[3].Cancel(); });
    run.Play(test);
    ASSERT_TRUE(task.done());
    EXPECT_TRUE(task.Result().ok());
    size_t failures = 0;
    for (const Task<void>& child : children) {
      ASSERT_TRUE(child.done());
      if (absl::IsAborted(child.Error())) ++failures;
    }
    EXPECT_GE(failures, 1u);
    EXPECT_EQ(ErrorGroupMembers(result).size(), failures);
    EXPECT_THAT(test.log(), IsEmpty());
  });
}

TEST(InterleavingsTest, ShieldSwallowsNoCancellationAndPassesNoneOn) {
  ForEveryInterleaving([](Interleaving& run) {
    TestLoop test;
    const Future<int> inner = CreateFuture<int>(test.loop());
    const auto main = [&]() -> Coro<int> { co_return co_await Shield(inner); };
    const Task<int> task = CreateTask(test.loop(), main);
    bool inner_cancelled = false;
    int cancellations = 0;
    run.Add("done", [&] { inner.SetResult(42).IgnoreError(); });
    run.Add("cancel inner", [&] { inner_cancelled = inner.Cancel(); });
    AddCancellations(run, task, cancellations);
    run.Play(test);
    ASSERT_TRUE(task.done());
    EXPECT_EQ(task.cancelling(), cancellations);
    EXPECT_EQ(inner.cancelled(), inner_cancelled);
    EXPECT_EQ(task.cancelled(), cancellations > 0 || inner_cancelled);
    if (!inner_cancelled) {
      EXPECT_EQ(*inner.Result(), 42);
    }
    if (!task.cancelled()) {
      EXPECT_EQ(*task.Result(), 42);
    }
  });
}

TEST(InterleavingsTest, bug_J15_ACancelledGatherNeverGivesAValue) {
  for (const bool outcomes : {false, true}) {
    ForEveryInterleaving([outcomes](Interleaving& run) {
      TestLoop test;
      const Future<int> a = CreateFuture<int>(test.loop());
      const Future<int> b = CreateFuture<int>(test.loop());
      const auto main = [&]() -> Coro<int> {
        if (outcomes) {
          const auto all = co_await OrReturn(GatherOutcomes(a, b));
          co_return std::get<0>(all).value_or(-1);
        }
        const auto all = co_await OrReturn(Gather(a, b));
        co_return std::get<0>(all);
      };
      const Task<int> task = CreateTask(test.loop(), main);
      bool a_accepted = false;
      bool b_failed = false;
      int cancellations = 0;
      run.Add("a done", [&] { a_accepted = a.SetResult(42).ok(); });
      run.Add("b fails",
              [&] { b_failed = b.SetError(absl::AbortedError("b")).ok(); });
      AddCancellations(run, task, cancellations);
      run.Play(test);
      ASSERT_TRUE(task.done());
      EXPECT_EQ(task.cancelling(), cancellations);
      // A failure that came first wins over a cancellation, as in asyncio.
      const bool failed = b_failed && !outcomes;
      if (cancellations > 0) {
        EXPECT_TRUE(task.cancelled() || failed) << task.Error();
      }
      if (cancellations > 0 && outcomes) {
        EXPECT_TRUE(task.cancelled());
      }
      if (cancellations == 0 && outcomes) {
        EXPECT_EQ(*task.Result(), 42);
      }
      if (a_accepted) {
        EXPECT_EQ(*a.Result(), 42);
      }
      EXPECT_EQ(a.cancelled(), !a_accepted);
      EXPECT_EQ(b.cancelled(), !b_failed);
    });
  }
}

}  // namespace
}  // namespace evkit
