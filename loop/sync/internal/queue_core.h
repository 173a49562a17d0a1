// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// A queue without its items: how many there are, who waits, whether it is shut
// down. What is the same for all types and all orders.

#ifndef EVKIT_LOOP_SYNC_INTERNAL_QUEUE_CORE_H_
#define EVKIT_LOOP_SYNC_INTERNAL_QUEUE_CORE_H_

#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/loop/coro/internal/task_hub.h"
#include "evkit/loop/sync/event.h"
#include "evkit/loop/sync/internal/sync_state.h"
#include "evkit/loop/sync/internal/wait_list.h"

namespace evkit::loop_internal {

class QueueCore : public SyncState {
 public:
  size_t maxsize() const { return maxsize_; }
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  bool full() const { return maxsize_ > 0 && size_ >= maxsize_; }

  // Why no item can be put, or got, now; OK if one can.
  absl::Status CheckPut() const {
    if (shut_down_ || full()) [[unlikely]]
      return WhyNotPut();
    return absl::OkStatus();
  }
  absl::Status CheckGet() const;
  // An item has been put, or got.
  void OnPut() {
    ++size_;
    if (unfinished_++ == 0) finished_.Clear();
    getters_.WakeNext();
  }
  void OnGet() {
    --size_;
    putters_.WakeNext();
  }

  // Why the running task cannot wait for room or for an item; OK if it can,
  // which a QueueTurn is for.
  absl::Status CheckWait() {
    return shut_down_ ? ShutDownError() : Bind("Queue");
  }

  absl::Status TaskDone();
  static Coro<void> Join(RefPtr<QueueCore> queue);
  // `immediate`: all items are dropped, which is up to the caller.
  void Shutdown(bool immediate);

 protected:
  explicit QueueCore(size_t maxsize);
  ~QueueCore() override = default;

 private:
  friend class QueueTurn;

  static absl::Status ShutDownError();
  absl::Status WhyNotPut() const;

  const size_t maxsize_;
  size_t size_ = 0;
  WaitList getters_;
  WaitList putters_;
  uint64_t unfinished_ = 0;
  Event finished_;
  bool shut_down_ = false;
};

// One wait for room or for an item: a local of the coroutine that awaits
// `waiter()`. If it ends without the caller going on, although it was woken,
// the next in line is woken in its place.
class QueueTurn {
 public:
  enum What { kRoom, kItem };

  QueueTurn(QueueCore& queue, What what)
      : queue_(queue), what_(what), place_(list(), name()) {}
  QueueTurn(const QueueTurn&) = delete;
  QueueTurn& operator=(const QueueTurn&) = delete;
  ~QueueTurn() {
    place_.Leave();
    if (!taken_ && place_.woken()) PassOn();
  }

  Waiter& waiter() { return place_.waiter(); }
  void Take() { taken_ = true; }

 private:
  WaitList& list() {
    return what_ == kRoom ? queue_.putters_ : queue_.getters_;
  }
  const char* name() const {
    return what_ == kRoom ? "Queue.Put" : "Queue.Get";
  }
  void PassOn();

  QueueCore& queue_;
  const What what_;
  WaitPlace place_;
  bool taken_ = false;
};

}  // namespace evkit::loop_internal

#endif  // EVKIT_LOOP_SYNC_INTERNAL_QUEUE_CORE_H_
