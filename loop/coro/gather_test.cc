// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/coro/gather.h"

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "evkit/loop/coro/or_return.h"
#include "evkit/loop/coro/run_until_complete.h"
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

absl::Status RunMain(TestLoop& test,
                     const std::function<Coro<void>()>& function) {
  return RunUntilComplete(test.loop(), function());
}

Coro<int> SleepAndReturn(absl::Duration delay, int n) {
  co_await OrReturn(Sleep(delay));
  co_return n;
}
Coro<int> SleepAndFail(absl::Duration delay, std::string why) {
  co_await OrReturn(Sleep(delay));
  co_return absl::NotFoundError(why);
}
Coro<void> JustSleep(absl::Duration delay) { co_return co_await Sleep(delay); }

std::vector<Coro<int>> Three() {
  std::vector<Coro<int>> coros;
  for (int i = 3; i > 0; --i) {
    coros.push_back(SleepAndReturn(absl::Seconds(i), i));
  }
  return coros;
}

// GTH-01
TEST(GatherTest, ValuesAreInTheOrderOfArguments) {
  TestLoop test;
  const auto main = [&]() -> Coro<void> {
    const std::vector<int> values = co_await OrReturn(Gather(Three()));
    EXPECT_THAT(values, ElementsAre(3, 2, 1));
    EXPECT_EQ(test.elapsed(), absl::Seconds(3));
    co_return absl::OkStatus();
  };
  EXPECT_TRUE(RunMain(test, main).ok());
}

// GTH-01: in the order of arguments, and before anybody awaits.
TEST(GatherTest, CoroutinesBecomeTasksAtOnce) {
  TestLoop test;
  Trace trace;
  const auto main = [&]() -> Coro<void> {
    const auto traced = [&trace](std::string name) -> Coro<void> {
      trace.push_back(name);
      co_return absl::OkStatus();
    };
    std::vector<Coro<void>> coros;
    coros.push_back(traced("a"));
    coros.push_back(traced("b"));
    const Future<void> all = Gather(std::move(coros));
    EXPECT_EQ(AllTasks(test.loop()).size(), 3u);
    EXPECT_TRUE((co_await JustSleep(absl::Seconds(1))).ok());
    EXPECT_THAT(trace, ElementsAre("a", "b"));
    EXPECT_TRUE(all.done());
    co_return co_await all;
  };
  EXPECT_TRUE(RunMain(test, main).ok());
}

// GTH-01
TEST(GatherTest, TheSameFutureTwiceCountsOnceAndIsRepeated) {
  TestLoop test;
  const Future<std::string> a = CreateFuture<std::string>(test.loop());
  const Future<std::string> b = CreateFuture<std::string>(test.loop());
  const auto all = Gather(std::vector{a, b, a, a});
  EXPECT_TRUE(a.SetResult("a").ok());
  EXPECT_TRUE(test.RunUntilIdle().ok());
  EXPECT_FALSE(all.done());
  EXPECT_TRUE(b.SetResult("b").ok());
  EXPECT_TRUE(test.RunUntilIdle().ok());
  EXPECT_THAT(*all.Result(), ElementsAre("a", "b", "a", "a"));
}

// GTH-01
TEST(GatherTest, WithoutArgumentsItIsDoneAndEmpty) {
  EXPECT_THAT(*Gather(std::vector<Future<int>>()).Result(), IsEmpty());
  EXPECT_TRUE(Gather(std::vector<Coro<void>>()).Result().ok());
  EXPECT_TRUE(Gather().Result().ok());
  EXPECT_THAT(*GatherOutcomes(std::vector<Task<int>>()).Result(), IsEmpty());
  TestLoop test;
  const auto main = []() -> Coro<void> {
    EXPECT_THAT(*co_await Gather(std::vector<Future<int>>()), IsEmpty());
    co_return absl::OkStatus();
  };
  EXPECT_TRUE(RunMain(test, main).ok());
}

