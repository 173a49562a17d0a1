// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// A lock, as its owner, its holder and those who wait for it share it.

#ifndef EVKIT_LOOP_SYNC_INTERNAL_LOCK_STATE_H_
#define EVKIT_LOOP_SYNC_INTERNAL_LOCK_STATE_H_

#include "absl/status/status.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/loop/coro/internal/task_hub.h"
#include "evkit/loop/sync/internal/sync_state.h"
#include "evkit/loop/sync/internal/wait_list.h"

namespace evkit::loop_internal {

class LockState final : public SyncState {
 public:
  LockState() = default;

  bool locked() const { return locked_; }

  // Takes the lock if it is free and nobody is about to have it.
  bool TryAcquire() {
    if (locked_ || waiters_.HasLive()) return false;
    locked_ = true;
    return true;
  }
  // Waits for it, last in line.
  static Coro<void> Acquire(RefPtr<LockState> lock);
  absl::Status Release();

 private:
  class Turn;

  void WakeFirst();

  WaitList waiters_;  // A woken one stays until its task has gone on.
  bool locked_ = false;
};

using LockRef = RefPtr<LockState>;

}  // namespace evkit::loop_internal

#endif  // EVKIT_LOOP_SYNC_INTERNAL_LOCK_STATE_H_
