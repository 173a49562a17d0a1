// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/timers/timer_wheel.h"

#include <malloc.h>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <random>
#include <stdexcept>
#include <vector>

#include "absl/time/time.h"
#include "evkit/timers/clock.h"
#include "evkit/timers/internal/timers_fixture.h"
#include "evkit/timers/timer_heap.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Optional;

constexpr absl::Duration kNanosecond = absl::Nanoseconds(1);
constexpr absl::Duration kYear = absl::Hours(24 * 365);

// What holds for the wheel and for the heap that it is measured against.
template <typename T>
class TimersTest : public timers_internal::TimersTest<T> {};

using Implementations = ::testing::Types<TimerWheel, TimerHeap>;
TYPED_TEST_SUITE(TimersTest, Implementations);

TYPED_TEST(TimersTest, NewOneIsEmptyAndNeverWakes) {
  EXPECT_TRUE(this->timers_.empty());
  EXPECT_EQ(this->timers_.NextWakeup(), std::nullopt);
  EXPECT_THAT(this->AdvanceBy(kYear), IsEmpty());
}

// TIME-07, TURN-11
TYPED_TEST(TimersTest, ExpiresAtDeadlineAndNotBefore) {
  typename TypeParam::Timer timer;
  const MonotonicTime deadline = this->In(absl::Milliseconds(10));
  this->timers_.Arm(timer, deadline);
  EXPECT_TRUE(timer.armed());
  EXPECT_EQ(timer.deadline(), deadline);
  EXPECT_THAT(this->timers_.NextWakeup(), Optional(deadline));

  EXPECT_THAT(this->AdvanceBy(absl::Milliseconds(10) - kNanosecond), IsEmpty());
  EXPECT_THAT(this->AdvanceBy(kNanosecond), ElementsAre(&timer));
  EXPECT_FALSE(timer.armed());
  EXPECT_EQ(timer.deadline(), deadline);
  EXPECT_EQ(this->timers_.NextWakeup(), std::nullopt);
}

// TIME-03
TYPED_TEST(TimersTest, PastDeadlinesExpireInNextAdvanceInTheirOrder) {
  typename TypeParam::Timer now, earlier, earliest;
  this->timers_.Arm(now, this->clock_.Now());
  this->timers_.Arm(earlier, this->In(-absl::Minutes(1)));
  this->timers_.Arm(earliest, MonotonicTime::InfinitePast());
  EXPECT_THAT(this->timers_.NextWakeup(),
              Optional(MonotonicTime::InfinitePast()));
  this->timers_.Disarm(earliest);
  EXPECT_THAT(this->timers_.NextWakeup(),
              Optional(this->In(-absl::Minutes(1))));
  this->timers_.Arm(earliest, MonotonicTime::InfinitePast());
  EXPECT_THAT(this->AdvanceBy(absl::ZeroDuration()),
              ElementsAre(&earliest, &earlier, &now));
}

// TIME-05, TIME-06
TYPED_TEST(TimersTest, ReportsInOrderOfDeadlineThenOfArming) {
  typename TypeParam::Timer late, early, early_too;
  this->timers_.Arm(late, this->In(absl::Hours(3)));
  this->timers_.Arm(early, this->In(absl::Milliseconds(5)));
  this->timers_.Arm(early_too, this->In(absl::Milliseconds(5)));
  EXPECT_THAT(this->AdvanceBy(absl::Hours(4)),
              ElementsAre(&early, &early_too, &late));
}

TYPED_TEST(TimersTest, DeadlinesOneNanosecondApartKeepTheirOrder) {
  std::deque<typename TypeParam::Timer> timers(100);
  for (int i = 99; i >= 0; --i) {
    this->timers_.Arm(timers[i], this->In(absl::Seconds(1) + i * kNanosecond));
  }
  EXPECT_THAT(this->AdvanceBy(absl::Seconds(1) - kNanosecond), IsEmpty());
  for (auto& timer : timers) {
    ASSERT_THAT(this->AdvanceBy(kNanosecond), ElementsAre(&timer));
  }
}

TYPED_TEST(TimersTest, ArmingAgainReplacesTheDeadlineAndTheTurn) {
  typename TypeParam::Timer first, second;
  this->timers_.Arm(first, this->In(absl::Seconds(1)));
  this->timers_.Arm(second, this->In(absl::Seconds(1)));
  this->timers_.Arm(first, this->In(absl::Seconds(1)));
  EXPECT_EQ(this->timers_.size(), 2u);
  EXPECT_THAT(this->AdvanceBy(absl::Seconds(1)), ElementsAre(&second, &first));

  this->timers_.Arm(first, this->In(absl::Seconds(5)));
  this->timers_.Arm(first, this->In(absl::Seconds(9)));
  EXPECT_THAT(this->AdvanceBy(absl::Seconds(8)), IsEmpty());
  this->timers_.Arm(first, this->In(absl::Milliseconds(1)));
  EXPECT_THAT(this->AdvanceBy(absl::Milliseconds(1)), ElementsAre(&first));
}

