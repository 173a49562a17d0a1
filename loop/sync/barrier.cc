// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/sync/barrier.h"

#include "absl/status/status.h"
#include "evkit/base/check.h"
#include "evkit/loop/coro/or_return.h"
#include "evkit/loop/sync/condition.h"
#include "evkit/loop/sync/internal/sync_state.h"
#include "evkit/loop/sync/lock.h"

namespace evkit {

namespace loop_internal {

// asyncio's algorithm, condition and all, since in which turn who goes on
// follows from it.
class BarrierState final : public SyncState {
 public:
  explicit BarrierState(int parties) : parties_(parties) {
    EVKIT_CHECK(parties >= 1, "a barrier is for 1 task or more");
  }

  int parties() const { return parties_; }
  int waiting() const { return phase_ == Phase::kFilling ? count_ : 0; }
  bool broken() const { return phase_ == Phase::kBroken; }

  static Coro<int> Wait(RefPtr<BarrierState> barrier);
  static Coro<void> Abort(RefPtr<BarrierState> barrier);
  static Coro<void> Reset(RefPtr<BarrierState> barrier);

 private:
  enum class Phase : char { kFilling, kDraining, kResetting, kBroken };

  // One of those who wait in the barrier.
  class Party {
   public:
    explicit Party(BarrierState& barrier)
        : barrier_(barrier), index_(barrier.count_++) {}
    Party(const Party&) = delete;
    Party& operator=(const Party&) = delete;
    ~Party() {
      --barrier_.count_;
      barrier_.OnExit();
    }

    int index() const { return index_; }

   private:
    BarrierState& barrier_;
    const int index_;
  };

  void SetPhase(Phase phase) {
    phase_ = phase;
    condition_.NotifyAll().IgnoreError();
  }

  // The last to leave lets the next ones in.
  void OnExit() {
    if (count_ > 0) return;
    const bool empties =
        phase_ == Phase::kResetting || phase_ == Phase::kDraining;
    SetPhase(empties ? Phase::kFilling : phase_);
  }

  const int parties_;
  Condition condition_;  // Notified when `phase_` changes.
  Phase phase_ = Phase::kFilling;
  int count_ = 0;  // Of parties in the barrier.
};

Coro<int> BarrierState::Wait(RefPtr<BarrierState> barrier) {
  const ScopedLock held =
      co_await OrReturn(barrier->condition_.AcquireScoped());
  while (barrier->phase_ == Phase::kDraining ||
         barrier->phase_ == Phase::kResetting) {
    co_await OrReturn(barrier->condition_.Wait());
  }
  if (barrier->broken()) co_return absl::AbortedError("Barrier aborted");
  const Party party(*barrier);
  if (party.index() + 1 == barrier->parties_) {
    barrier->SetPhase(Phase::kDraining);
    co_return party.index();
  }
  while (barrier->phase_ == Phase::kFilling) {
    co_await OrReturn(barrier->condition_.Wait());
  }
  if (barrier->phase_ != Phase::kDraining) {
    co_return absl::AbortedError("Abort or reset of barrier");
  }
  co_return party.index();
}

Coro<void> BarrierState::Abort(RefPtr<BarrierState> barrier) {
  const ScopedLock held =
      co_await OrReturn(barrier->condition_.AcquireScoped());
  barrier->SetPhase(Phase::kBroken);
  co_return absl::OkStatus();
}

Coro<void> BarrierState::Reset(RefPtr<BarrierState> barrier) {
  const ScopedLock held =
      co_await OrReturn(barrier->condition_.AcquireScoped());
  barrier->SetPhase(barrier->count_ > 0 ? Phase::kResetting : Phase::kFilling);
  co_return absl::OkStatus();
}

}  // namespace loop_internal

using loop_internal::BarrierState;

Barrier::Barrier(int parties)
    : state_(loop_internal::RefPtr<BarrierState>::Adopt(
          new BarrierState(parties))) {}

Barrier::~Barrier() = default;

int Barrier::parties() const { return state_->parties(); }
int Barrier::waiting() const { return state_->waiting(); }
bool Barrier::broken() const { return state_->broken(); }

Coro<int> Barrier::Wait() { return BarrierState::Wait(state_); }
Coro<void> Barrier::Abort() { return BarrierState::Abort(state_); }
Coro<void> Barrier::Reset() { return BarrierState::Reset(state_); }

}  // namespace evkit
