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
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "evkit/timers/clock.h"
#include "evkit/timers/fake_clock.h"
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
class TimersTest : public ::testing::Test {
 protected:
  using Timers = T;
  using Timer = typename T::Timer;

  MonotonicTime In(absl::Duration d) { return clock_.Now() + d; }

  // Moves the clock and the timers, and returns what expired, in order.
  std::vector<Timer*> AdvanceBy(absl::Duration d) {
    clock_.AdvanceBy(d);
    std::vector<Timer*> expired;
    timers_.Advance(clock_.Now(), [&](Timer& t) { expired.push_back(&t); });
    return expired;
  }

  FakeClock clock_;
  T timers_{clock_.Now()};
};

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
  ::testing::GTEST_FLAG(death_test_style) = "threadsafe";
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

// A wheel wraps after its span, and short timers land in a wrapped slot.
TYPED_TEST(TimersTest, bug_C1_AnyTimeMayBeCrossedByTimersOfAnyLength) {
  std::deque<typename TypeParam::Timer> timers(2 * 11);
  for (int level = 0; level < 11; ++level) {
    for (const int64_t offset : {-1, 0, 1}) {
      const int64_t start =
          static_cast<int64_t>(uint64_t{1} << (6 * level)) + offset;
      this->clock_.SetTo(MonotonicTime::FromNanos(start));
      TypeParam wheel(this->clock_.Now());
      std::vector<std::pair<MonotonicTime, typename TypeParam::Timer*>> model;
      for (int i = 0; i < 11; ++i) {
        const absl::Duration length = absl::Nanoseconds(int64_t{1} << (6 * i));
        for (auto* timer : {&timers[2 * i], &timers[2 * i + 1]}) {
          wheel.Arm(*timer, this->In(length));
        }
        model.emplace_back(this->In(length), &timers[2 * i]);
        wheel.Disarm(timers[2 * i + 1]);
      }
      for (const auto& [deadline, timer] : model) {
        ASSERT_EQ(*wheel.NextWakeup(), deadline);
        this->clock_.SetTo(deadline - kNanosecond);
        ASSERT_EQ(wheel.Advance(this->clock_.Now(), [](auto&) {}), 0u);
        this->clock_.SetTo(deadline);
        ASSERT_EQ(wheel.Advance(this->clock_.Now(), [](auto&) {}), 1u);
        ASSERT_FALSE(timer->armed());
      }
      ASSERT_TRUE(wheel.empty());
    }
  }
}

// Timers longer than the wheel fire early.
TYPED_TEST(TimersTest, bug_C2_TimersOfCenturiesAreNotEarly) {
  typename TypeParam::Timer timer, last;
  const MonotonicTime end_of_time =
      MonotonicTime::InfiniteFuture() - absl::ZeroDuration();
  this->timers_.Arm(timer, this->In(250 * kYear));
  this->timers_.Arm(last, MonotonicTime::FromNanos(end_of_time.ToNanos() - 1));
  for (int i = 0; i < 249; ++i) {
    ASSERT_THAT(this->AdvanceBy(kYear), IsEmpty());
  }
  EXPECT_THAT(this->AdvanceBy(kYear - kNanosecond), IsEmpty());
  EXPECT_THAT(this->AdvanceBy(kNanosecond), ElementsAre(&timer));
  EXPECT_THAT(this->AdvanceBy(absl::InfiniteDuration()), ElementsAre(&last));
}

// A later timer in a coarse level hides an earlier one in a fine level.
TYPED_TEST(TimersTest, bug_C3_NextWakeupIsTheFirstOfAllLevels) {
  std::deque<typename TypeParam::Timer> timers(40);
  for (int i = 39; i >= 0; --i) {
    const MonotonicTime deadline =
        this->In(absl::Nanoseconds(int64_t{3} << i) + 7 * kNanosecond);
    this->timers_.Arm(timers[i], deadline);
    ASSERT_THAT(this->timers_.NextWakeup(), Optional(deadline));
  }
  for (auto& timer : timers) {
    ASSERT_THAT(this->timers_.NextWakeup(), Optional(timer.deadline()));
    this->clock_.SetTo(timer.deadline() - kNanosecond);
    ASSERT_THAT(this->AdvanceBy(absl::ZeroDuration()), IsEmpty());
    ASSERT_THAT(this->AdvanceBy(kNanosecond), ElementsAre(&timer));
  }
}

// Only the slot of the moment is looked at: a stall loses timers.
TYPED_TEST(TimersTest, bug_C4_AStallOfAnyLengthLosesNothing) {
  std::deque<typename TypeParam::Timer> timers(500);
  std::mt19937_64 random(4);
  for (absl::Duration stall = absl::Milliseconds(1); stall <= 100 * kYear;
       stall *= 7) {
    std::vector<typename TypeParam::Timer*> expected;
    for (auto& timer : timers) {
      const double share = static_cast<double>(random() % 1000) / 999;
      this->timers_.Arm(timer, this->In(share * stall));
      expected.push_back(&timer);
    }
    std::stable_sort(expected.begin(), expected.end(), [](auto* a, auto* b) {
      return a->deadline() < b->deadline();
    });
    ASSERT_EQ(this->AdvanceBy(stall), expected);
  }
}

