// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Timers, on an EventLoop and on a loop that has none of its own.

#include "evkit/loop/timer/timer.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "evkit/base/allocation_counter.h"
#include "evkit/loop/abstract_event_loop.h"
#include "evkit/loop/context.h"
#include "evkit/loop/default_event_loop.h"
#include "evkit/loop/fatal_exception.h"
#include "evkit/loop/testing/test_loop.h"
#include "evkit/timers/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Overrides what every loop must, and hands it on to another one.
class PlainLoop final : public AbstractEventLoop {
 public:
  explicit PlainLoop(AbstractEventLoop& loop) : loop_(loop) {}

  MonotonicTime Time() const override { return loop_.Time(); }
  uint64_t Random() override { return loop_.Random(); }
  bool RemoveReader(int fd) override { return loop_.RemoveReader(fd); }
  bool RemoveWriter(int fd) override { return loop_.RemoveWriter(fd); }
  absl::Status RunForever() override { return loop_.RunForever(); }
  void Stop() override { loop_.Stop(); }
  bool IsRunning() const override { return loop_.IsRunning(); }
  absl::Status Close() override { return loop_.Close(); }
  bool IsClosed() const override { return loop_.IsClosed(); }
  ExceptionHandler SetExceptionHandler(ExceptionHandler handler) override {
    return loop_.SetExceptionHandler(std::move(handler));
  }
  void CallExceptionHandler(const ErrorContext& error) override {
    loop_.CallExceptionHandler(error);
  }
  void DefaultExceptionHandler(const ErrorContext& error) override {
    loop_.DefaultExceptionHandler(error);
  }
  void SetDebug(bool enabled) override { loop_.SetDebug(enabled); }
  bool GetDebug() const override { return loop_.GetDebug(); }
  std::string DebugString() const override { return "<PlainLoop>"; }

 private:
  Handle DoCallSoon(Callback&& callback, const Context* context,
                    SourceLocation where) override {
    if (context == nullptr) return loop_.CallSoon(std::move(callback), where);
    return loop_.CallSoon(std::move(callback), *context, where);
  }
  absl::Status DoCallSoonThreadsafe(Callback&& callback, const Context*,
                                    SourceLocation where) override {
    return loop_.CallSoonThreadsafe(std::move(callback), where);
  }
  TimerHandle DoCallAt(MonotonicTime when, Callback&& callback,
                       const Context* context, SourceLocation where) override {
    if (context == nullptr) {
      return loop_.CallAt(when, std::move(callback), where);
    }
    return loop_.CallAt(when, std::move(callback), *context, where);
  }
  absl::Status DoAddReader(int fd, Callback&& callback,
                           SourceLocation where) override {
    return loop_.AddReader(fd, std::move(callback), where);
  }
  absl::Status DoAddWriter(int fd, Callback&& callback,
                           SourceLocation where) override {
    return loop_.AddWriter(fd, std::move(callback), where);
  }

  AbstractEventLoop& loop_;
};

enum class Kind { kEventLoop, kLoopWithoutTimers };

class TimerTest : public ::testing::TestWithParam<Kind> {
 protected:
  TimerTest() {
    if (GetParam() == Kind::kLoopWithoutTimers) plain_.emplace(test_->loop());
  }

  AbstractEventLoop& loop() {
    if (plain_.has_value()) return *plain_;
    return test_->loop();
  }
  std::function<void()> Log(std::string word) {
    return [this, word] { trace_.push_back(word); };
  }
  MonotonicTime In(absl::Duration delay) { return loop().Time() + delay; }
  void Pass(absl::Duration time) {
    EXPECT_TRUE(test_->FastForwardBy(time).ok());
  }
  void RunUntilNothingIsLeft() {
    EXPECT_TRUE(test_->RunUntilNothingIsLeft().ok());
  }
  void DestroyLoop() {
    plain_.reset();
    test_.reset();
  }

  std::optional<TestLoop> test_{std::in_place};
  std::optional<PlainLoop> plain_;
  std::vector<std::string> trace_;
};

INSTANTIATE_TEST_SUITE_P(Loops, TimerTest,
                         ::testing::Values(Kind::kEventLoop,
                                           Kind::kLoopWithoutTimers),
                         [](const auto& kind) {
                           return kind.param == Kind::kEventLoop
                                      ? "EventLoop"
                                      : "LoopWithoutTimers";
                         });

