// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Delayed calls, in virtual time: contract section 5, and the ways in which the
// timers of other loops went wrong.

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "evkit/loop/default_event_loop.h"
#include "evkit/loop/testing/test_loop.h"
#include "evkit/timers/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr int kInventedFd = 20'000;

class EventLoopTimerTest : public ::testing::Test {
 protected:
  void RunOneTurn() {
    test_->Stop();
    EXPECT_TRUE(test_->RunForever().ok());
  }
  void RunUntilNothingIsLeft() {
    EXPECT_TRUE(test_.RunUntilNothingIsLeft().ok());
  }
  std::function<void()> Log(std::string word) {
    return [this, word] { trace_.push_back(word); };
  }

  TestLoop test_;
  std::vector<std::string> trace_;
};

// Whatever is scheduled and cancelled, the order is that of a sorted list.
// TIME-05
// TIME-06
TEST_F(EventLoopTimerTest, RandomTimersRunInOrderOfDeadlineThenOfTheCalls) {
  std::mt19937_64 random(17);
  const MonotonicTime start = test_->Time();
  std::vector<std::pair<MonotonicTime, int>> expected;
  std::vector<int> order;
  std::vector<TimerHandle> handles;
  for (int i = 0; i < 5000; ++i) {
    // From nanoseconds to hours, many of them equal.
    const int64_t nanos = static_cast<int64_t>(random() % 100)
                          << (random() % 36);
    const MonotonicTime when = start + absl::Nanoseconds(nanos);
    handles.push_back(test_->CallAt(when, [&, i, when] {
      EXPECT_GE(test_->Time(), when);
      order.push_back(i);
    }));
    expected.emplace_back(when, i);
  }
  std::vector<int> expected_order;
  std::sort(expected.begin(), expected.end());
  for (const auto& [when, i] : expected) {
    if (random() % 3 == 0) {
      handles[static_cast<size_t>(i)].Cancel();
    } else {
      expected_order.push_back(i);
    }
  }
  RunUntilNothingIsLeft();
  EXPECT_EQ(order, expected_order);
}

// TIME-02
TEST_F(EventLoopTimerTest, bug_C11_ADelayCountsFromNowAlsoAfterALongCallback) {
  MonotonicTime blocked_until;
  test_->CallSoon([&] {
    test_.clock().AdvanceBy(absl::Seconds(1));
    blocked_until = test_->Time();
    const TimerHandle timer = test_->CallLater(absl::Seconds(1), [&] {
      EXPECT_EQ(test_->Time(), blocked_until + absl::Seconds(1));
      trace_.push_back("timer");
    });
    EXPECT_EQ(timer.when(), blocked_until + absl::Seconds(1));
  });
  RunUntilNothingIsLeft();
  EXPECT_THAT(trace_, ElementsAre("timer"));
}

TEST_F(EventLoopTimerTest, bug_C4_AfterALongStallAllThatIsDueRunsInOrder) {
  for (const absl::Duration stall : {absl::Milliseconds(1), absl::Seconds(1),
                                     absl::Hours(1), absl::Hours(24 * 100)}) {
    const MonotonicTime start = test_->Time();
    std::vector<int> order;
    std::vector<int> expected;
    // The deadlines descend, and reach to twice the stall.
    for (int i = 100; i > 0; --i) {
      test_->CallAt(start + i * stall / 50,
                    [&order, i] { order.push_back(i); });
    }
    for (int i = 1; i <= 50; ++i) expected.push_back(i);
    test_->CallSoon([&] { test_.clock().AdvanceBy(stall); });
    RunOneTurn();
    EXPECT_EQ(order, std::vector<int>());
    RunOneTurn();
    EXPECT_EQ(order, expected) << stall;
    RunUntilNothingIsLeft();
    EXPECT_EQ(order.size(), 100);
  }
}

