// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Timers of both kinds beside a sorted map, whatever is done to them.

#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "evkit/loop/testing/test_loop.h"
#include "evkit/loop/timer/timer.h"
#include "evkit/timers/clock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

constexpr size_t kTimers = 60;

class Model {
 public:
  explicit Model(uint64_t seed) : random_(seed), handles_(kTimers) {
    for (size_t i = 0; i < kTimers; ++i) timers_.push_back(New(i));
  }

  void Run(int steps) {
    for (int i = 0; i < steps; ++i) {
      for (uint64_t n = random_() % 30; n > 0; --n) Act();
      ASSERT_TRUE(test_.FastForwardBy(SomeDelay()).ok());
      ASSERT_TRUE(pending_.empty() ||
                  pending_.begin()->first.first > test_->Time());
      Check();
    }
  }

  int64_t fired() const { return fired_; }

 private:
  // Timers of the first half are `Timer` objects, the others `CallAt()`.
  using Key = std::pair<MonotonicTime, int64_t>;

  absl::Duration SomeDelay() {
    // From nanoseconds to minutes, many of them equal.
    return absl::Nanoseconds(static_cast<int64_t>(random_() % 8)
                             << (random_() % 34));
  }

  std::unique_ptr<Timer> New(size_t i) {
    return std::make_unique<Timer>(test_.loop(), [this, i] { OnFired(i); });
  }

  void Forget(size_t i) {
    if (keys_.count(i) != 0) pending_.erase(keys_.extract(i).mapped());
  }

  void Start(size_t i, MonotonicTime when) {
    Forget(i);
    keys_[i] = Key(when, next_++);
    pending_[keys_[i]] = i;
    if (i % 2 == 0) {
      timers_[i]->StartAt(when);
      EXPECT_EQ(timers_[i]->when(), when);
    } else {
      handles_[i].Cancel();
      handles_[i] = test_->CallAt(when, [this, i] { OnFired(i); });
    }
  }

  void Stop(size_t i) {
    Forget(i);
    if (i % 2 != 0) return handles_[i].Cancel();
    if (random_() % 4 == 0) {
      timers_[i] = New(i);
    } else {
      timers_[i]->Stop();
    }
  }

  void Act() {
    const size_t i = random_() % kTimers;
    if (random_() % 4 == 0) return Stop(i);
    // In a callback only what is later than now; see OnFired().
    const absl::Duration back =
        firing_ ? -absl::Nanoseconds(1) : absl::Microseconds(1);
    Start(i, test_->Time() + SomeDelay() - back);
  }

  void OnFired(size_t i) {
    ++fired_;
    ASSERT_FALSE(pending_.empty());
    const auto [key, expected] = *pending_.begin();
    ASSERT_EQ(i, expected);
    ASSERT_LE(key.first, test_->Time());
    Forget(i);
    firing_ = true;
    // Whatever is due in this turn may be hit, itself included.
    for (uint64_t n = random_() % 4; n > 0; --n) Act();
    firing_ = false;
  }

  void Check() {
    for (size_t i = 0; i < kTimers; i += 2) {
      ASSERT_EQ(timers_[i]->armed(), keys_.count(i) != 0);
    }
  }

  std::mt19937_64 random_;
  TestLoop test_;
  std::vector<std::unique_ptr<Timer>> timers_;
  std::vector<TimerHandle> handles_;
  std::map<Key, size_t> pending_;
  std::map<size_t, Key> keys_;
  int64_t next_ = 0;
  int64_t fired_ = 0;
  bool firing_ = false;
};

// TIME-05
// TIME-06
// TIME-09
// TIME-13
TEST(TimerModelTest, WhateverIsDoneToThemTimersFireAsASortedMapHasThem) {
  int64_t fired = 0;
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    Model model(seed);
    model.Run(400);
    if (HasFatalFailure()) FAIL() << "seed " << seed;
    fired += model.fired();
  }
  EXPECT_GT(fired, 10'000);
}

}  // namespace
}  // namespace evkit
