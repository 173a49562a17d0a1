// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/sync/internal/queue_core.h"

#include <algorithm>

#include "evkit/loop/coro/or_return.h"

namespace evkit::loop_internal {

absl::Status QueueCore::ShutDownError() {
  return absl::OutOfRangeError("queue is shut down");
}

void QueueTurn::PassOn() {
  const bool none = what_ == kRoom ? queue_.full() : queue_.empty();
  if (!none) list().WakeNext();
}

QueueCore::QueueCore(size_t maxsize) : maxsize_(maxsize) { finished_.Set(); }

absl::Status QueueCore::WhyNotPut() const {
  if (shut_down_) return ShutDownError();
  return absl::ResourceExhaustedError("queue is full");
}

absl::Status QueueCore::CheckGet() const {
  if (!empty()) return absl::OkStatus();
  if (shut_down_) return ShutDownError();
  return absl::UnavailableError("queue is empty");
}

absl::Status QueueCore::TaskDone() {
  if (unfinished_ == 0) {
    return absl::InvalidArgumentError("TaskDone() called too many times");
  }
  if (--unfinished_ == 0) finished_.Set();
  return absl::OkStatus();
}

Coro<void> QueueCore::Join(RefPtr<QueueCore> queue) {
  if (queue->unfinished_ > 0) co_await OrReturn(queue->finished_.Wait());
  co_return absl::OkStatus();
}

void QueueCore::Shutdown(bool immediate) {
  shut_down_ = true;
  if (immediate) {
    unfinished_ -= std::min<uint64_t>(unfinished_, size_);
    size_ = 0;
    if (unfinished_ == 0) finished_.Set();
  }
  getters_.WakeAll();
  putters_.WakeAll();
}

}  // namespace evkit::loop_internal