// HND-01
TEST_F(EventLoopTimerTest, bug_C5_ATimerMayCancelItselfInItsCallback) {
  const auto held = std::make_shared<int>();
  TimerHandle self;
  self = test_->CallLater(absl::Seconds(1), [&, held] {
    self.Cancel();
    EXPECT_TRUE(self.cancelled());
    EXPECT_EQ(held.use_count(), 2);  // Not while it runs.
    self = TimerHandle();
    trace_.push_back(absl::StrCat(held.use_count()));
  });
  RunUntilNothingIsLeft();
  EXPECT_THAT(trace_, ElementsAre("2"));
  EXPECT_EQ(held.use_count(), 1);
}

TEST_F(EventLoopTimerTest, bug_C5_ATimerMayCancelTheNextOneDue) {
  for (const absl::Duration gap :
       {absl::ZeroDuration(), absl::Nanoseconds(1), absl::Seconds(1)}) {
    TimerHandle next;
    TimerHandle last;
    const MonotonicTime when = test_->Time() + absl::Seconds(1);
    test_->CallAt(when, [&] {
      next.Cancel();
      last.Cancel();
    });
    next = test_->CallAt(when + gap, Log("next"));
    test_->CallAt(when + gap, Log("one after"));
    last = test_->CallAt(when + 2 * gap, Log("last"));
    RunUntilNothingIsLeft();
    EXPECT_THAT(trace_, ElementsAre("one after"));
    trace_.clear();
  }
}

TEST_F(EventLoopTimerTest, bug_C5_ADestroyedCaptureMayCancelOtherTimers) {
  TimerHandle second;
  TimerHandle third;
  std::shared_ptr<int> guard(new int, [&](int* number) {
    delete number;
    second.Cancel();
    third.Cancel();
  });
  TimerHandle first =
      test_->CallLater(absl::Seconds(1), [guard = std::move(guard)] {});
  second = test_->CallLater(absl::Seconds(1), Log("second"));
  third = test_->CallLater(absl::Seconds(2), Log("third"));
  first.Cancel();
  EXPECT_TRUE(second.cancelled());
  RunUntilNothingIsLeft();
  EXPECT_THAT(trace_, IsEmpty());
  EXPECT_EQ(test_.elapsed(), absl::ZeroDuration());
}

// TURN-04
TEST_F(EventLoopTimerTest, bug_C6_ATimerThatRearmsWithoutDelayStarvesNobody) {
  int turns = 0;
  std::function<void()> rearm = [&] {
    trace_.push_back("timer");
    if (++turns < 3) test_->CallLater(absl::ZeroDuration(), rearm);
  };
  test_->CallLater(absl::ZeroDuration(), rearm);
  ASSERT_TRUE(test_->AddReader(kInventedFd, Log("io")).ok());
  test_.selector().SetReady(kInventedFd, Interest::kRead);
  for (int i = 0; i < 3; ++i) RunOneTurn();
  EXPECT_THAT(trace_, ElementsAre("io", "timer", "io", "timer", "io", "timer"));
}

// A deadline that is no number breaks the order of a heap.
TEST_F(EventLoopTimerTest, bug_C7_ADelayThatIsNoNumberDisturbsNoOther) {
  std::vector<int> trace;
  test_->CallLater(absl::Seconds(2), [&trace] { trace.push_back(2); });
  const TimerHandle odd =
      test_->CallLater(absl::Seconds(std::numeric_limits<double>::quiet_NaN()),
                       [&trace] { trace.push_back(-1); });
  test_->CallLater(absl::Seconds(1), [&trace] { trace.push_back(1); });
  ASSERT_TRUE(test_.FastForwardBy(absl::Hours(24 * 365)).ok());
  std::erase(trace, -1);
  EXPECT_EQ(trace, (std::vector<int>{1, 2}));
  EXPECT_TRUE(odd.when() == MonotonicTime::InfiniteFuture() ||
              odd.when() == MonotonicTime::InfinitePast());
}

