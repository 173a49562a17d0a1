// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// A condition, as its owner and those who wait for it share it.

#ifndef EVKIT_LOOP_SYNC_INTERNAL_CONDITION_STATE_H_
#define EVKIT_LOOP_SYNC_INTERNAL_CONDITION_STATE_H_

#include <utility>

#include "absl/status/status.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/loop/coro/internal/task_hub.h"
#include "evkit/loop/sync/internal/lock_state.h"
#include "evkit/loop/sync/internal/sync_state.h"
#include "evkit/loop/sync/internal/wait_list.h"

namespace evkit::loop_internal {

class ConditionState final : public SyncState {
 public:
  explicit ConditionState(LockRef lock) : lock_(std::move(lock)) {}

  const LockRef& lock() const { return lock_; }

  static Coro<void> Wait(RefPtr<ConditionState> condition);
  absl::Status Notify(int n);

 private:
  class Turn;

  // Notifies the first `n`.
  void Wake(int n) {
    while (n > 0 && waiters_.WakeNext()) --n;
  }

  const LockRef lock_;
  WaitList waiters_;
};

using ConditionRef = RefPtr<ConditionState>;

}  // namespace evkit::loop_internal

#endif  // EVKIT_LOOP_SYNC_INTERNAL_CONDITION_STATE_H_
