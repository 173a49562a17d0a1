// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// The wheel against the obvious model, a sorted map, over random operations:
// deadlines of every magnitude and on both sides of every level boundary,
// steps of every length, callbacks that arm, disarm and destroy.

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "evkit/timers/clock.h"
#include "evkit/timers/timer_wheel.h"
#include "gtest/gtest.h"

#if defined(__has_feature)
#define EVKIT_HAS_FEATURE(x) __has_feature(x)
#else
#define EVKIT_HAS_FEATURE(x) 0
#endif

namespace evkit {
namespace {

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__) || \
    EVKIT_HAS_FEATURE(thread_sanitizer) ||                           \
    EVKIT_HAS_FEATURE(address_sanitizer)
constexpr int kSteps = 60'000;
#else
constexpr int kSteps = 260'000;
#endif

// A wheel and the model of it, side by side.
class CheckedWheel {
 public:
  CheckedWheel(MonotonicTime now, int timers, uint64_t seed)
      : now_(now), wheel_(now), random_(seed), timers_(timers) {
    for (auto& timer : timers_) timer = std::make_unique<TimerWheel::Timer>();
    keys_.resize(timers);
  }

  void Step() {
    switch (random_() % 8) {
      case 0:
      case 1:
      case 2:
      case 3:
        ArmOne();
        break;
      case 4:
        DisarmOne();
        break;
      case 5:
        DestroyOne();
        break;
      case 6:
        Advance(now_ + RandomDuration());
        break;
      case 7:
        AdvanceToNextWakeup();
        break;
    }
    CheckNextWakeup();
    ASSERT_EQ(wheel_.size(), model_.size());
  }

  void Finish() {
    Advance(MonotonicTime::FromNanos(MonotonicTime::InfiniteFuture().ToNanos() -
                                     1));
    CheckNextWakeup();
    ASSERT_LE(wheel_.moves(), arms_ * TimerWheel::kLevels);
  }

  MonotonicTime now() const { return now_; }

 private:
  // Deadline, order of arming.
  using Key = std::pair<MonotonicTime, uint64_t>;

  absl::Duration RandomDuration() {
    const int64_t magnitude = int64_t{1} << (random_() % 46);
    // Half of them on a level boundary or right beside one.
    if (random_() % 2 == 0) {
      const int64_t unit = int64_t{1} << (6 * (random_() % 8));
      const int64_t to_boundary =
          unit * static_cast<int64_t>(1 + random_() % 64) -
          now_.ToNanos() % unit;
      return absl::Nanoseconds(to_boundary - 1 +
                               static_cast<int64_t>(random_() % 3));
    }
    return absl::Nanoseconds(magnitude + random_() % magnitude);
  }

  MonotonicTime RandomDeadline() {
    switch (random_() % 16) {
      case 0:
        return MonotonicTime::InfiniteFuture();
      case 1:
        return now_ - RandomDuration();
      case 2:
        return now_;
      case 3:  // Equal to another.
        return timers_[random_() % timers_.size()]->deadline();
      default:
        return now_ + RandomDuration();
    }
  }

  void Forget(int i) {
    if (!keys_[i].has_value()) return;
    model_.erase(*keys_[i]);
    keys_[i].reset();
  }

  void ArmOne() {
    const int i = static_cast<int>(random_() % timers_.size());
    const MonotonicTime deadline = RandomDeadline();
    Forget(i);
    wheel_.Arm(*timers_[i], deadline);
    keys_[i] = Key(deadline, arms_++);
    model_[*keys_[i]] = i;
  }

  void DisarmOne() {
    // Every other time the first, which NextWakeup() stands for.
    const int i = random_() % 2 == 0 && !model_.empty()
                      ? model_.begin()->second
                      : static_cast<int>(random_() % timers_.size());
    Forget(i);
    wheel_.Disarm(*timers_[i]);
  }

  void DestroyOne() {
    const int i = static_cast<int>(random_() % timers_.size());
    Forget(i);
    timers_[i] = std::make_unique<TimerWheel::Timer>();
  }

  void Advance(MonotonicTime to) {
    now_ = std::max(now_, to);
    const uint64_t armed_before = arms_;
    const size_t reported = wheel_.Advance(now_, [&](TimerWheel::Timer& timer) {
      // The first in the model that was armed before this Advance().
      auto due = model_.begin();
      while (due != model_.end() && due->first.second >= armed_before) ++due;
      ASSERT_NE(due, model_.end());
      ASSERT_LE(due->first.first, now_);
      ASSERT_EQ(timers_[due->second].get(), &timer);
      ASSERT_FALSE(timer.armed());
      Forget(due->second);
      const uint64_t choice = random_() % 16;
      if (choice == 0) ArmOne();
      if (choice == 1) DisarmOne();
      if (choice == 2) DestroyOne();
    });
    reported_ += reported;
    for (const auto& [key, i] : model_) {
      if (key.first > now_) break;
      // What is due and left was armed by a callback.
      ASSERT_TRUE(key.second >= armed_before ||
                  key.first == MonotonicTime::InfiniteFuture());
    }
  }

