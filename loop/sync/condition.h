// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Waiting until something that a lock guards has changed. Contract rules
// SYN-01, SYN-07 to SYN-09.
//
//   Condition changed;
//
//   Coro<void> WaitForLeader() {
//     ScopedLock held = co_await OrReturn(changed.AcquireScoped());
//     const auto has_leader = [this] { return leader_ != nullptr; };
//     co_await OrReturn(changed.WaitFor(has_leader));
//     ...                                   // the lock is held again
//   }
//   Coro<void> Elect(Node* node) {
//     ScopedLock held = co_await OrReturn(changed.AcquireScoped());
//     leader_ = node;
//     co_await OrReturn(changed.NotifyAll());
//     co_return absl::OkStatus();
//   }
//
// Tasks are notified in the order in which they came. A notification that
// reaches a task which is cancelled, or whose frame is destroyed, goes to the
// next (SYN-08). `Wait()` may return without a reason, so what is waited for
// must be looked at again; `WaitFor()` does.
//
// Belongs to one thread, and to the first loop on which a task had to wait for
// it: on another one waiting is kFailedPrecondition (SYN-01). May be destroyed
// while tasks wait, who then wait until they are cancelled.

#ifndef EVKIT_LOOP_SYNC_CONDITION_H_
#define EVKIT_LOOP_SYNC_CONDITION_H_

#include <functional>
#include <limits>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/loop/coro/internal/task_hub.h"
#include "evkit/loop/coro/or_return.h"
#include "evkit/loop/sync/internal/condition_state.h"
#include "evkit/loop/sync/internal/lock_state.h"
#include "evkit/loop/sync/lock.h"

namespace evkit {

class Condition {
 public:
  // With the lock given, which other conditions may share; null: with one of
  // its own.
  explicit Condition(Lock* lock = nullptr)
      : state_(ConditionRef::Adopt(
            new loop_internal::ConditionState(StateOf(lock)))) {}
  Condition(const Condition&) = delete;
  Condition& operator=(const Condition&) = delete;

  // Those of its lock.
  bool locked() const { return state_->lock()->locked(); }
  Coro<void> Acquire() {
    return loop_internal::LockState::Acquire(state_->lock());
  }
  Coro<ScopedLock> AcquireScoped() {
    return loop_internal::AcquireScoped(state_->lock());
  }
  absl::Status Release() { return state_->lock()->Release(); }

  // Releases the lock, waits to be notified, and acquires the lock again, last
  // in line, also when the task is cancelled meanwhile, and if it is several
  // times (SYN-07).
  //   OK: notified, or woken without a reason. The lock is held.
  //   kCancelled: the task was cancelled; the last message. The lock is held.
  //     Cancel-safe: a notification that came first goes to the next.
  //   kFailedPrecondition: nobody has the lock, or the condition belongs to
  //     another loop: the lock is as it was. Or the lock belongs to another
  //     loop: it is not held any more.
  Coro<void> Wait() { return loop_internal::ConditionState::Wait(state_); }

  // `Wait()` again and again until `predicate()` is true, and gives what it
  // returned, which is converted to bool. No turn if it is true at once. It is
  // called with the lock held. Name a capturing lambda before the statement
  // that awaits (docs/pitfalls.md).
  template <typename Predicate>
  Coro<std::decay_t<std::invoke_result_t<Predicate&>>> WaitFor(
      Predicate predicate) {
    return WaitUntilTrue(state_, std::move(predicate));
  }

  // Wakes the first `n` tasks that wait, who go on when they have the lock,
  // which the caller should release soon. kFailedPrecondition if nobody has
  // the lock (SYN-07).
  absl::Status Notify(int n = 1) { return state_->Notify(n); }
  absl::Status NotifyAll() {
    return state_->Notify(std::numeric_limits<int>::max());
  }

 private:
  using ConditionRef = loop_internal::ConditionRef;
  using LockRef = loop_internal::LockRef;

  static LockRef StateOf(Lock* lock) {
    if (lock != nullptr) return lock->state();
    return LockRef::Adopt(new loop_internal::LockState());
  }

  template <typename Predicate>
  static Coro<std::decay_t<std::invoke_result_t<Predicate&>>> WaitUntilTrue(
      ConditionRef condition, Predicate predicate) {
    for (;;) {
      auto result = std::invoke(predicate);
      if (result) co_return result;
      co_await OrReturn(loop_internal::ConditionState::Wait(condition));
    }
  }

  const ConditionRef state_;
};

}  // namespace evkit

#endif  // EVKIT_LOOP_SYNC_CONDITION_H_