// GTH-02: scenario D17.
TEST(GatherTest, TheFirstFailureIsTheResultAndTheOthersRunOn) {
  TestLoop test;
  Trace trace;
  const auto sibling = [&trace]() -> Coro<int> {
    co_await OrReturn(Sleep(absl::Milliseconds(20)));
    trace.push_back("sibling done");
    co_return 1;
  };
  const auto main = [&]() -> Coro<void> {
    std::vector<Coro<int>> coros;
    coros.push_back(sibling());
    coros.push_back(SleepAndFail(absl::Milliseconds(10), "gather raised"));
    const auto result = co_await Gather(std::move(coros));
    trace.push_back(std::string(result.status().message()));
    EXPECT_EQ(test.elapsed(), absl::Milliseconds(10));
    co_return co_await Sleep(absl::Milliseconds(100));
  };
  EXPECT_TRUE(RunMain(test, main).ok());
  EXPECT_THAT(trace, ElementsAre("gather raised", "sibling done"));
}

// GTH-02
TEST(GatherTest, LaterFailuresAreNotReported) {
  TestLoop test;
  const auto main = []() -> Coro<void> {
    std::vector<Coro<int>> coros;
    coros.push_back(SleepAndFail(absl::Seconds(1), "first"));
    coros.push_back(SleepAndFail(absl::Seconds(2), "second"));
    coros.push_back(SleepAndFail(absl::Seconds(2), "third"));
    const auto result = co_await Gather(std::move(coros));
    EXPECT_EQ(result.status(), absl::NotFoundError("first"));
    co_return absl::OkStatus();
  };
  EXPECT_TRUE(RunMain(test, main).ok());
  EXPECT_TRUE(test.RunUntilNothingIsLeft().ok());
  EXPECT_THAT(test.log(), IsEmpty());
}

TEST(GatherTest, AFailureThatNobodyLooksAtIsReported) {
  TestLoop test;
  std::vector<Coro<int>> coros;
  const auto main = []() -> Coro<void> {
    std::vector<Coro<int>> failing;
    failing.push_back(SleepAndFail(absl::Seconds(1), "lost"));
    Gather(std::move(failing));
    co_return absl::OkStatus();
  };
  EXPECT_TRUE(RunMain(test, main).ok());
  EXPECT_TRUE(test.RunUntilNothingIsLeft().ok());
  ASSERT_EQ(test.log().size(), 1u);
  EXPECT_THAT(test.log()[0], ::testing::HasSubstr("lost"));
}

// GTH-03
TEST(GatherTest, OutcomesHaveFailuresAndCancellationsInThem) {
  TestLoop test;
  const auto main = [&]() -> Coro<void> {
    std::vector<Task<int>> tasks;
    tasks.push_back(CreateTask(SleepAndReturn(absl::Seconds(1), 1)));
    tasks.push_back(CreateTask(SleepAndFail(absl::Seconds(2), "no")));
    tasks.push_back(CreateTask(SleepAndReturn(absl::Seconds(3), 3)));
    tasks[2].Cancel("not wanted");
    const std::vector<absl::StatusOr<int>> outcomes =
        co_await OrReturn(GatherOutcomes(tasks));
    EXPECT_THAT(
        outcomes,
        ElementsAre(absl::StatusOr<int>(1),
                    absl::StatusOr<int>(absl::NotFoundError("no")),
                    absl::StatusOr<int>(absl::CancelledError("not wanted"))));
    EXPECT_EQ(test.elapsed(), absl::Seconds(2));
    co_return absl::OkStatus();
  };
  EXPECT_TRUE(RunMain(test, main).ok());
  EXPECT_THAT(test.log(), IsEmpty());
}

// GTH-04
TEST(GatherTest, ACancelledChildMakesItFailAndNotCancelled) {
  TestLoop test;
  const Future<int> a = CreateFuture<int>(test.loop());
  const Future<int> b = CreateFuture<int>(test.loop());
  const auto all = Gather(std::vector{a, b});
  a.Cancel("why");
  EXPECT_TRUE(test.RunUntilIdle().ok());
  EXPECT_TRUE(all.done());
  EXPECT_FALSE(all.cancelled());
  EXPECT_EQ(all.Error(), absl::CancelledError("why"));
  EXPECT_FALSE(b.done());
}