// Cancelling, from callbacks, what is running, next, or about to run.
TYPED_TEST(TimersTest, bug_C5_CallbacksMayDisarmAnything) {
  std::deque<typename TypeParam::Timer> timers(6);
  for (auto& timer : timers) this->timers_.Arm(timer, this->clock_.Now());
  std::vector<int> reported;
  this->timers_.Advance(this->clock_.Now(), [&](auto& timer) {
    const int i = static_cast<int>(
        std::find_if(timers.begin(), timers.end(),
                     [&](const auto& t) { return &t == &timer; }) -
        timers.begin());
    reported.push_back(i);
    if (i == 0) this->timers_.Disarm(timer);                   // Itself.
    if (i == 1) this->timers_.Disarm(timers[2]);               // The next.
    if (i == 3) this->timers_.Disarm(timers[5]);               // The last.
    if (i == 4) this->timers_.Arm(timer, this->clock_.Now());  // Again.
  });
  EXPECT_THAT(reported, ElementsAre(0, 1, 3, 4));
  EXPECT_EQ(this->timers_.size(), 1u);
  EXPECT_THAT(this->AdvanceBy(absl::ZeroDuration()), ElementsAre(&timers[4]));
}

// A large clock: one tick more is the same number, and the timer never fires.
TYPED_TEST(TimersTest, bug_C9_LargeClocksKeepTheNanosecond) {
  for (const int64_t base : {int64_t{1'700'000'000} * 1'000'000'000,
                             int64_t{1} << 53, (int64_t{1} << 62) + 12345}) {
    this->clock_.SetTo(MonotonicTime::FromNanos(base));
    TypeParam wheel(this->clock_.Now());
    typename TypeParam::Timer timer;
    wheel.Arm(timer, this->In(kNanosecond));
    EXPECT_EQ(wheel.Advance(this->clock_.Now(), [](auto&) {}), 0u);
    EXPECT_THAT(wheel.NextWakeup(), Optional(this->In(kNanosecond)));
    EXPECT_EQ(wheel.Advance(*wheel.NextWakeup(), [](auto&) {}), 1u);
  }
}

// Equal deadlines out of order.
// TIME-06
TYPED_TEST(TimersTest, bug_C13_TenThousandEqualDeadlinesComeInOrderOfArming) {
  std::deque<typename TypeParam::Timer> timers(10'000);
  std::vector<typename TypeParam::Timer*> order;
  for (auto& timer : timers) order.push_back(&timer);
  std::shuffle(order.begin(), order.end(), std::mt19937_64(13));
  const MonotonicTime deadline = this->In(absl::Seconds(100));
  for (auto* timer : order) {
    // Some are postponed to it.
    const bool twice = (timer - order[0]) % 3 == 0;
    if (twice) this->timers_.Arm(*timer, deadline - absl::Seconds(50));
    this->timers_.Arm(*timer, deadline);
  }
  EXPECT_THAT(this->AdvanceBy(absl::Seconds(99)), IsEmpty());
  EXPECT_EQ(this->AdvanceBy(absl::Seconds(1)), order);
}

// Cancelled timers are kept until they would have run.
TYPED_TEST(TimersTest, bug_C14_CancelledTimersTakeNoMemory) {
  typename TypeParam::Timer timer;
  this->timers_.Arm(timer, this->In(absl::Hours(1)));
  this->timers_.Disarm(timer);
  const auto before = mallinfo2().uordblks;
  for (int i = 0; i < 1'000'000; ++i) {
    this->timers_.Arm(timer, this->In(absl::Hours(1)));
    this->timers_.Disarm(timer);
  }
  EXPECT_EQ(mallinfo2().uordblks, before);
}

// Cancelling them all leaves the count wrong.
TYPED_TEST(TimersTest, bug_C15_SizeIsZeroOnceAllAreDisarmedAnyHow) {
  auto timers = std::make_unique<std::deque<typename TypeParam::Timer>>(100);
  for (int i = 0; i < 100; ++i) {
    this->timers_.Arm((*timers)[i], this->In(i * absl::Seconds(1)));
  }
  for (int i = 0; i < 50; ++i) this->timers_.Disarm((*timers)[2 * i]);
  EXPECT_EQ(this->timers_.size(), 50u);
  EXPECT_EQ(this->AdvanceBy(absl::Seconds(25)).size(), 13u);
  EXPECT_EQ(this->timers_.size(), 37u);
  timers.reset();
  EXPECT_EQ(this->timers_.size(), 0u);
  EXPECT_EQ(this->timers_.NextWakeup(), std::nullopt);
}

// The driver sleeps through a suspend and misses its wake-ups.
TYPED_TEST(TimersTest, bug_C16_AMissedWakeupIsCaughtUpWith) {
  std::deque<typename TypeParam::Timer> timers(3);
  this->timers_.Arm(timers[0], this->In(absl::Seconds(1)));
  this->timers_.Arm(timers[1], this->In(absl::Hours(1)));
  this->timers_.Arm(timers[2], this->In(absl::Hours(10)));
  ASSERT_TRUE(this->timers_.NextWakeup().has_value());
  EXPECT_THAT(this->AdvanceBy(absl::Hours(9)),
              ElementsAre(&timers[0], &timers[1]));
  EXPECT_THAT(this->timers_.NextWakeup(), Optional(this->In(absl::Hours(1))));
  EXPECT_THAT(this->AdvanceBy(absl::Hours(9)), ElementsAre(&timers[2]));
}

// What only the wheel has.
class TimerWheelTest : public TimersTest<TimerWheel> {};

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
