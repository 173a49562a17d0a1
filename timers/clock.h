// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Monotonic time, and the one interface through which this library reads it.
//
// A `MonotonicTime` is a point on a clock that never goes back; it is a type
// of its own so that a deadline cannot be passed where a delay is wanted.
// Code that needs the time takes a `Clock&`; only `main()` and the loop factory
// name `Clock::Real()`, so every test may substitute `FakeClock`
// (timers/fake_clock.h).

#ifndef EVKIT_TIMERS_CLOCK_H_
#define EVKIT_TIMERS_CLOCK_H_

#include <compare>
#include <cstdint>
#include <limits>

#include "absl/time/time.h"

namespace evkit {

// A point in time on a monotonic clock, in whole nanoseconds. Cheap to copy;
// compares as an integer. Times of different clocks must not be mixed (not
// checked).
//
// Arithmetic saturates at `InfinitePast()` and `InfiniteFuture()`, which stay
// what they are whatever is added to them. A duration of more than 292 years
// counts as infinite; fractions of a nanosecond are dropped.
class MonotonicTime {
 public:
  // The clock's epoch, which means nothing by itself.
  constexpr MonotonicTime() = default;
  static constexpr MonotonicTime FromNanos(int64_t nanos_since_epoch) {
    return MonotonicTime(nanos_since_epoch);
  }
  static constexpr MonotonicTime InfiniteFuture() {
    return MonotonicTime(kMax);
  }
  static constexpr MonotonicTime InfinitePast() { return MonotonicTime(kMin); }

  constexpr int64_t ToNanos() const { return nanos_; }

  friend constexpr auto operator<=>(MonotonicTime, MonotonicTime) = default;

  friend MonotonicTime operator+(MonotonicTime t, absl::Duration d) {
    const int64_t nanos = absl::ToInt64Nanoseconds(d);
    if (IsOrdinary(t.nanos_) && IsOrdinary(nanos)) {
      return MonotonicTime(t.nanos_ + nanos);
    }
    return AddSaturated(t, nanos);
  }
  friend MonotonicTime operator-(MonotonicTime t, absl::Duration d) {
    const int64_t nanos = absl::ToInt64Nanoseconds(d);
    if (IsOrdinary(t.nanos_) && IsOrdinary(nanos)) {
      return MonotonicTime(t.nanos_ - nanos);
    }
    return AddSaturated(t, Negate(nanos));
  }
  friend absl::Duration operator-(MonotonicTime a, MonotonicTime b) {
    if (IsOrdinary(a.nanos_) && IsOrdinary(b.nanos_)) {
      return absl::Nanoseconds(a.nanos_ - b.nanos_);
    }
    return SubtractSaturated(a, b);
  }
  MonotonicTime& operator+=(absl::Duration d) { return *this = *this + d; }
  MonotonicTime& operator-=(absl::Duration d) { return *this = *this - d; }

 private:
  static constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  static constexpr int64_t kMin = std::numeric_limits<int64_t>::min();

  // Within +-146 years: the sum of two such numbers cannot overflow.
  static constexpr bool IsOrdinary(int64_t nanos) {
    constexpr int64_t kQuarter = int64_t{1} << 62;
    return nanos >= -kQuarter && nanos < kQuarter;
  }
  static constexpr int64_t Negate(int64_t nanos) {
    return nanos == kMin ? kMax : nanos == kMax ? kMin : -nanos;
  }
  static MonotonicTime AddSaturated(MonotonicTime t, int64_t nanos);
  static absl::Duration SubtractSaturated(MonotonicTime a, MonotonicTime b);

  explicit constexpr MonotonicTime(int64_t nanos) : nanos_(nanos) {}
  int64_t nanos_ = 0;
};

// Where time comes from. Thread-safe.
class Clock {
 public:
  // The process-wide CLOCK_MONOTONIC: setting the wall clock does not move it,
  // and it stands still while the machine is suspended. Never destroyed.
  static Clock& Real();

  virtual ~Clock() = default;

  // Never goes back.
  virtual MonotonicTime Now() = 0;
};

}  // namespace evkit

#endif  // EVKIT_TIMERS_CLOCK_H_
