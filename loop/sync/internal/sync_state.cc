// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/sync/internal/sync_state.h"

#include "absl/strings/str_cat.h"
#include "evkit/base/check.h"

namespace evkit::loop_internal {

SyncState::~SyncState() = default;

absl::Status SyncState::BindNow(const char* what) {
  TaskState* const task = TaskState::Current();
  EVKIT_CHECK(task != nullptr, "only a task can wait");
  if (hub_.get() != nullptr) {
    return absl::FailedPreconditionError(
        absl::StrCat(what, " is bound to a different event loop"));
  }
  hub_ = RefPtr<TaskHub>(&task->hub());
  return absl::OkStatus();
}

}  // namespace evkit::loop_internal
