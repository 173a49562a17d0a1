// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// What is left of a `Select()`'s timeout, in the forms that the kernel takes.
//
// It reads CLOCK_MONOTONIC itself, not through the loop's clock: the kernel
// waits by that clock, and this is the rest of one wait in the kernel, not a
// notion of time of the program. A selector for virtual time (FakeSelector)
// does not wait and does not come here.

#ifndef EVKIT_SELECTORS_INTERNAL_REMAINING_WAIT_H_
#define EVKIT_SELECTORS_INTERNAL_REMAINING_WAIT_H_

#include <time.h>

#include <cstdint>

#include "absl/time/time.h"

namespace evkit::selectors_internal {

class RemainingWait {
 public:
  // `timeout` as in Selector::Select. Reads the clock only if there is an end
  // to wait for.
  explicit RemainingWait(absl::Duration timeout) {
    if (timeout == absl::InfiniteDuration()) {
      left_ = kForever;
    } else if (timeout > absl::ZeroDuration()) {
      Start(timeout);
    }
  }

  // Nothing happened, or a signal did: recomputes what is left, and returns
  // false if that is nothing.
  bool Continue();

  // For ppoll, pselect and epoll_pwait2: `storage`, filled in, or null to wait
  // for ever.
  const timespec* ToTimespec(timespec& storage) const;

  // For epoll_wait: rounded up, or -1 to wait for ever. A wait of more than 24
  // days is cut to what an int holds; `Continue()` is true after it.
  int ToMillis() const;

  // Whether `ToMillis()` says all of it.
  bool IsWholeMillis() const {
    return left_ == kForever || left_ % kNanosPerMilli == 0;
  }

  // Whether nothing is left of it; whether something is, and not for ever.
  bool IsOver() const { return left_ == 0; }
  bool HasEnd() const { return left_ != 0 && left_ != kForever; }

 private:
  static constexpr int64_t kForever = INT64_MAX;
  static constexpr int64_t kNanosPerMilli = 1'000'000;

  void Start(absl::Duration timeout);

  int64_t left_ = 0;  // In nanoseconds.
  int64_t end_ = 0;
};

}  // namespace evkit::selectors_internal

#endif  // EVKIT_SELECTORS_INTERNAL_REMAINING_WAIT_H_