// GTH-05
TEST(GatherTest, CancellingItCancelsTheChildrenAndItIsDoneWithTheFirst) {
  TestLoop test;
  const auto slow_to_end = [](absl::Duration delay) -> Coro<int> {
    absl::Status status = co_await Sleep(absl::Seconds(100));
    (co_await Sleep(delay)).IgnoreError();
    co_return status;
  };
  const Task<int> fast = CreateTask(test.loop(), slow_to_end(absl::Seconds(1)));
  const Task<int> slow = CreateTask(test.loop(), slow_to_end(absl::Seconds(5)));
  const auto all = Gather(std::vector{fast, slow});
  EXPECT_TRUE(test.RunUntilIdle().ok());
  EXPECT_TRUE(all.Cancel("enough"));
  EXPECT_FALSE(all.done());
  EXPECT_EQ(fast.cancelling(), 1);
  EXPECT_TRUE(test.FastForwardBy(absl::Seconds(1)).ok());
  EXPECT_TRUE(all.done());
  EXPECT_FALSE(all.cancelled());
  EXPECT_EQ(all.Error(), absl::CancelledError("enough"));
  EXPECT_FALSE(slow.done());
  EXPECT_FALSE(all.Cancel());
  EXPECT_TRUE(test.RunUntilNothingIsLeft().ok());
  EXPECT_TRUE(slow.cancelled());
}

// GTH-05
TEST(GatherTest, CancellingOutcomesWaitsForAllChildrenAndFails) {
  TestLoop test;
  const auto stubborn = []() -> Coro<int> {
    (co_await Sleep(absl::Seconds(100))).IgnoreError();
    (co_await Sleep(absl::Seconds(5))).IgnoreError();
    co_return 7;
  };
  const Task<int> obedient =
      CreateTask(test.loop(), SleepAndReturn(absl::Seconds(100), 1));
  const Task<int> other = CreateTask(test.loop(), stubborn);
  const auto all = GatherOutcomes(std::vector{obedient, other});
  EXPECT_TRUE(test.RunUntilIdle().ok());
  EXPECT_TRUE(all.Cancel("enough"));
  EXPECT_TRUE(test.RunUntilIdle().ok());
  EXPECT_TRUE(obedient.cancelled());
  EXPECT_FALSE(all.done());
  EXPECT_TRUE(test.RunUntilNothingIsLeft().ok());
  EXPECT_EQ(*other.Result(), 7);
  EXPECT_FALSE(all.cancelled());
  EXPECT_EQ(all.Error().code(), absl::StatusCode::kCancelled);
}

// GTH-05: nothing to cancel.
TEST(GatherTest, CancellingWhenAllChildrenAreDoneIsTooLate) {
  TestLoop test;
  const Future<int> a = CreateFuture<int>(test.loop());
  const auto all = Gather(std::vector{a});
  EXPECT_TRUE(a.SetResult(1).ok());
  EXPECT_FALSE(all.Cancel());
  EXPECT_TRUE(test.RunUntilIdle().ok());
  EXPECT_THAT(*all.Result(), ElementsAre(1));
}

// GTH-06
TEST(GatherTest, IfAllAreDoneItIsDone) {
  TestLoop test;
  const Future<int> a = CreateFuture<int>(test.loop());
  const Future<int> b = CreateFuture<int>(test.loop());
  EXPECT_TRUE(a.SetResult(1).ok());
  const auto waiting = Gather(std::vector{a, b});
  EXPECT_FALSE(waiting.done());
  EXPECT_TRUE(b.SetError(absl::NotFoundError("b")).ok());
  EXPECT_EQ(Gather(std::vector{a, b}).Error(), absl::NotFoundError("b"));
  EXPECT_THAT(*Gather(std::vector{a, a}).Result(), ElementsAre(1, 1));
  EXPECT_TRUE(GatherOutcomes(a, b).done());
  EXPECT_TRUE(test.RunUntilIdle().ok());
  EXPECT_EQ(waiting.Error(), absl::NotFoundError("b"));
}

