// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Callbacks, handles, contexts, timers, attached objects: contract sections 4
// and 5.

#include <atomic>
#include <numeric>
#include <thread>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "evkit/loop/context.h"
#include "evkit/loop/loop_local.h"
#include "evkit/loop/testing/loop_conformance.h"
#include "gmock/gmock.h"

namespace evkit {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::IsEmpty;

// SOON-01
TEST_P(LoopConformance, CallbacksRunOnceEachInTheOrderTheyWereScheduled) {
  std::vector<int> expected(1000);
  std::iota(expected.begin(), expected.end(), 0);
  std::vector<int> order;
  for (int i : expected) loop_.CallSoon([&order, i] { order.push_back(i); });
  RunTurns(2);
  EXPECT_THAT(order, ElementsAreArray(expected));
}

// SOON-02
TEST_P(LoopConformance, bug_D2_NoCallbackRunsInsideTheCallThatSchedulesIt) {
  Pipe pipe = MakePipe(/*readable=*/true);
  loop_.CallSoon([&] {
    loop_.CallSoon(Log("soon"));
    loop_.CallLater(-absl::Hours(1), Log("overdue"));
    EXPECT_TRUE(loop_.CallSoonThreadsafe(Log("threadsafe")).ok());
    EXPECT_TRUE(loop_.AddReader(pipe.read_end.get(), Log("io")).ok());
    loop_.CallSoon([] {}).Cancel();
    EXPECT_TRUE(loop_.RemoveReader(pipe.read_end.get()));
    loop_.Stop();
    EXPECT_THAT(trace_, IsEmpty());
  });
  EXPECT_TRUE(loop_.RunForever().ok());
  EXPECT_THAT(trace_, IsEmpty());
  RunTurns();
  EXPECT_THAT(trace_, ElementsAre("soon", "threadsafe", "overdue"));
}

// SOON-05
TEST_P(LoopConformance, APostOfAnotherThreadWakesALoopThatSleepsForEver) {
  std::thread poster([this] {
    EXPECT_TRUE(loop_.CallSoonThreadsafe([this] { loop_.Stop(); }).ok());
  });
  EXPECT_TRUE(loop_.RunForever().ok());
  poster.join();
}

// SOON-08
TEST_P(LoopConformance, PostsAndCallbacksKeepTheOrderOfInsertion) {
  loop_.CallSoon(Log("1"));
  EXPECT_TRUE(loop_.CallSoonThreadsafe(Log("2")).ok());
  loop_.CallSoon(Log("3"));
  std::thread poster([this] {
    EXPECT_TRUE(loop_.CallSoonThreadsafe(Log("4")).ok());
    EXPECT_TRUE(loop_.CallSoonThreadsafe(Log("5")).ok());
  });
  poster.join();
  loop_.CallSoon(Log("6"));
  RunTurns();
  EXPECT_THAT(trace_, ElementsAre("1", "2", "3", "4", "5", "6"));
}

// SOON-09
TEST_P(LoopConformance, APostFromTheLoopsOwnThreadIsLikeACallSoon) {
  loop_.CallSoon([this] {
    EXPECT_TRUE(loop_.CallSoonThreadsafe(Log("posted")).ok());
    loop_.CallSoon(Log("soon"));
  });
  loop_.CallSoon(Log("same turn"));
  RunTurns();
  EXPECT_THAT(trace_, ElementsAre("same turn"));
  RunTurns();
  EXPECT_THAT(trace_, ElementsAre("same turn", "posted", "soon"));
}

// SOON-06
TEST_P(LoopConformance, ARefusedPostIsDestroyedOnTheThreadThatPosts) {
  EXPECT_TRUE(loop_.Close().ok());
  std::thread poster([this] {
    std::thread::id destroyed_by;
    {
      std::shared_ptr<int> held(new int, [&](int* object) {
        delete object;
        destroyed_by = std::this_thread::get_id();
      });
      EXPECT_EQ(loop_.CallSoonThreadsafe([held = std::move(held)] {}).code(),
                absl::StatusCode::kFailedPrecondition);
      EXPECT_EQ(destroyed_by, std::this_thread::get_id());
    }
  });
  poster.join();
}

// CTX-01
TEST_P(LoopConformance, ACallbackSeesTheContextOfTheMomentItWasScheduled) {
  static const ContextVar<int> number("number", 0);
  std::vector<int> seen;
  const auto look = [&] {
    seen.push_back(*number.Get());
    number.Set(100);
  };
  Context().Run([&] {
    number.Set(1);
    loop_.CallSoon(look);
    number.Set(2);
    loop_.CallLater(absl::ZeroDuration(), look);
    number.Set(3);
    EXPECT_TRUE(loop_.CallSoonThreadsafe(look).ok());
    number.Set(4);
  });
  RunTurns();
  EXPECT_THAT(seen, ElementsAre(1, 3, 2));
  EXPECT_EQ(number.Get(), 0);
}

// CTX-02
TEST_P(LoopConformance, ANamedContextIsTheOneTheCallbackRunsIn) {
  static const ContextVar<int> number("number", 0);
  const Context context;
  const auto increment = [] { number.Set(*number.Get() + 1); };
  const Handle handle = loop_.CallSoon(increment, context);
  loop_.CallLater(absl::ZeroDuration(), increment, context);
  EXPECT_TRUE(loop_.CallSoonThreadsafe(increment, context).ok());
  EXPECT_EQ(handle.context(), context);
  RunTurns();
  EXPECT_EQ(Context(context).Run([] { return number.Get(); }), 3);
  EXPECT_EQ(number.Get(), 0);
}

// CTX-03
TEST_P(LoopConformance, AReaderRunsInTheSameContextEachTime) {
  static const ContextVar<int> number("number", 0);
  Pipe pipe = MakePipe(/*readable=*/true);
  std::vector<int> seen;
  ASSERT_TRUE(loop_
                  .AddReader(pipe.read_end.get(),
                             [&] {
                               seen.push_back(*number.Get());
                               number.Set(*number.Get() + 1);
                             })
                  .ok());
  RunTurns(3);
  EXPECT_THAT(seen, ElementsAre(0, 1, 2));
  EXPECT_EQ(number.Get(), 0);
}

// HND-01
// HND-02
TEST_P(LoopConformance, CancelDropsTheCallbackAtOnceAndMayBeRepeated) {
  const auto held = std::make_shared<int>();
  Handle soon = loop_.CallSoon([this, held] { Log("soon")(); });
  TimerHandle timer =
      loop_.CallLater(absl::ZeroDuration(), [this, held] { Log("timer")(); });
  EXPECT_FALSE(soon.cancelled());
  EXPECT_FALSE(timer.cancelled());
  EXPECT_EQ(held.use_count(), 3);
  for (int i = 0; i < 2; ++i) {
    soon.Cancel();
    timer.Cancel();
    EXPECT_TRUE(soon.cancelled());
    EXPECT_TRUE(timer.cancelled());
    EXPECT_EQ(held.use_count(), 1);
  }
  RunTurns(2);
  EXPECT_THAT(trace_, IsEmpty());
}

// HND-01
TEST_P(LoopConformance, CancellingAfterTheRunOnlySaysSo) {
  Handle soon = loop_.CallSoon(Log("soon"));
  TimerHandle timer = loop_.CallLater(absl::ZeroDuration(), Log("timer"));
  RunTurns();
  EXPECT_FALSE(soon.cancelled());
  EXPECT_FALSE(timer.cancelled());
  soon.Cancel();
  timer.Cancel();
  EXPECT_TRUE(soon.cancelled());
  EXPECT_TRUE(timer.cancelled());
  EXPECT_THAT(trace_, ElementsAre("soon", "timer"));
}

// HND-01
TEST_P(LoopConformance, ACallbackIsDestroyedOnceItHasRun) {
  const auto held = std::make_shared<int>();
  const Handle soon = loop_.CallSoon([held] {});
  const TimerHandle timer = loop_.CallLater(absl::ZeroDuration(), [held] {});
  EXPECT_TRUE(loop_.CallSoonThreadsafe([held] {}).ok());
  RunTurns();
  EXPECT_EQ(held.use_count(), 1);
}

// HND-03
TEST_P(LoopConformance, ATimersDeadlineIsAsGivenBeforeAndAfterItsEnd) {
  const MonotonicTime when = loop_.Time() + absl::Nanoseconds(123'457);
  TimerHandle run = loop_.CallAt(when, [] {});
  TimerHandle cancelled = loop_.CallAt(when + absl::Hours(1), [] {});
  EXPECT_EQ(run.when(), when);
  cancelled.Cancel();
  EXPECT_EQ(cancelled.when(), when + absl::Hours(1));
  RunFor(absl::Milliseconds(1));
  EXPECT_EQ(run.when(), when);
  DestroyLoop();
  EXPECT_EQ(run.when(), when);
  EXPECT_EQ(cancelled.when(), when + absl::Hours(1));
}

// HND-04
TEST_P(LoopConformance, TimerHandlesCompareByDeadline) {
  const MonotonicTime now = loop_.Time();
  const TimerHandle first = loop_.CallAt(now + absl::Hours(1), [] {});
  const TimerHandle second = loop_.CallAt(now + absl::Hours(2), [] {});
  const TimerHandle as_late = loop_.CallAt(now + absl::Hours(2), [] {});
  const TimerHandle same = second;
  EXPECT_LT(first, second);
  EXPECT_GT(second, first);
  EXPECT_EQ(second, same);
  EXPECT_NE(second, as_late);
  EXPECT_FALSE(second < as_late || as_late < second);
}

// TIME-01
// TIME-07
TEST_P(LoopConformance, ATimerIsNeverEarlyAndTimeNeverGoesBack) {
  MonotonicTime last = loop_.Time();
  for (int i = 1; i <= 50; ++i) {
    const MonotonicTime when = last + absl::Nanoseconds(i * 7'919);
    loop_.CallAt(when, [&, when] {
      EXPECT_GE(loop_.Time(), when);
      EXPECT_GE(loop_.Time(), last);
      last = loop_.Time();
    });
  }
  RunFor(absl::Milliseconds(1));
}

// TIME-02
TEST_P(LoopConformance, ADelayCountsFromTheMomentOfTheCall) {
  const MonotonicTime before = loop_.Time();
  const TimerHandle timer = loop_.CallLater(absl::Seconds(3), [] {});
  const MonotonicTime after = loop_.Time();
  EXPECT_GE(timer.when(), before + absl::Seconds(3));
  EXPECT_LE(timer.when(), after + absl::Seconds(3));
}

// TIME-05
TEST_P(LoopConformance, OverdueTimersRunInOrderOfDeadline) {
  const MonotonicTime now = loop_.Time();
  for (int nanos : {500, 100, 400, 200, 300}) {
    loop_.CallAt(now + absl::Nanoseconds(nanos), Log(absl::StrCat(nanos)));
  }
  loop_.CallAt(now - absl::Hours(1), Log("long ago"));
  loop_.CallAt(MonotonicTime::InfinitePast(), Log("infinitely long ago"));
  RunFor(absl::Milliseconds(1));
  EXPECT_THAT(trace_, ElementsAre("infinitely long ago", "long ago", "100",
                                  "200", "300", "400", "500"));
}

// TIME-06
TEST_P(LoopConformance, bug_C13_EqualDeadlinesRunInTheOrderOfTheCalls) {
  const int count = 10'000;
  const MonotonicTime when = loop_.Time() + absl::Microseconds(100);
  std::vector<int> order;
  loop_.CallAt(when + absl::Seconds(100), [] {});
  for (int i = 0; i < count; ++i) {
    loop_.CallAt(when, [&order, i] { order.push_back(i); });
  }
  RunFor(absl::Milliseconds(1));
  std::vector<int> expected(count);
  std::iota(expected.begin(), expected.end(), 0);
  EXPECT_EQ(order, expected);
}

// TIME-08
TEST_P(LoopConformance, ACancelledTimerDoesNotRun) {
  TimerHandle timer = loop_.CallLater(absl::Microseconds(10), Log("no"));
  timer.Cancel();
  RunFor(absl::Milliseconds(1));
  EXPECT_THAT(trace_, IsEmpty());
}

// TIME-09
TEST_P(LoopConformance, ATimerCancelledByAnotherDueInTheSameTurnDoesNotRun) {
  const MonotonicTime past = loop_.Time() - absl::Seconds(1);
  TimerHandle second;
  loop_.CallAt(past, [&] { second.Cancel(); });
  second = loop_.CallAt(past, Log("second"));
  loop_.CallAt(past, Log("third"));
  RunTurns();
  EXPECT_THAT(trace_, ElementsAre("third"));
}

// TIME-10
TEST_P(LoopConformance, ATimerRunsOnce) {
  loop_.CallLater(absl::ZeroDuration(), Log("once"));
  RunFor(absl::Milliseconds(1));
  RunTurns(3);
  EXPECT_THAT(trace_, ElementsAre("once"));
}

TEST_P(LoopConformance, bug_C8_DelaysBeyondTheClocksRangeNeverCome) {
  loop_.CallLater(absl::InfiniteDuration(), Log("infinite"));
  loop_.CallLater(absl::Hours(24 * 366 * 300), Log("300 years"));
  loop_.CallAt(MonotonicTime::InfiniteFuture(), Log("infinite future"));
  loop_.CallLater(-absl::InfiniteDuration(), Log("minus infinite"));
  RunFor(absl::Milliseconds(1));
  EXPECT_THAT(trace_, ElementsAre("minus infinite"));
}

// An object that is attached to a loop and tells of its end.
class Attached {
 public:
  explicit Attached(AbstractEventLoop& loop) : loop_(loop) {}
  ~Attached() {
    EXPECT_TRUE(loop_.IsClosed());
    EXPECT_TRUE(loop_.CallSoon([] {}).cancelled());
    if (trace != nullptr) trace->push_back(name);
  }
  AbstractEventLoop& loop() { return loop_; }

  std::vector<std::string>* trace = nullptr;
  std::string name;

 private:
  AbstractEventLoop& loop_;
};

const LoopLocal<Attached> first_local;
const LoopLocal<Attached> second_local;
const LoopLocal<int> number_local;

TEST_P(LoopConformance, EachLoopHasItsOwnAttachedObjectMadeWhenFirstAskedFor) {
  const std::shared_ptr<AbstractEventLoop> other = MakeLoop();
  EXPECT_EQ(number_local.GetIfExists(loop_), nullptr);
  int& number = number_local.Get(loop_);
  EXPECT_EQ(number, 0);
  number = 7;
  EXPECT_EQ(&number_local.Get(loop_), &number);
  EXPECT_EQ(number_local.GetIfExists(loop_), &number);
  EXPECT_EQ(number_local.GetIfExists(*other), nullptr);
  EXPECT_EQ(number_local.Get(*other), 0);
  EXPECT_EQ(&first_local.Get(loop_).loop(), &loop_);
  EXPECT_NE(&first_local.Get(loop_), &second_local.Get(loop_));
  loop_.SetExceptionHandler([](AbstractEventLoop&, const ErrorContext&) {});
}

TEST_P(LoopConformance, CloseDestroysAttachedObjectsTheLastMadeFirst) {
  loop_.SetExceptionHandler([](AbstractEventLoop&, const ErrorContext&) {});
  for (const LoopLocal<Attached>* local : {&second_local, &first_local}) {
    local->Get(loop_).trace = &trace_;
  }
  first_local.Get(loop_).name = "made last";
  second_local.Get(loop_).name = "made first";
  EXPECT_TRUE(loop_.Close().ok());
  EXPECT_THAT(trace_, ElementsAre("made last", "made first"));
  EXPECT_EQ(first_local.GetIfExists(loop_), nullptr);
}

}  // namespace
}  // namespace evkit
