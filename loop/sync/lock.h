// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Mutual exclusion between the tasks of one loop, across awaits. (Between two
// awaits a task has the loop for itself anyway.) Contract rules SYN-01 to
// SYN-05.
//
//   Lock lock;
//
//   Coro<void> Append(Line line) {
//     ScopedLock held = co_await OrReturn(lock.AcquireScoped());
//     co_await OrReturn(file.Write(line));
//     co_return absl::OkStatus();
//   }
//
// Fair: tasks get the lock in the order in which they asked for it, and one
// that asks while others wait, or are about to go on, queues behind them
// (SYN-04). A wake-up that reaches a task which is cancelled, or whose frame is
// destroyed, goes to the next (SYN-05).
//
// Not owned by a task: whoever likes may release it. Not recursive.
//
// Belongs to one thread, and to the first loop on which a task had to wait for
// it: on another one waiting is kFailedPrecondition (SYN-01). A Lock may be
// destroyed while tasks hold it or wait for it; it ends with the last of them.
// Acquiring a free lock allocates nothing but a recycled coroutine frame.

#ifndef EVKIT_LOOP_SYNC_LOCK_H_
#define EVKIT_LOOP_SYNC_LOCK_H_

#include <utility>

#include "absl/status/status.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/loop/sync/internal/lock_state.h"

namespace evkit {

// Holds a lock, and releases it when destroyed. Movable. Keeps what it needs of
// the lock alive.
class [[nodiscard]] ScopedLock {
 public:
  // Holds nothing.
  ScopedLock() = default;
  // Of one that is held already, by whoever calls this. For those who build on
  // locks.
  explicit ScopedLock(loop_internal::LockRef held) : lock_(std::move(held)) {}
  ScopedLock(ScopedLock&& other) noexcept = default;
  ScopedLock& operator=(ScopedLock&& other) noexcept {
    ScopedLock old(std::move(other));
    std::swap(lock_, old.lock_);
    return *this;
  }
  ~ScopedLock() {
    if (lock_) lock_->Release().IgnoreError();
  }

  // False after `Release()`, and for one that was moved from.
  bool holds() const { return static_cast<bool>(lock_); }

  // Releases the lock early. kFailedPrecondition if this holds nothing, or if
  // somebody else has released the lock.
  absl::Status Release();

 private:
  loop_internal::LockRef lock_;
};

namespace loop_internal {
Coro<ScopedLock> AcquireScoped(LockRef lock);
}  // namespace loop_internal

class Lock {
 public:
  Lock();
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;
  ~Lock();

  // Whether somebody has it. False between a release and the turn in which the
  // next task has it (SYN-03).
  bool locked() const { return state_->locked(); }

  // Waits until the caller has the lock; no turn if it is free and nobody
  // waits. OK, or the caller does not have it:
  //   kCancelled: the task was cancelled. Cancel-safe.
  //   kFailedPrecondition: the lock belongs to another loop.
  Coro<void> Acquire() { return loop_internal::LockState::Acquire(state_); }

  // The same, and releases the lock when the result is destroyed.
  Coro<ScopedLock> AcquireScoped() {
    return loop_internal::AcquireScoped(state_);
  }

  // Frees the lock, and has the first of those who wait go on in the next turn.
  // kFailedPrecondition if nobody has it (SYN-03).
  absl::Status Release() { return state_->Release(); }

  // For those who build on locks.
  const loop_internal::LockRef& state() const { return state_; }

 private:
  const loop_internal::LockRef state_;
};

}  // namespace evkit

#endif  // EVKIT_LOOP_SYNC_LOCK_H_