TYPED_TEST(TimersTest, DisarmingTwiceOrBeforeArmingDoesNothing) {
  typename TypeParam::Timer timer;
  this->timers_.Disarm(timer);
  this->timers_.Arm(timer, this->In(absl::Seconds(1)));
  this->timers_.Disarm(timer);
  this->timers_.Disarm(timer);
  EXPECT_TRUE(this->timers_.empty());
  EXPECT_EQ(this->timers_.NextWakeup(), std::nullopt);
  EXPECT_THAT(this->AdvanceBy(absl::Seconds(2)), IsEmpty());
}

TYPED_TEST(TimersTest, DestroyingAnArmedTimerDisarmsIt) {
  auto timer = std::make_unique<typename TypeParam::Timer>();
  this->timers_.Arm(*timer, this->In(absl::Seconds(1)));
  timer.reset();
  EXPECT_TRUE(this->timers_.empty());
  EXPECT_THAT(this->AdvanceBy(absl::Seconds(2)), IsEmpty());
}

TYPED_TEST(TimersTest, CallbackMayDestroyATimerDueInTheSameAdvance) {
  auto second = std::make_unique<typename TypeParam::Timer>();
  typename TypeParam::Timer first;
  this->timers_.Arm(first, this->In(absl::Milliseconds(1)));
  this->timers_.Arm(*second, this->In(absl::Milliseconds(2)));
  this->clock_.AdvanceBy(absl::Milliseconds(3));
  EXPECT_EQ(
      this->timers_.Advance(this->clock_.Now(), [&](auto&) { second.reset(); }),
      1u);
  EXPECT_TRUE(this->timers_.empty());
}

TYPED_TEST(TimersTest, CallbackMayPutOffATimerDueInTheSameAdvance) {
  typename TypeParam::Timer first, second;
  this->timers_.Arm(first, this->In(absl::Milliseconds(1)));
  this->timers_.Arm(second, this->In(absl::Milliseconds(2)));
  this->clock_.AdvanceBy(absl::Milliseconds(3));
  EXPECT_EQ(this->timers_.Advance(
                this->clock_.Now(),
                [&](auto&) {
                  this->timers_.Arm(second, this->In(absl::Milliseconds(4)));
                }),
            1u);
  EXPECT_THAT(this->AdvanceBy(absl::Milliseconds(4)), ElementsAre(&second));
}

TYPED_TEST(TimersTest, TimerArmedByCallbackWaitsForNextAdvance) {
  typename TypeParam::Timer timer;
  this->timers_.Arm(timer, this->In(absl::ZeroDuration()));
  EXPECT_EQ(this->timers_.Advance(
                this->clock_.Now(),
                [&](auto& t) { this->timers_.Arm(t, this->clock_.Now()); }),
            1u);
  EXPECT_THAT(this->timers_.NextWakeup(), Optional(this->clock_.Now()));
  EXPECT_THAT(this->AdvanceBy(absl::ZeroDuration()), ElementsAre(&timer));
}

TYPED_TEST(TimersTest, InfiniteFutureNeverExpiresAndAsksForNoWakeup) {
  typename TypeParam::Timer timer;
  this->timers_.Arm(timer, this->In(absl::InfiniteDuration()));
  EXPECT_EQ(this->timers_.size(), 1u);
  EXPECT_EQ(this->timers_.NextWakeup(), std::nullopt);
  EXPECT_THAT(this->AdvanceBy(50 * kYear), IsEmpty());
  EXPECT_THAT(this->AdvanceBy(absl::InfiniteDuration()), IsEmpty());
  EXPECT_TRUE(timer.armed());
}

TYPED_TEST(TimersTest, InfinityMayComeAndGo) {
  typename TypeParam::Timer timer;
  this->timers_.Arm(timer, this->In(absl::Seconds(1)));
  this->timers_.Arm(timer, MonotonicTime::InfiniteFuture());
  EXPECT_EQ(this->timers_.NextWakeup(), std::nullopt);
  EXPECT_THAT(this->AdvanceBy(absl::Seconds(2)), IsEmpty());
  this->timers_.Arm(timer, this->In(absl::Seconds(1)));
  EXPECT_THAT(this->timers_.NextWakeup(), Optional(this->In(absl::Seconds(1))));
  EXPECT_THAT(this->AdvanceBy(absl::Seconds(1)), ElementsAre(&timer));
}