// TIME-07
// TIME-10
// TIME-13
TEST_P(TimerTest, FiresOnceAndNotBeforeItsDeadline) {
  Timer timer(loop(), Log("fired"));
  EXPECT_FALSE(timer.armed());
  const MonotonicTime when = In(absl::Seconds(1));
  timer.StartAt(when);
  EXPECT_TRUE(timer.armed());
  EXPECT_EQ(timer.when(), when);
  Pass(absl::Seconds(1) - absl::Nanoseconds(1));
  EXPECT_THAT(trace_, IsEmpty());
  Pass(absl::Nanoseconds(1));
  EXPECT_THAT(trace_, ElementsAre("fired"));
  EXPECT_FALSE(timer.armed());
  EXPECT_EQ(timer.when(), when);
  Pass(absl::Hours(1));
  EXPECT_EQ(trace_.size(), 1u);
}

TEST_P(TimerTest, FiresEachTimeThatItIsStarted) {
  Timer timer(loop(), Log("fired"));
  for (int i = 0; i < 3; ++i) {
    timer.StartAfter(absl::Seconds(1));
    RunUntilNothingIsLeft();
  }
  EXPECT_EQ(trace_.size(), 3u);
  EXPECT_EQ(test_->elapsed(), absl::Seconds(3));
}

// TIME-13
TEST_P(TimerTest, StartingAgainPutsItOff) {
  Timer timer(loop(), Log("fired"));
  for (int i = 0; i < 100; ++i) {
    timer.StartAfter(absl::Seconds(60));
    Pass(absl::Seconds(59));
  }
  EXPECT_THAT(trace_, IsEmpty());
  Pass(absl::Seconds(1));
  EXPECT_THAT(trace_, ElementsAre("fired"));
}

// TIME-13
TEST_P(TimerTest, StartingAgainBringsItForward) {
  Timer timer(loop(), Log("fired"));
  timer.StartAfter(absl::Hours(1));
  timer.StartAfter(absl::Seconds(1));
  Pass(absl::Seconds(1));
  EXPECT_THAT(trace_, ElementsAre("fired"));
  Pass(absl::Hours(2));
  EXPECT_EQ(trace_.size(), 1u);
}

TEST_P(TimerTest, DoesNotFireOnceStopped) {
  Timer timer(loop(), Log("fired"));
  timer.Stop();
  timer.StartAfter(absl::Seconds(1));
  timer.Stop();
  timer.Stop();
  EXPECT_FALSE(timer.armed());
  RunUntilNothingIsLeft();
  EXPECT_THAT(trace_, IsEmpty());
  EXPECT_EQ(test_->elapsed(), absl::ZeroDuration());
}

TEST_P(TimerTest, DoesNotFireOnceDestroyed) {
  const auto held = std::make_shared<int>();
  {
    Timer timer(loop(), [this, held] { trace_.push_back("fired"); });
    timer.StartAfter(absl::Seconds(1));
    EXPECT_EQ(held.use_count(), 2);
  }
  EXPECT_EQ(held.use_count(), 1);
  RunUntilNothingIsLeft();
  EXPECT_THAT(trace_, IsEmpty());
  EXPECT_EQ(test_->elapsed(), absl::ZeroDuration());
}

// TIME-03
TEST_P(TimerTest, APastDeadlineMeansTheNextTurnAndAnInfiniteOneNever) {
  Timer past(loop(), Log("past"));
  Timer never(loop(), Log("never"));
  past.StartAt(MonotonicTime::InfinitePast());
  never.StartAfter(absl::InfiniteDuration());
  EXPECT_TRUE(never.armed());
  loop().CallSoon(Log("soon"));
  Pass(absl::Hours(24 * 366 * 100));
  EXPECT_THAT(trace_, ElementsAre("soon", "past"));
}

// TIME-05
// TIME-06
TEST_P(TimerTest, OrderIsByDeadlineThenByStartingAmongTimersOfEachKind) {
  const MonotonicTime when = In(absl::Seconds(1));
  Timer a(loop(), Log("a"));
  Timer b(loop(), Log("b"));
  Timer first(loop(), Log("first"));
  a.StartAt(when);
  loop().CallAt(when, Log("call"));
  b.StartAt(when);
  loop().CallAt(when, Log("call again"));
  first.StartAt(when - absl::Nanoseconds(1));
  a.StartAt(when);  // The same deadline again, but last now.
  RunUntilNothingIsLeft();
  EXPECT_THAT(trace_, ElementsAre("first", "call", "b", "call again", "a"));
}

