// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// What the tests of TimerWheel and TimerHeap start from.

#ifndef EVKIT_TIMERS_INTERNAL_TIMERS_FIXTURE_H_
#define EVKIT_TIMERS_INTERNAL_TIMERS_FIXTURE_H_

#include <vector>

#include "absl/time/time.h"
#include "evkit/timers/clock.h"
#include "evkit/timers/fake_clock.h"
#include "gtest/gtest.h"

namespace evkit::timers_internal {

template <typename T>
class TimersTest : public ::testing::Test {
 protected:
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

}  // namespace evkit::timers_internal

#endif  // EVKIT_TIMERS_INTERNAL_TIMERS_FIXTURE_H_
