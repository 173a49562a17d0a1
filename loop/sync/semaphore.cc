// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/sync/semaphore.h"

#include <limits>

#include "evkit/base/check.h"
#include "evkit/loop/coro/or_return.h"
#include "evkit/loop/sync/internal/sync_state.h"
#include "evkit/loop/sync/internal/wait_list.h"

namespace evkit {

namespace loop_internal {

class SemaphoreState final : public SyncState {
 public:
  SemaphoreState(int value, int bound) : bound_(bound), value_(value) {
    EVKIT_CHECK(value >= 0, "a semaphore begins with 0 slots or more");
  }

  bool locked() const {
    return value_ == 0 || !woken_.empty() || waiters_.HasLive();
  }

  bool TryAcquire() {
    if (locked()) return false;
    --value_;
    return true;
  }
  static Coro<void> Acquire(SemaphoreRef semaphore);
  absl::Status Release();

 private:
  class Turn;

  // Hands a slot to the first who waits. False if nobody does.
  bool WakeNext() {
    if (!waiters_.WakeNext(&woken_)) return false;
    --value_;
    return true;
  }

  const int bound_;
  int value_;  // Free slots, without those that woken tasks have.
  WaitList waiters_;
  WaitList woken_;  // They have a slot, and have not gone on yet.
};

// One task's wait for a slot. However it ends, and if it is by the destruction
// of the frame, a slot that it does not take goes back, and free slots go to
// those who wait.
class SemaphoreState::Turn {
 public:
  explicit Turn(SemaphoreState& semaphore)
      : semaphore_(semaphore),
        place_(semaphore.waiters_, "Semaphore.Acquire") {}
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  ~Turn() {
    place_.Leave();
    if (!taken_ && place_.woken()) ++semaphore_.value_;
    while (semaphore_.value_ > 0 && semaphore_.WakeNext()) {
    }
  }

  Waiter& waiter() { return place_.waiter(); }
  void Take() { taken_ = true; }

 private:
  SemaphoreState& semaphore_;
  WaitPlace place_;
  bool taken_ = false;
};

Coro<void> SemaphoreState::Acquire(SemaphoreRef semaphore) {
  if (semaphore->TryAcquire()) co_return absl::OkStatus();
  absl::Status status = semaphore->Bind("Semaphore");
  if (!status.ok()) co_return status;
  Turn turn(*semaphore);
  status = co_await turn.waiter();
  if (status.ok()) turn.Take();
  co_return status;
}

absl::Status SemaphoreState::Release() {
  if (value_ >= bound_) {
    return absl::InvalidArgumentError("Semaphore released too many times");
  }
  ++value_;
  WakeNext();
  return absl::OkStatus();
}

}  // namespace loop_internal

namespace {

using loop_internal::SemaphoreRef;
using loop_internal::SemaphoreState;

Coro<ScopedSlot> AcquireScopedOf(SemaphoreRef semaphore) {
  if (!semaphore->TryAcquire()) {
    co_await OrReturn(SemaphoreState::Acquire(semaphore));
  }
  co_return ScopedSlot(std::move(semaphore));
}

}  // namespace

ScopedSlot::ScopedSlot() = default;
ScopedSlot::ScopedSlot(SemaphoreRef held) : semaphore_(std::move(held)) {}
ScopedSlot::ScopedSlot(ScopedSlot&& other) noexcept = default;
ScopedSlot& ScopedSlot::operator=(ScopedSlot&& other) noexcept {
  ScopedSlot old(std::move(other));
  std::swap(semaphore_, old.semaphore_);
  return *this;
}
ScopedSlot::~ScopedSlot() {
  if (semaphore_) semaphore_->Release().IgnoreError();
}

absl::Status ScopedSlot::Release() {
  if (!semaphore_) return absl::FailedPreconditionError("no slot is held");
  const SemaphoreRef semaphore = std::exchange(semaphore_, SemaphoreRef());
  return semaphore->Release();
}

Semaphore::Semaphore(int value)
    : Semaphore(value, std::numeric_limits<int>::max()) {}

Semaphore::Semaphore(int value, int bound)
    : state_(SemaphoreRef::Adopt(new SemaphoreState(value, bound))) {}

Semaphore::~Semaphore() = default;

bool Semaphore::locked() const { return state_->locked(); }

Coro<void> Semaphore::Acquire() { return SemaphoreState::Acquire(state_); }

Coro<ScopedSlot> Semaphore::AcquireScoped() { return AcquireScopedOf(state_); }

absl::Status Semaphore::Release() { return state_->Release(); }

}  // namespace evkit