TYPED_TEST(TimersTest, ClockThatGoesBackCountsAsTheLastTime) {
  typename TypeParam::Timer timer;
  this->AdvanceBy(absl::Seconds(10));
  this->timers_.Arm(timer, this->clock_.Now());
  EXPECT_THAT(this->AdvanceBy(-absl::Seconds(5)), ElementsAre(&timer));
  this->timers_.Arm(timer, this->In(absl::Seconds(6)));
  EXPECT_THAT(this->AdvanceBy(-absl::Seconds(5)), IsEmpty());
  EXPECT_THAT(this->AdvanceBy(absl::Seconds(11)), ElementsAre(&timer));
}

TYPED_TEST(TimersTest, ItsEndDisarmsWhatIsArmedAndReportsNothing) {
  std::deque<typename TypeParam::Timer> timers(3);
  {
    TypeParam short_lived(this->clock_.Now());
    short_lived.Arm(timers[0], this->In(absl::Seconds(1)));
    short_lived.Arm(timers[1], this->In(-absl::Seconds(1)));
    short_lived.Arm(timers[2], MonotonicTime::InfiniteFuture());
  }
  for (const auto& timer : timers) EXPECT_FALSE(timer.armed());
}

TYPED_TEST(TimersTest, ForeignTimersAndNestedAdvanceAreCallerBugs) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  TypeParam other(this->clock_.Now());
  typename TypeParam::Timer timer;
  this->timers_.Arm(timer, this->clock_.Now());
  EXPECT_DEATH(other.Disarm(timer), "armed in another");
  EXPECT_DEATH(other.Arm(timer, this->clock_.Now()), "armed in another");
  EXPECT_DEATH(this->timers_.Advance(this->clock_.Now(),
                                     [&](auto&) {
                                       this->timers_.Advance(this->clock_.Now(),
                                                             [](auto&) {});
                                     }),
               "called from on_expired");
}

// What only the wheel has.
class TimerWheelTest : public timers_internal::TimersTest<TimerWheel> {};

TEST_F(TimerWheelTest, CallbackMayDestroyTheWheel) {
  auto wheel = std::make_unique<TimerWheel>(clock_.Now());
  std::deque<TimerWheel::Timer> timers(3);
  wheel->Arm(timers[0], clock_.Now());
  wheel->Arm(timers[1], clock_.Now());
  wheel->Arm(timers[2], In(absl::Seconds(1)));
  EXPECT_EQ(
      wheel->Advance(clock_.Now(), [&](TimerWheel::Timer&) { wheel.reset(); }),
      1u);
  for (const TimerWheel::Timer& timer : timers) EXPECT_FALSE(timer.armed());
}

TEST_F(TimerWheelTest, NothingIsEverAllocated) {
  auto wheel = std::make_unique<TimerWheel>(clock_.Now());
  std::deque<TimerWheel::Timer> timers(1000);
  std::mt19937_64 random(1);
  const auto before = mallinfo2().uordblks;
  size_t expired = 0;
  for (int i = 0; i < 20'000; ++i) {
    wheel->Arm(timers[random() % 1000],
               In(absl::Nanoseconds(random() % 100'000'000)));
    clock_.AdvanceBy(absl::Microseconds(random() % 500));
    wheel->NextWakeup();
    expired += wheel->Advance(clock_.Now(), [](TimerWheel::Timer&) {});
  }
  EXPECT_EQ(mallinfo2().uordblks, before);
  EXPECT_GT(expired, 0u);
}

// As the owner of a wheel does it: sleep until NextWakeup(), then Advance().
TEST_F(TimerWheelTest, FewTimersWakeTheirOwnerOncePerTimer) {
  std::deque<TimerWheel::Timer> timers(16);
  for (int i = 0; i < 16; ++i) {
    timers_.Arm(timers[i], In(absl::Hours(1) + i * absl::Nanoseconds(12345)));
  }
  for (TimerWheel::Timer& timer : timers) {
    ASSERT_THAT(timers_.NextWakeup(), Optional(timer.deadline()));
    clock_.SetTo(*timers_.NextWakeup());
    ASSERT_THAT(AdvanceBy(absl::ZeroDuration()), ElementsAre(&timer));
  }
}

