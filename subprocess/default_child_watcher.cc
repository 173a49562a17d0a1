// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/subprocess/default_child_watcher.h"

#include <cerrno>

#include "evkit/base/errno_status.h"
#include "evkit/base/syscalls.h"
#include "evkit/base/unique_fd.h"
#include "evkit/subprocess/pidfd_child_watcher.h"
#include "evkit/subprocess/thread_child_watcher.h"

namespace evkit {

absl::StatusOr<std::unique_ptr<ChildWatcher>> NewDefaultChildWatcher() {
  const UniqueFd probe(sys::pidfd_open(sys::getpid(), 0));
  if (!probe && (errno == EMFILE || errno == ENFILE || errno == ENOMEM)) {
    return StatusFromErrno(errno, "pidfd_open");
  }
  if (probe) return PidfdChildWatcher::Create();
  return ThreadChildWatcher::Create();
}

}  // namespace evkit