// TIME-09
TEST_P(TimerTest, ADueTimerMayBeStoppedByAnotherOfItsTurn) {
  const MonotonicTime when = In(absl::Seconds(1));
  Timer second(loop(), Log("second"));
  Timer first(loop(), [&] {
    EXPECT_TRUE(second.armed());
    second.Stop();
    EXPECT_FALSE(second.armed());
  });
  first.StartAt(when);
  second.StartAt(when);
  loop().CallAt(when, Log("third"));
  RunUntilNothingIsLeft();
  EXPECT_THAT(trace_, ElementsAre("third"));
}

// TURN-12
TEST_P(TimerTest, ADueTimerMayBePutOffByAnotherOfItsTurn) {
  for (const absl::Duration delay : {absl::Seconds(1), -absl::Seconds(1)}) {
    trace_.clear();
    const MonotonicTime when = In(absl::Seconds(1));
    Timer second(loop(), Log("second"));
    Timer first(loop(), [&] {
      second.StartAfter(delay);
      loop().CallSoon(Log("next turn"));
    });
    first.StartAt(when);
    second.StartAt(when);
    loop().CallAt(when, Log("third"));
    RunUntilNothingIsLeft();
    EXPECT_THAT(trace_, ElementsAre("third", "next turn", "second"));
  }
}

TEST_P(TimerTest, ADueTimerMayBeDestroyedByAnotherOfItsTurn) {
  const MonotonicTime when = In(absl::Seconds(1));
  const auto held = std::make_shared<int>();
  std::optional<Timer> second;
  Timer first(loop(), [&] {
    second.reset();
    EXPECT_EQ(held.use_count(), 1);
  });
  second.emplace(loop(), [this, held] { trace_.push_back("second"); });
  first.StartAt(when);
  second->StartAt(when);
  loop().CallAt(when, Log("third"));
  RunUntilNothingIsLeft();
  EXPECT_THAT(trace_, ElementsAre("third"));
}

TEST_P(TimerTest, MayBeStartedAgainInItsOwnCallback) {
  std::optional<Timer> timer;
  int fired = 0;
  timer.emplace(loop(), [&] {
    EXPECT_FALSE(timer->armed());
    if (++fired < 3) timer->StartAt(timer->when() + absl::Seconds(1));
  });
  timer->StartAfter(absl::Seconds(1));
  RunUntilNothingIsLeft();
  EXPECT_EQ(fired, 3);
  EXPECT_EQ(test_->elapsed(), absl::Seconds(3));
}

TEST_P(TimerTest, MayBeStoppedInItsOwnCallback) {
  std::optional<Timer> timer;
  timer.emplace(loop(), [&] {
    trace_.push_back("fired");
    timer->Stop();
    timer->StartAfter(absl::Seconds(1));
    timer->Stop();
  });
  timer->StartAfter(absl::Seconds(1));
  RunUntilNothingIsLeft();
  EXPECT_THAT(trace_, ElementsAre("fired"));
  timer->StartAfter(absl::Seconds(1));
  RunUntilNothingIsLeft();
  EXPECT_EQ(trace_.size(), 2u);
}

TEST_P(TimerTest, MayBeDestroyedInItsOwnCallback) {
  const auto held = std::make_shared<int>();
  std::optional<Timer> timer;
  timer.emplace(loop(), [&, held] {
    timer->StartAfter(absl::Seconds(1));
    timer.reset();
    EXPECT_EQ(held.use_count(), 2);  // Not while it runs.
    trace_.push_back("fired");
  });
  timer->StartAfter(absl::Seconds(1));
  RunUntilNothingIsLeft();
  EXPECT_THAT(trace_, ElementsAre("fired"));
  EXPECT_EQ(held.use_count(), 1);
}

// CTX-03
TEST_P(TimerTest, RunsInTheContextOfItsConstructionTheSameCopyEachTime) {
  static const ContextVar<int> number("number", 0);
  std::vector<int> seen;
  const auto token = number.Set(1);
  Timer timer(loop(), [&] {
    seen.push_back(*number.Get());
    number.Set(2);
  });
  number.Reset(token);
  for (int i = 0; i < 2; ++i) {
    timer.StartAfter(absl::Seconds(1));
    RunUntilNothingIsLeft();
  }
  EXPECT_THAT(seen, ElementsAre(1, 2));
  EXPECT_EQ(number.Get(), 0);
}