TEST_F(TimerWheelTest, ManyTimersCostFewWakeupsMoreThanTheirNumber) {
  constexpr int kTimers = 10'000;
  std::deque<TimerWheel::Timer> timers(kTimers);
  std::mt19937_64 random(2);
  for (TimerWheel::Timer& timer : timers) {
    timers_.Arm(timer, In(absl::Nanoseconds(random() % 30'000'000'000)));
  }
  int idle_wakeups = 0;
  while (!timers_.empty()) {
    clock_.SetTo(*timers_.NextWakeup());
    idle_wakeups += AdvanceBy(absl::ZeroDuration()).empty() ? 1 : 0;
  }
  EXPECT_LT(idle_wakeups, kTimers / 16);
}

TEST_F(TimerWheelTest, NextWakeupSeesThroughPostponedTimers) {
  std::deque<TimerWheel::Timer> timers(100);
  for (TimerWheel::Timer& timer : timers) {
    timers_.Arm(timer, In(absl::Seconds(1)));
  }
  for (TimerWheel::Timer& timer : timers) {
    timers_.Arm(timer, In(absl::Hours(1)));
  }
  TimerWheel::Timer other;
  timers_.Arm(other, In(absl::Minutes(1)));
  timers_.Disarm(other);
  timers_.Arm(other, In(absl::Minutes(2)));
  EXPECT_THAT(timers_.NextWakeup(), Optional(In(absl::Minutes(2))));
  EXPECT_THAT(AdvanceBy(absl::Minutes(2)), ElementsAre(&other));
  EXPECT_EQ(AdvanceBy(absl::Minutes(58)).size(), 100u);
}

TEST_F(TimerWheelTest, PostponingMovesATimerOnlyWhenItsOldPlaceComesUp) {
  TimerWheel::Timer timer;
  timers_.Arm(timer, In(absl::Seconds(30)));
  for (int i = 0; i < 1000; ++i) {
    EXPECT_THAT(AdvanceBy(absl::Milliseconds(10)), IsEmpty());
    timers_.Arm(timer, In(absl::Seconds(30)));
  }
  EXPECT_LE(timers_.moves(), 10u);
  EXPECT_THAT(AdvanceBy(absl::Seconds(30) - kNanosecond), IsEmpty());
  EXPECT_THAT(AdvanceBy(kNanosecond), ElementsAre(&timer));
}

// The bound on all cascading together: a timer only ever sinks, and a sinking
// timer passes each level once.
TEST_F(TimerWheelTest, ATimerMovesAtMostOncePerLevelWhateverTheSteps) {
  constexpr int kTimers = 64;
  for (int shift = 0; shift < 6 * TimerWheel::kLevels - 4; ++shift) {
    TimerWheel wheel(MonotonicTime::InfinitePast());
    std::deque<TimerWheel::Timer> timers(kTimers);
    MonotonicTime now = MonotonicTime::InfinitePast();
    const auto after = [](uint64_t nanos) {
      return MonotonicTime::FromNanos(
          static_cast<int64_t>(nanos ^ (uint64_t{1} << 63)));
    };
    // Deadlines that share no slot with the present and differ in the last
    // digit only.
    const uint64_t last = (uint64_t{1} << shift) | 63;
    for (TimerWheel::Timer& timer : timers) wheel.Arm(timer, after(last));
    // To the nanosecond before, stopping at each slot on the way.
    for (int digit = TimerWheel::kLevels - 1; digit >= 0; --digit) {
      now = std::max(now, after(last >> (6 * digit) << (6 * digit)));
      wheel.Advance(std::min(now, after(last - 1)),
                    [](TimerWheel::Timer&) { ADD_FAILURE() << "early"; });
    }
    ASSERT_EQ(wheel.Advance(after(last), [](TimerWheel::Timer&) {}),
              size_t{kTimers});
    ASSERT_LE(wheel.moves(), uint64_t{kTimers} * TimerWheel::kLevels);
  }
}

#if defined(__cpp_exceptions)
TEST_F(TimerWheelTest, WhenACallbackThrowsTheRestIsForTheNextAdvance) {
  std::deque<TimerWheel::Timer> timers(3);
  for (TimerWheel::Timer& timer : timers) timers_.Arm(timer, clock_.Now());
  EXPECT_THROW(timers_.Advance(clock_.Now(),
                               [](TimerWheel::Timer&) {
                                 throw std::runtime_error("callback");
                               }),
               std::runtime_error);
  EXPECT_EQ(timers_.size(), 2u);
  EXPECT_THAT(timers_.NextWakeup(), Optional(clock_.Now()));
  EXPECT_THAT(AdvanceBy(absl::ZeroDuration()),
              ElementsAre(&timers[1], &timers[2]));
}
#endif

}  // namespace
}  // namespace evkit