  // Going where NextWakeup() says must lead to the first deadline in at most
  // one step per level.
  void AdvanceToNextWakeup() {
    if (!wheel_.NextWakeup().has_value()) return;
    const uint64_t reported_before = reported_;
    for (int i = 0; i < TimerWheel::kLevels; ++i) {
      Advance(*wheel_.NextWakeup());
      if (reported_ > reported_before) return;
    }
    FAIL() << "nothing expired where NextWakeup() led";
  }

  void CheckNextWakeup() {
    const std::optional<MonotonicTime> next = wheel_.NextWakeup();
    if (model_.empty() ||
        model_.begin()->first.first == MonotonicTime::InfiniteFuture()) {
      ASSERT_EQ(next, std::nullopt);
      return;
    }
    ASSERT_TRUE(next.has_value());
    const MonotonicTime first = model_.begin()->first.first;
    ASSERT_LE(*next, first);
    // An overdue timer is in the finest level, as is one within 64 ns of the
    // present where no boundary lies between; and few timers are always seen.
    const bool near = first.ToNanos() >> 6 <= now_.ToNanos() >> 6;
    if (near || model_.size() <= 16) {
      ASSERT_EQ(*next, first);
    }
  }

  MonotonicTime now_;
  TimerWheel wheel_;
  std::mt19937_64 random_;
  uint64_t arms_ = 0;
  uint64_t reported_ = 0;
  std::vector<std::unique_ptr<TimerWheel::Timer>> timers_;
  std::vector<std::optional<Key>> keys_;
  std::map<Key, int> model_;
};

void RunFrom(MonotonicTime start, int timers, int steps, uint64_t seed) {
  auto checked = std::make_unique<CheckedWheel>(start, timers, seed);
  for (int step = 0; step < steps; ++step) {
    checked->Step();
    if (::testing::Test::HasFatalFailure()) FAIL() << "at step " << step;
    // Time runs fast here: begin again before it has run out.
    if (checked->now().ToNanos() > int64_t{9} << 59) {
      checked->Finish();
      if (::testing::Test::HasFatalFailure()) FAIL() << "at the end " << step;
      checked = std::make_unique<CheckedWheel>(start, timers, seed + step);
    }
  }
  checked->Finish();
}

TEST(TimerWheelRandomTest, bug_C3_FewTimersAreAsInASortedMap) {
  RunFrom(MonotonicTime::FromNanos(0), 10, kSteps, 1);
}

TEST(TimerWheelRandomTest, bug_C3_ManyTimersAreAsInASortedMap) {
  RunFrom(MonotonicTime::FromNanos(int64_t{1} << 53), 300, kSteps, 2);
}

TEST(TimerWheelRandomTest, bug_C9_OldClocksMakeNoDifference) {
  RunFrom(MonotonicTime::FromNanos(int64_t{1'700'000'000} * 1'000'000'000), 100,
          kSteps, 3);
}

TEST(TimerWheelRandomTest, TimesBeforeTheEpochAreAsInASortedMap) {
  RunFrom(MonotonicTime::InfinitePast(), 100, kSteps, 4);
}

// Every start and every deadline beside every boundary of every level.
TEST(TimerWheelRandomTest,
     bug_C1_BoundariesOfAllLevelsAreExactToTheNanosecond) {
  for (int from = 0; from < 63; ++from) {
    for (int to = 0; to < 63; ++to) {
      for (const int64_t start_offset : {-1, 0, 1}) {
        for (const int64_t offset : {-1, 0, 1}) {
          const MonotonicTime start =
              MonotonicTime::FromNanos((int64_t{1} << from) + start_offset);
          const MonotonicTime deadline =
              MonotonicTime::FromNanos((int64_t{1} << to) + offset);
          TimerWheel wheel(start);
          TimerWheel::Timer timer;
          wheel.Arm(timer, deadline);
          ASSERT_EQ(wheel.NextWakeup(), deadline);
          const size_t early =
              wheel.Advance(MonotonicTime::FromNanos(deadline.ToNanos() - 1),
                            [](TimerWheel::Timer&) {});
          ASSERT_EQ(early, deadline <= start ? 1u : 0u);
          const size_t on_time =
              wheel.Advance(deadline, [](TimerWheel::Timer&) {});
          ASSERT_EQ(early + on_time, 1u);
        }
      }
    }
  }
}

}  // namespace
}  // namespace evkit
