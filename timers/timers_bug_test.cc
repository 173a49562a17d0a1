// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Bugs that other event loops' timers really had, each with its number in the
// catalogue. That they are not here is shown for the wheel and for the heap.

#include <malloc.h>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <random>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "evkit/timers/clock.h"
#include "evkit/timers/internal/timers_fixture.h"
#include "evkit/timers/timer_heap.h"
#include "evkit/timers/timer_wheel.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Optional;

constexpr absl::Duration kNanosecond = absl::Nanoseconds(1);
constexpr absl::Duration kYear = absl::Hours(24 * 365);

template <typename T>
class TimersBugTest : public timers_internal::TimersTest<T> {};

using Implementations = ::testing::Types<TimerWheel, TimerHeap>;
TYPED_TEST_SUITE(TimersBugTest, Implementations);

// A wheel wraps after its span, and short timers land in a wrapped slot.
TYPED_TEST(TimersBugTest, bug_C1_AnyTimeMayBeCrossedByTimersOfAnyLength) {
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
TYPED_TEST(TimersBugTest, bug_C2_TimersOfCenturiesAreNotEarly) {
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
TYPED_TEST(TimersBugTest, bug_C3_NextWakeupIsTheFirstOfAllLevels) {
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
TYPED_TEST(TimersBugTest, bug_C4_AStallOfAnyLengthLosesNothing) {
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
TYPED_TEST(TimersBugTest, bug_C5_CallbacksMayDisarmAnything) {
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
TYPED_TEST(TimersBugTest, bug_C9_LargeClocksKeepTheNanosecond) {
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
TYPED_TEST(TimersBugTest,
           bug_C13_TenThousandEqualDeadlinesComeInOrderOfArming) {
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
TYPED_TEST(TimersBugTest, bug_C14_CancelledTimersTakeNoMemory) {
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
TYPED_TEST(TimersBugTest, bug_C15_SizeIsZeroOnceAllAreDisarmedAnyHow) {
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
TYPED_TEST(TimersBugTest, bug_C16_AMissedWakeupIsCaughtUpWith) {
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

}  // namespace
}  // namespace evkit