// EAG-08
TEST(GatherTest, OfCoroutinesThatEndEagerlyItIsDone) {
  TestLoop test;
  SetTaskFactory(test.loop(), EagerTaskFactory());
  const auto main = []() -> Coro<void> {
    const auto at_once = []() -> Coro<int> { co_return 1; };
    const auto all = Gather(at_once(), at_once());
    EXPECT_TRUE(all.done());
    EXPECT_TRUE(*all.Result() == std::make_tuple(1, 1));
    co_return absl::OkStatus();
  };
  EXPECT_TRUE(RunMain(test, main).ok());
}

TEST(GatherTest, ArgumentsOfDifferentTypesGiveATuple) {
  TestLoop test;
  const auto main = [&]() -> Coro<void> {
    const Future<std::string> future = CreateFuture<std::string>(test.loop());
    test->CallLater(absl::Seconds(1),
                    [future] { EXPECT_TRUE(future.SetResult("f").ok()); });
    const Task<int> task = CreateTask(SleepAndReturn(absl::Seconds(2), 2));
    const auto function = []() -> Coro<std::unique_ptr<int>> {
      co_return std::make_unique<int>(3);
    };
    std::tuple<std::string, int, std::monostate, std::unique_ptr<int>> values =
        co_await OrReturn(
            Gather(future, task, JustSleep(absl::Seconds(3)), function));
    EXPECT_EQ(std::get<0>(values), "f");
    EXPECT_EQ(std::get<1>(values), 2);
    EXPECT_EQ(*std::get<3>(values), 3);

    const auto all = co_await OrReturn(
        GatherOutcomes(SleepAndFail(absl::Seconds(1), "no"),
                       JustSleep(absl::Seconds(1)), function));
    EXPECT_EQ(std::get<0>(all).status(), absl::NotFoundError("no"));
    EXPECT_EQ(std::get<1>(all), absl::OkStatus());
    EXPECT_EQ(**std::get<2>(all), 3);

    const auto failed =
        co_await Gather(SleepAndFail(absl::Seconds(1), "no"), function);
    EXPECT_EQ(failed.status(), absl::NotFoundError("no"));
    co_return absl::OkStatus();
  };
  EXPECT_TRUE(RunMain(test, main).ok());
}

TEST(GatherTest, ValuesThatCannotBeCopiedAreMoved) {
  TestLoop test;
  const auto main = [&]() -> Coro<void> {
    const auto make = [](int n) -> Coro<std::unique_ptr<int>> {
      co_await OrReturn(Sleep(absl::Seconds(n)));
      co_return std::make_unique<int>(n);
    };
    std::vector<Coro<std::unique_ptr<int>>> coros;
    coros.push_back(make(1));
    coros.push_back(make(2));
    const auto values = co_await OrReturn(Gather(std::move(coros)));
    EXPECT_EQ(*values[0] + *values[1], 3);
    // Only one of the two places can have it.
    const Future<std::unique_ptr<int>> one = CreateTask(make(1));
    const std::vector<Future<std::unique_ptr<int>>> ones(2, one);
    const auto twice = co_await Gather(ones);
    EXPECT_EQ(twice.status().code(), absl::StatusCode::kFailedPrecondition);
    co_return absl::OkStatus();
  };
  EXPECT_TRUE(RunMain(test, main).ok());
}

TEST(GatherTest, AChildThatOthersHoldKeepsItsValue) {
  TestLoop test;
  const auto main = [&]() -> Coro<void> {
    const auto make = []() -> Coro<std::string> {
      co_return std::string(100, 'x');
    };
    const Task<std::string> held = CreateTask(make);
    const std::vector<Task<std::string>> tasks(1, held);
    const auto values = co_await OrReturn(Gather(tasks));
    EXPECT_EQ(values[0], std::string(100, 'x'));
    EXPECT_EQ(*held.Result(), std::string(100, 'x'));
    co_return absl::OkStatus();
  };
  EXPECT_TRUE(RunMain(test, main).ok());
}

TEST(GatherTest, WithoutALoopCoroutinesFail) {
  std::vector<Coro<int>> coros;
  coros.push_back(SleepAndReturn(absl::Seconds(1), 1));
  coros.push_back(SleepAndReturn(absl::Seconds(1), 1));
  const auto all = Gather(std::move(coros));
  EXPECT_EQ(all.Error().code(), absl::StatusCode::kFailedPrecondition);
}

