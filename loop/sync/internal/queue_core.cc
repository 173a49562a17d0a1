// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/sync/internal/queue_core.h"

#include <algorithm>

#include "evkit/loop/coro/or_return.h"

namespace evkit::loop_internal {
namespace {

absl::Status ShutDownError() {
  return absl::OutOfRangeError("queue is shut down");
}

}  // namespace

// One wait for room or for an item. If it ends without the caller going on,
// although it was woken, the next in line is woken in its place.
class QueueCore::Turn {
 public:
  enum class What { kRoom, kItem };

  Turn(QueueCore& queue, What what)
      : queue_(queue), what_(what), place_(list(), name()) {}
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  ~Turn() {
    place_.Leave();
    if (taken_ || !place_.woken()) return;
    const bool none = what_ == What::kRoom ? queue_.full() : queue_.empty();
    if (!none) list().WakeNext();
  }

  Waiter& waiter() { return place_.waiter(); }
  void Take() { taken_ = true; }

 private:
  WaitList& list() {
    return what_ == What::kRoom ? queue_.putters_ : queue_.getters_;
  }
  const char* name() const {
    return what_ == What::kRoom ? "Queue.Put" : "Queue.Get";
  }

  QueueCore& queue_;
  const What what_;
  WaitPlace place_;
  bool taken_ = false;
};

QueueCore::QueueCore(size_t maxsize) : maxsize_(maxsize) { finished_.Set(); }

absl::Status QueueCore::CheckPut() const {
  if (shut_down_) return ShutDownError();
  if (full()) return absl::ResourceExhaustedError("queue is full");
  return absl::OkStatus();
}

absl::Status QueueCore::CheckGet() const {
  if (!empty()) return absl::OkStatus();
  if (shut_down_) return ShutDownError();
  return absl::UnavailableError("queue is empty");
}

void QueueCore::OnPut() {
  ++size_;
  ++unfinished_;
  finished_.Clear();
  getters_.WakeNext();
}

void QueueCore::OnGet() {
  --size_;
  putters_.WakeNext();
}

Coro<void> QueueCore::WaitForRoom(RefPtr<QueueCore> queue) {
  while (queue->full()) {
    if (queue->shut_down_) co_return ShutDownError();
    co_await OrReturn(queue->Bind("Queue"));
    Turn turn(*queue, Turn::What::kRoom);
    co_await OrReturn(turn.waiter());
    turn.Take();
  }
  co_return absl::OkStatus();
}

Coro<void> QueueCore::WaitForItem(RefPtr<QueueCore> queue) {
  while (queue->empty()) {
    if (queue->shut_down_) co_return ShutDownError();
    co_await OrReturn(queue->Bind("Queue"));
    Turn turn(*queue, Turn::What::kItem);
    co_await OrReturn(turn.waiter());
    turn.Take();
  }
  co_return absl::OkStatus();
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
