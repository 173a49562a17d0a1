// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// What the object that a program declares and the coroutines that use it share:
// it lives as long as one of them, so that each may go first.

#ifndef EVKIT_LOOP_SYNC_INTERNAL_SYNC_STATE_H_
#define EVKIT_LOOP_SYNC_INTERNAL_SYNC_STATE_H_

#include <cstdint>

#include "absl/status/status.h"
#include "evkit/loop/coro/internal/task_hub.h"
#include "evkit/loop/coro/internal/task_state.h"

namespace evkit::loop_internal {

// Counted, with one reference at first; not thread-safe. Base of the state of
// each primitive.
class SyncState {
 public:
  SyncState(const SyncState&) = delete;
  SyncState& operator=(const SyncState&) = delete;

  void Ref() { ++references_; }
  void Unref() {
    if (--references_ == 0) delete this;
  }

  // The running task is about to wait: binds this to the task's loop if it is
  // not bound. kFailedPrecondition if it is bound to another one (SYN-01).
  // `what` is the primitive's name.
  absl::Status Bind(const char* what) {
    const TaskState* const task = TaskState::Current();
    if (task != nullptr && &task->hub() == hub_.get()) [[likely]] {
      return absl::OkStatus();
    }
    return BindNow(what);
  }

 protected:
  SyncState() = default;
  virtual ~SyncState();

 private:
  absl::Status BindNow(const char* what);

  uint32_t references_ = 1;
  RefPtr<TaskHub> hub_;  // Of the loop that this is bound to.
};

}  // namespace evkit::loop_internal

#endif  // EVKIT_LOOP_SYNC_INTERNAL_SYNC_STATE_H_