TEST_P(TimerTest, RunsInTheVeryContextThatItIsGiven) {
  static const ContextVar<int> number("number", 0);
  Context context;
  Timer timer(
      loop(), [] { number.Set(*number.Get() + 1); }, context);
  for (int i = 0; i < 2; ++i) {
    timer.StartAfter(absl::Seconds(1));
    RunUntilNothingIsLeft();
  }
  EXPECT_EQ(context.Run([] { return *number.Get(); }), 2);
  EXPECT_EQ(number.Get(), 0);
}

// RUN-24
TEST_P(TimerTest, ClosingTheLoopStopsItAndItMayOutliveTheLoop) {
  const auto held = std::make_shared<int>();
  Timer timer(loop(), [this, held] { trace_.push_back("fired"); });
  Timer unused(loop(), [] {});
  timer.StartAfter(absl::Seconds(1));
  EXPECT_TRUE(loop().Close().ok());
  EXPECT_FALSE(timer.armed());
  timer.Stop();
  EXPECT_EQ(held.use_count(), 2);
  DestroyLoop();
  EXPECT_FALSE(timer.armed());
  timer.Stop();
  EXPECT_THAT(trace_, IsEmpty());
}

TEST_P(TimerTest, DestroyingTheLoopStopsIt) {
  Timer timer(loop(), Log("fired"));
  timer.StartAfter(absl::Seconds(1));
  DestroyLoop();
  EXPECT_FALSE(timer.armed());
}

// RUN-26
TEST_P(TimerTest, StartingOnAClosedLoopIsReportedAndDoesNothing) {
  EXPECT_TRUE(loop().Close().ok());
  Timer timer(loop(), Log("fired"));
  std::vector<absl::Status> reported;
  loop().SetExceptionHandler(
      [&](AbstractEventLoop&, const ErrorContext& error) {
        reported.push_back(error.status);
      });
  timer.StartAfter(absl::Seconds(1));
  EXPECT_FALSE(timer.armed());
  ASSERT_EQ(reported.size(), 1u);
  EXPECT_EQ(reported[0].code(), absl::StatusCode::kFailedPrecondition);
}

#if defined(__cpp_exceptions)
// TURN-19
TEST_P(TimerTest, WhatItThrowsIsReportedAndItMayBeStartedAgain) {
  std::vector<std::string> reported;
  loop().SetExceptionHandler(
      [&](AbstractEventLoop&, const ErrorContext& error) {
        reported.push_back(error.message);
      });
  Timer timer(loop(), [] { throw std::runtime_error("thrown"); });
  for (int i = 0; i < 2; ++i) {
    timer.StartAfter(absl::Seconds(1));
    RunUntilNothingIsLeft();
  }
  EXPECT_EQ(reported.size(), 2u);
}

// RUN-20
TEST_P(TimerTest, WhatAFatalExceptionLeftQueuedMayStillBeStoppedAndStarted) {
  class Fatal : public FatalException {};
  const MonotonicTime when = In(absl::Seconds(1));
  Timer stopped(loop(), Log("stopped"));
  Timer restarted(loop(), Log("restarted"));
  Timer left(loop(), Log("left"));
  loop().CallAt(when, [] { throw Fatal(); });
  for (Timer* timer : {&stopped, &restarted, &left}) timer->StartAt(when);
  EXPECT_THROW(RunUntilNothingIsLeft(), Fatal);
  EXPECT_THAT(trace_, IsEmpty());
  EXPECT_TRUE(stopped.armed());
  stopped.Stop();
  restarted.StartAt(when);
  EXPECT_TRUE(restarted.armed());
  RunUntilNothingIsLeft();
  EXPECT_THAT(trace_, ::testing::UnorderedElementsAre("restarted", "left"));
  for (Timer* timer : {&stopped, &restarted, &left}) {
    EXPECT_FALSE(timer->armed());
  }
}

TEST_P(TimerTest, TheLoopMayCloseOrTheTimerGoWhileItIsDue) {
  class Fatal : public FatalException {};
  const MonotonicTime when = In(absl::Seconds(1));
  std::optional<Timer> destroyed(std::in_place, loop(), Log("destroyed"));
  Timer left(loop(), Log("left"));
  loop().CallAt(when, [] { throw Fatal(); });
  destroyed->StartAt(when);
  left.StartAt(when);
  EXPECT_THROW(RunUntilNothingIsLeft(), Fatal);
  destroyed.reset();
  EXPECT_TRUE(loop().Close().ok());
  EXPECT_FALSE(left.armed());
  EXPECT_THAT(trace_, IsEmpty());
}
#endif