TEST(GatherTest, FuturesOfDifferentLoopsAreRefused) {
  TestLoop one;
  TestLoop two;
  const Future<int> a = CreateFuture<int>(one.loop());
  const Future<int> b = CreateFuture<int>(two.loop());
  EXPECT_EQ(Gather(a, b).Error().code(), absl::StatusCode::kInvalidArgument);
}

TEST(GatherTest, ItEndsAlthoughNobodyHoldsIt) {
  TestLoop test;
  Trace trace;
  const Future<int> a = CreateFuture<int>(test.loop());
  Gather(std::vector{a}).AddDoneCallback([&trace](AnyFuture future) {
    trace.push_back(future.DebugString());
  });
  EXPECT_TRUE(a.SetResult(1).ok());
  EXPECT_TRUE(test.RunUntilIdle().ok());
  EXPECT_THAT(trace, ElementsAre("<Future finished>"));
}

TEST(GatherTest, ChildrenThatAreForgottenTakeNothingWithThem) {
  TestLoop test;
  Future<std::vector<int>> all;
  {
    const Future<int> a = CreateFuture<int>(test.loop());
    all = Gather(std::vector{a});
  }
  EXPECT_TRUE(test.RunUntilIdle().ok());
  EXPECT_FALSE(all.done());
  EXPECT_FALSE(all.Cancel());
}

TEST(GatherTest, ALoopMayBeClosedWhileItWaits) {
  const Future<std::vector<int>> dropped;
  Future<std::vector<int>> all;
  Future<std::vector<int>> queued;
  {
    TestLoop test;
    const Future<int> future = CreateFuture<int>(test.loop());
    const auto main = [&]() -> Coro<void> {
      all = Gather(Three());
      queued = Gather(std::vector{future});
      co_return (co_await Gather(all, Gather(Three()))).status();
    };
    const Task<void> task = CreateTask(test.loop(), main);
    EXPECT_TRUE(test.RunUntilIdle().ok());
    EXPECT_TRUE(future.SetResult(1).ok());
    EXPECT_TRUE(test->Close().ok());
    EXPECT_TRUE(task.cancelled());
  }
  EXPECT_FALSE(all.done());
  EXPECT_FALSE(all.Cancel());
  EXPECT_FALSE(queued.done());
}

// What waits for a future is known by it.
TEST(GatherTest, AChildKnowsTheGatherThatWaitsForIt) {
  TestLoop test;
  const Future<int> a = CreateFuture<int>(test.loop());
  const auto all = Gather(std::vector{a});
  ASSERT_NE(a.state()->first_hook(), nullptr);
  EXPECT_EQ(a.state()->first_hook()->awaiter(), all.state());
}

// A gathers B, which gathers A: both wait for ever, and cancelling ends both.
TEST(GatherTest, ACircleOfGathersCanBeCancelled) {
  TestLoop test;
  Task<void> a;
  Task<void> b;
  const auto wait_for = [](const Task<void>* other) -> Coro<void> {
    const std::vector<Task<void>> tasks(1, *other);
    co_return co_await Gather(tasks);
  };
  a = CreateTask(test.loop(), wait_for(&b));
  b = CreateTask(test.loop(), wait_for(&a));
  EXPECT_TRUE(test.RunUntilIdle().ok());
  EXPECT_TRUE(a.Cancel());
  EXPECT_TRUE(test.RunUntilIdle().ok());
  EXPECT_TRUE(a.cancelled());
  EXPECT_TRUE(b.cancelled());
}

Coro<int> Chain(int depth) {
  if (depth == 0) co_return (co_await SleepAndReturn(absl::Hours(1), 1));
  std::vector<Coro<int>> below;
  below.push_back(Chain(depth - 1));
  const std::vector<int> result = co_await OrReturn(Gather(std::move(below)));
  co_return result[0];
}

