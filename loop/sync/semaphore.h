// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// At most N at a time, among the tasks of one loop. Contract rules SYN-01,
// SYN-10, SYN-11, SYN-14.
//
//   Semaphore slots(10);
//
//   Coro<Page> Fetch(std::string url) {
//     ScopedSlot slot = co_await OrReturn(slots.AcquireScoped());
//     co_return co_await Download(url);
//   }
//
// Fair: `Release()` hands the slot to the first of those who wait, so nobody
// who comes later can take it from them. A slot that is handed to a task which
// is cancelled, or whose frame is destroyed, goes to the next (SYN-14).
//
// Belongs to one thread, and to the first loop on which a task had to wait for
// it: on another one waiting is kFailedPrecondition (SYN-01). May be destroyed
// while tasks have slots or wait for one; it ends with the last of them.
// Acquiring a free slot allocates nothing but a recycled coroutine frame.

#ifndef EVKIT_LOOP_SYNC_SEMAPHORE_H_
#define EVKIT_LOOP_SYNC_SEMAPHORE_H_

#include <utility>

#include "absl/status/status.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/loop/coro/internal/task_hub.h"

namespace evkit {

namespace loop_internal {
class SemaphoreState;
using SemaphoreRef = RefPtr<SemaphoreState>;
}  // namespace loop_internal

// Has one slot of a semaphore, and gives it back when destroyed. Movable. Keeps
// what it needs of the semaphore alive.
class [[nodiscard]] ScopedSlot {
 public:
  // Has none.
  ScopedSlot();
  // Of one that whoever calls this has already. For those who build on
  // semaphores.
  explicit ScopedSlot(loop_internal::SemaphoreRef held);
  ScopedSlot(ScopedSlot&& other) noexcept;
  ScopedSlot& operator=(ScopedSlot&& other) noexcept;
  ~ScopedSlot();

  // False after `Release()`, and for one that was moved from.
  bool holds() const { return static_cast<bool>(semaphore_); }

  // Gives the slot back early. kFailedPrecondition if this has none; otherwise
  // as `Semaphore::Release()`.
  absl::Status Release();

 private:
  loop_internal::SemaphoreRef semaphore_;
};

class Semaphore {
 public:
  // With `value` slots, which may be 0, and more by `Release()`. A negative one
  // aborts the program (SYN-10).
  explicit Semaphore(int value = 1);
  Semaphore(const Semaphore&) = delete;
  Semaphore& operator=(const Semaphore&) = delete;
  ~Semaphore();

  // Whether `Acquire()` would have to wait: there is no free slot, or others
  // come first.
  bool locked() const;

  // Waits until the caller has a slot; no turn if one is free and nobody waits.
  // OK, or the caller has none:
  //   kCancelled: the task was cancelled. Cancel-safe.
  //   kFailedPrecondition: the semaphore belongs to another loop.
  Coro<void> Acquire();

  // The same, and gives the slot back when the result is destroyed.
  Coro<ScopedSlot> AcquireScoped();

  // Gives a slot back, or adds one. OK, but for a BoundedSemaphore (SYN-11).
  absl::Status Release();

 protected:
  Semaphore(int value, int bound);

 private:
  const loop_internal::SemaphoreRef state_;
};

// One that notices when more is released than was acquired: `Release()` is then
// kInvalidArgument, and does nothing (SYN-11).
class BoundedSemaphore : public Semaphore {
 public:
  explicit BoundedSemaphore(int value = 1) : Semaphore(value, value) {}
};

}  // namespace evkit

#endif  // EVKIT_LOOP_SYNC_SEMAPHORE_H_