class EventLoopTimersTest : public ::testing::Test {
 protected:
  TestLoop test_;
};

#if defined(__cpp_exceptions)
// HND-06
TEST_F(EventLoopTimersTest, ReportsNameIt) {
  std::vector<std::string> reported;
  Handle handle;
  test_->SetExceptionHandler(
      [&](AbstractEventLoop&, const ErrorContext& error) {
        reported.push_back(error.message);
        handle = error.handle;
      });
  std::unique_ptr<Timer> timer(
      new Timer(test_.loop(), [] { throw std::runtime_error("thrown"); }));
  timer->StartAt(MonotonicTime::FromNanos(1'000'000'500'000'000));
  EXPECT_TRUE(test_.RunUntilNothingIsLeft().ok());
  ASSERT_EQ(reported.size(), 1u);
  EXPECT_THAT(reported[0],
              HasSubstr("Exception in callback <Timer when=1000000.500000000 "
                        "scheduled at loop/timer/timer_test.cc:"));
  // The handle in the report is as good as Stop(), while there is a timer.
  timer->StartAfter(absl::Seconds(1));
  handle.Cancel();
  EXPECT_FALSE(timer->armed());
  timer->StartAfter(absl::Seconds(1));
  EXPECT_TRUE(timer->armed());
  EXPECT_TRUE(test_.RunUntilNothingIsLeft().ok());
  EXPECT_EQ(reported.size(), 2u);
  timer->StartAfter(absl::Seconds(1));
  timer.reset();
  handle.Cancel();
}
#endif

// DBG-03
TEST_F(EventLoopTimersTest, ASlowCallbackIsReportedByItsName) {
  test_->SetDebug(true);
  Timer timer(test_.loop(), [&] { test_.clock().AdvanceBy(absl::Seconds(1)); });
  timer.StartAfter(absl::ZeroDuration());
  EXPECT_TRUE(test_.RunUntilNothingIsLeft().ok());
  EXPECT_THAT(test_.log(), ElementsAre(HasSubstr("Executing <Timer when=")));
}

// DBG-02
TEST_F(EventLoopTimersTest, InDebugModeStartingFromTheWrongThreadAborts) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  test_->SetDebug(true);
  Timer timer(test_.loop(), [] {});
  test_->CallSoon([&] {
    std::thread([&] {
      EXPECT_DEATH(timer.StartAt(MonotonicTime()), "Timer::StartAt");
    }).join();
  });
  EXPECT_TRUE(test_.RunUntilIdle().ok());
}

TEST(RealTimeTimerTest, FiresAndIsPutOffInRealTime) {
  const std::unique_ptr<EventLoop> loop = *NewDefaultEventLoop();
  const MonotonicTime start = loop->Time();
  int turns = 0;
  Timer timer(*loop, [&] {
    EXPECT_GE(loop->Time(), timer.when());
    if (++turns == 20) return loop->Stop();
    timer.StartAfter(absl::Microseconds(100));
  });
  timer.StartAfter(absl::Hours(1));
  timer.StartAfter(absl::Microseconds(100));
  EXPECT_TRUE(loop->RunForever().ok());
  EXPECT_GE(loop->Time(), start + 20 * absl::Microseconds(100));
}

// bug_C14: what is cancelled or put off takes no memory.
TEST(TimerAllocationTest, StartingPuttingOffStoppingAndFiringAllocateNothing) {
  if (!CountsAllocations()) GTEST_SKIP();
  const std::unique_ptr<EventLoop> loop = *NewDefaultEventLoop();
  int64_t fired = 0;
  Timer timer(*loop, [&] { ++fired; });
  Timer other(*loop, [] {});
  Timer end(*loop, [&] { loop->Stop(); });
  const int64_t before = AllocationCount();
  for (int i = 0; i < 1000; ++i) {
    timer.StartAfter(absl::Hours(1));
    timer.StartAfter(absl::Hours(2));
    timer.Stop();
    timer.StartAfter(absl::Hours(1));
    timer.StartAt(loop->Time());
    other.StartAfter(absl::Hours(i));
    end.StartAt(loop->Time());
    ASSERT_TRUE(loop->RunForever().ok());
  }
  EXPECT_EQ(AllocationCount(), before);
  EXPECT_EQ(fired, 1000);
}

}  // namespace
}  // namespace evkit
