// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/sync/internal/lock_state.h"

namespace evkit::loop_internal {

// One task's wait for the lock. However it ends, and if it is by the
// destruction of the frame, a lock that it leaves free goes to the next.
class LockState::Turn {
 public:
  explicit Turn(LockState& lock)
      : lock_(lock), place_(lock.waiters_, "Lock.Acquire") {}
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  ~Turn() {
    place_.Leave();
    if (!lock_.locked_) lock_.WakeFirst();
  }

  Waiter& waiter() { return place_.waiter(); }

 private:
  LockState& lock_;
  WaitPlace place_;
};

Coro<void> LockState::Acquire(LockRef lock) {
  if (lock->TryAcquire()) co_return absl::OkStatus();
  absl::Status status = lock->Bind("Lock");
  if (!status.ok()) co_return status;
  Turn turn(*lock);
  status = co_await turn.waiter();
  if (status.ok()) lock->locked_ = true;
  co_return status;
}

absl::Status LockState::Release() {
  if (!locked_) return absl::FailedPreconditionError("Lock is not acquired");
  locked_ = false;
  WakeFirst();
  return absl::OkStatus();
}

void LockState::WakeFirst() {
  // One that is woken already, or cancelled, passes it on itself.
  if (!waiters_.empty()) waiters_.first()->waiter().Complete();
}

}  // namespace evkit::loop_internal
