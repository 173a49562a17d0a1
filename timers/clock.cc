// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/timers/clock.h"

#include <time.h>

#include <cstdlib>

#include "evkit/base/syscalls.h"

namespace evkit {
namespace {

class RealClock final : public Clock {
 public:
  MonotonicTime Now() override {
    timespec time = {};
    // Every Linux has this clock; without it no deadline can be kept.
    if (sys::clock_gettime(CLOCK_MONOTONIC, &time) != 0) std::abort();
    return MonotonicTime::FromNanos(int64_t{time.tv_sec} * 1'000'000'000 +
                                    time.tv_nsec);
  }
};

}  // namespace

MonotonicTime MonotonicTime::AddSaturated(MonotonicTime t, int64_t nanos) {
  if (t.nanos_ == kMax || t.nanos_ == kMin) return t;
  int64_t sum;
  if (nanos == kMax || nanos == kMin ||
      __builtin_add_overflow(t.nanos_, nanos, &sum)) {
    return nanos > 0 ? InfiniteFuture() : InfinitePast();
  }
  return MonotonicTime(sum);
}

absl::Duration MonotonicTime::SubtractSaturated(MonotonicTime a,
                                                MonotonicTime b) {
  if (a.nanos_ == kMax || (b.nanos_ == kMin && a.nanos_ != kMin)) {
    return absl::InfiniteDuration();
  }
  if (a.nanos_ == kMin || b.nanos_ == kMax) return -absl::InfiniteDuration();
  return absl::Nanoseconds(a.nanos_) - absl::Nanoseconds(b.nanos_);
}

Clock& Clock::Real() {
  static RealClock* const clock = new RealClock;
  return *clock;
}

}  // namespace evkit