TEST_F(EventLoopTimerTest, bug_C9_LargeClockReadingsDoNotStopTimers) {
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  for (const int64_t base :
       {int64_t{1} << 53, int64_t{1'700'000'000'000'000'000},
        int64_t{22'464'000'000'000'000}, kMax - 1'000'000'000}) {
    TestLoop test;
    test.clock().SetTo(MonotonicTime::FromNanos(base));
    std::vector<int64_t> times;
    for (const int nanos : {3, 1, 2, 500'000'000}) {
      test->CallLater(absl::Nanoseconds(nanos), [&, base] {
        times.push_back(test->Time().ToNanos() - base);
      });
    }
    EXPECT_TRUE(test.RunUntilNothingIsLeft().ok());
    EXPECT_THAT(times, ElementsAre(1, 2, 3, 500'000'000));
  }
}

// TIME-07
TEST(EventLoopRealTimeTest, bug_C12_NoTimerIsEarlyByTheKernelsClock) {
  const std::unique_ptr<EventLoop> loop = *NewDefaultEventLoop();
  std::mt19937_64 random(1);
  const MonotonicTime start = Clock::Real().Now();
  int left = 1000;
  for (int i = 0; i < 1000; ++i) {
    const MonotonicTime when =
        start + absl::Nanoseconds(static_cast<int64_t>(random() % 20'000'000));
    loop->CallAt(when, [&, when] {
      EXPECT_GE(Clock::Real().Now(), when);
      if (--left == 0) loop->Stop();
    });
  }
  EXPECT_TRUE(loop->RunForever().ok());
}

// TIME-08
TEST_F(EventLoopTimerTest, bug_C15_CancellingAllTimersLeavesNothingBehind) {
  std::vector<TimerHandle> timers;
  for (int i = 0; i < 10'000; ++i) {
    timers.push_back(test_->CallLater(absl::Milliseconds(i), Log("no")));
  }
  std::shuffle(timers.begin(), timers.end(), std::mt19937_64(3));
  for (TimerHandle& timer : timers) timer.Cancel();
  RunUntilNothingIsLeft();
  EXPECT_EQ(test_.elapsed(), absl::ZeroDuration());
  EXPECT_EQ(test_.selector().last_timeout(), absl::InfiniteDuration());
  EXPECT_TRUE(test_->Close().ok());
  EXPECT_THAT(trace_, IsEmpty());
}

TEST_F(EventLoopTimerTest, bug_C16_AJumpOfTimeDuringASleepIsCaughtUpWith) {
  test_.selector().SetSleepHook([this](absl::Duration timeout) {
    if (timeout == absl::InfiniteDuration()) return test_->Stop();
    test_.clock().AdvanceBy(absl::Hours(24 * 10));
  });
  for (const int hours : {1, 50, 100, 239, 241}) {
    test_->CallLater(absl::Hours(hours), Log(absl::StrCat(hours)));
  }
  test_->CallLater(absl::Hours(1), [this] {
    EXPECT_EQ(test_.elapsed(), absl::Hours(240));
    test_->CallLater(absl::Minutes(30), Log("240.5"));
  });
  EXPECT_TRUE(test_->RunForever().ok());
  // All that was missed in one turn, and then in order again.
  EXPECT_THAT(trace_, ElementsAre("1", "50", "100", "239", "240.5", "241"));
}

TEST_F(EventLoopTimerTest, bug_C16_ASleepThatEndsTooSoonMakesNoTimerEarly) {
  test_.selector().SetSleepHook([this](absl::Duration timeout) {
    if (timeout == absl::InfiniteDuration()) return test_->Stop();
    test_.clock().AdvanceBy(std::max(timeout / 2, absl::Nanoseconds(1)));
  });
  const TimerHandle timer = test_->CallLater(
      absl::Seconds(1), [&] { EXPECT_GE(test_.elapsed(), absl::Seconds(1)); });
  EXPECT_TRUE(test_->RunForever().ok());
  EXPECT_EQ(test_->Time(), timer.when());
}

// TIME-03
TEST_F(EventLoopTimerTest, AnOverdueTimerComesAfterWhatIsQueuedByThen) {
  test_->CallLater(-absl::Seconds(1), Log("overdue"));
  test_->CallSoon(Log("soon"));
  EXPECT_TRUE(test_->CallSoonThreadsafe(Log("posted")).ok());
  RunOneTurn();
  EXPECT_THAT(trace_, ElementsAre("soon", "posted", "overdue"));
}

}  // namespace
}  // namespace evkit