TEST(GatherTest, AChainOfAThousandGathersCanBeCancelled) {
  TestLoop test;
  const Task<int> top = CreateTask(test.loop(), Chain(1000));
  EXPECT_TRUE(test.RunUntilIdle().ok());
  EXPECT_TRUE(top.Cancel());
  EXPECT_TRUE(test.RunUntilIdle().ok());
  EXPECT_TRUE(top.cancelled());
}

// What has arrived is not lost when the gather is cancelled in that turn.
TEST(GatherTest, bug_J12_CancellingAGatherLeavesWhatItsFuturesHold) {
  for (const bool arrives_first : {true, false}) {
    TestLoop test;
    const Future<int> arriving = CreateFuture<int>(test.loop());
    const Future<int> other = CreateFuture<int>(test.loop());
    const auto main = [&]() -> Coro<void> {
      const auto all = Gather(std::vector{arriving, other});
      co_return (co_await all).status();
    };
    const Task<void> task = CreateTask(test.loop(), main);
    EXPECT_TRUE(test.RunUntilIdle().ok());
    bool accepted = false;
    if (arrives_first) accepted = arriving.SetResult(42).ok();
    task.Cancel();
    if (!arrives_first) accepted = arriving.SetResult(42).ok();
    EXPECT_TRUE(test.RunUntilIdle().ok());
    EXPECT_TRUE(task.cancelled());
    EXPECT_TRUE(other.cancelled());
    // Either the value is there, or whoever brought it knows that it is not.
    EXPECT_EQ(accepted, arrives_first);
    if (accepted) {
      EXPECT_EQ(*arriving.Result(), 42);
    }
  }
}

TEST(GatherTest, bug_J15_OutcomesDoNotSwallowACancellation) {
  for (const bool outcomes : {true, false}) {
    TestLoop test;
    int cancelled = 0;
    const auto child = [&cancelled](absl::Duration clean_up) -> Coro<int> {
      absl::Status status = co_await Sleep(absl::Seconds(100));
      if (absl::IsCancelled(status)) ++cancelled;
      (co_await Sleep(clean_up)).IgnoreError();
      co_return status;
    };
    std::vector<Task<int>> children;
    for (int i = 0; i < 3; ++i) {
      children.push_back(CreateTask(test.loop(), child(absl::Seconds(i))));
    }
    const auto main = [&]() -> Coro<void> {
      if (outcomes) co_return (co_await GatherOutcomes(children)).status();
      co_return (co_await Gather(children)).status();
    };
    const Task<void> task = CreateTask(test.loop(), main);
    EXPECT_TRUE(test.RunUntilIdle().ok());
    task.Cancel();
    EXPECT_TRUE(test.RunUntilNothingIsLeft().ok());
    EXPECT_TRUE(task.cancelled());
    EXPECT_EQ(cancelled, 3);
    for (const Task<int>& done : children) {
      EXPECT_TRUE(done.cancelled());
      EXPECT_EQ(done.cancelling(), 1);
    }
  }
}

#if defined(__cpp_exceptions)
Coro<int> SleepAndThrow(absl::Duration delay) {
  co_await OrReturn(Sleep(delay));
  throw std::runtime_error("thrown");
}

// GTH-02, GTH-03: as exceptions, and described.
TEST(GatherTest, ExceptionsArePassedOnOrDescribed) {
  TestLoop test;
  const auto main = []() -> Coro<void> {
    bool caught = false;
    const auto both = Gather(SleepAndThrow(absl::Seconds(1)),
                             SleepAndThrow(absl::Seconds(2)));
    try {
      (co_await both).IgnoreError();
    } catch (const std::runtime_error&) {
      caught = true;
    }
    EXPECT_TRUE(caught);
    const auto outcomes =
        co_await OrReturn(GatherOutcomes(SleepAndThrow(absl::Seconds(1))));
    EXPECT_EQ(std::get<0>(outcomes).status(),
              absl::UnknownError("exception: thrown"));
    co_return absl::OkStatus();
  };
  EXPECT_TRUE(RunMain(test, main).ok());
  EXPECT_TRUE(test.RunUntilNothingIsLeft().ok());
  EXPECT_THAT(test.log(), IsEmpty());
}
#endif

}  // namespace
}  // namespace evkit
