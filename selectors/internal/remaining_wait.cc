// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/selectors/internal/remaining_wait.h"

#include <algorithm>
#include <climits>

#include "evkit/base/syscalls.h"

namespace evkit::selectors_internal {
namespace {

constexpr int64_t kNanosPerSecond = 1'000'000'000;

// Negative if there is no clock.
int64_t NowNanos() {
  timespec now;
  if (sys::clock_gettime(CLOCK_MONOTONIC, &now) != 0) return -1;
  return int64_t{now.tv_sec} * kNanosPerSecond + now.tv_nsec;
}

int64_t CeilNanos(absl::Duration timeout) {
  const int64_t nanos = absl::ToInt64Nanoseconds(timeout);
  const bool cut = nanos != INT64_MAX && absl::Nanoseconds(nanos) < timeout;
  return nanos + (cut ? 1 : 0);
}

}  // namespace

// Requires that `timeout` is more than zero.
void RemainingWait::Start(absl::Duration timeout) {
  left_ = CeilNanos(timeout);
  if (left_ == kForever) return;
  const int64_t now = NowNanos();
  if (now >= 0) end_ = now > INT64_MAX - left_ ? INT64_MAX : now + left_;
}

bool RemainingWait::Continue() {
  if (left_ == kForever) return true;
  if (left_ == 0) return false;
  const int64_t now = NowNanos();
  left_ = now < 0 ? 0 : std::max<int64_t>(0, end_ - now);
  return left_ > 0;
}

const timespec* RemainingWait::ToTimespec(timespec& storage) const {
  if (left_ == kForever) return nullptr;
  storage.tv_sec = left_ / kNanosPerSecond;
  storage.tv_nsec = left_ % kNanosPerSecond;
  return &storage;
}

int RemainingWait::ToMillis() const {
  if (left_ == kForever) return -1;
  const int64_t millis =
      left_ / kNanosPerMilli + (left_ % kNanosPerMilli == 0 ? 0 : 1);
  return static_cast<int>(std::min<int64_t>(millis, INT_MAX));
}

}  // namespace evkit::selectors_internal
