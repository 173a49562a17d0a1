// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// A child that somebody else reaps, at a moment that is known only later: how
// to signal it, or its whole group, and never a stranger.

#ifndef EVKIT_SUBPROCESS_PROCESS_INTERNAL_RUNNING_CHILD_H_
#define EVKIT_SUBPROCESS_PROCESS_INTERNAL_RUNNING_CHILD_H_

#include <sys/types.h>

#include <utility>

#include "absl/status/status.h"
#include "evkit/base/unique_fd.h"

namespace evkit::subprocess_internal {

class RunningChild {
 public:
  // `pidfd` may be empty. With `whole_group`, `pid` leads a process group.
  RunningChild(pid_t pid, UniqueFd pidfd, bool whole_group)
      : pid_(pid), pidfd_(std::move(pidfd)), whole_group_(whole_group) {}

  pid_t pid() const { return pid_; }
  bool whole_group() const { return whole_group_; }

  // Signals the child, or its group. kNotFound, ESRCH, if there is nobody any
  // more. A group whose leader was reaped can be signalled where the kernel
  // has PIDFD_SIGNAL_PROCESS_GROUP (6.9); else it counts as gone.
  absl::Status Signal(int signal) const;

  // SIGKILL, and waits until the child is dead and reaped, by whomever.
  void KillAndReap() const;

 private:
  absl::Status SignalGroup(int signal) const;
  // Whether it was not reaped yet: so long its numbers are its own.
  bool Exists() const;

  pid_t pid_;
  UniqueFd pidfd_;
  bool whole_group_;
};

}  // namespace evkit::subprocess_internal

#endif  // EVKIT_SUBPROCESS_PROCESS_INTERNAL_RUNNING_CHILD_H_
