// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// A clock that a test moves. Time stands still until it is told otherwise, so
// a test of an hour's timeout takes microseconds and comes out the same each
// time.
//
//   FakeClock clock;
//   Server server(clock);
//   clock.AdvanceBy(absl::Hours(1));

#ifndef EVKIT_TIMERS_FAKE_CLOCK_H_
#define EVKIT_TIMERS_FAKE_CLOCK_H_

#include <atomic>

#include "absl/time/time.h"
#include "evkit/timers/clock.h"

namespace evkit {

// Thread-safe.
class FakeClock : public Clock {
 public:
  // The default is an arbitrary time, neither 0 nor near an end of the range.
  explicit FakeClock(
      MonotonicTime now = MonotonicTime::FromNanos(1'000'000'000'000'000))
      : now_(now) {}

  MonotonicTime Now() override { return now_.load(); }

  // Saturates. A negative `d` is for tests of what a clock must never do.
  void AdvanceBy(absl::Duration d) {
    MonotonicTime now = now_.load();
    while (!now_.compare_exchange_weak(now, now + d)) {
    }
  }

  void SetTo(MonotonicTime now) { now_.store(now); }

 private:
  std::atomic<MonotonicTime> now_;
};

}  // namespace evkit

#endif  // EVKIT_TIMERS_FAKE_CLOCK_H_
