// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/subprocess/process/internal/running_child.h"

#include <signal.h>

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "evkit/base/errno_status.h"
#include "evkit/base/syscalls.h"
#include "evkit/subprocess/internal/reap.h"

namespace evkit::subprocess_internal {
namespace {

constexpr unsigned kProcessGroup = 1U << 2;  // PIDFD_SIGNAL_PROCESS_GROUP

}  // namespace

bool RunningChild::Exists() const { return HasExited(pid_, pidfd_.get()) >= 0; }

absl::Status RunningChild::Signal(int signal) const {
  if (whole_group_) return SignalGroup(signal);
  if (pidfd_) {
    if (sys::pidfd_send_signal(pidfd_.get(), signal, nullptr, 0) == 0) {
      return absl::OkStatus();
    }
    return StatusFromErrno(
        errno, absl::StrCat("pidfd_send_signal(pid=", pid_, ", ", signal, ")"));
  }
  if (!Exists())
    errno = ESRCH;
  else if (sys::kill(pid_, signal) == 0)
    return absl::OkStatus();
  return StatusFromErrno(errno, absl::StrCat("kill(", pid_, ", ", signal, ")"));
}

absl::Status RunningChild::SignalGroup(int signal) const {
  if (pidfd_) {
    if (sys::pidfd_send_signal(pidfd_.get(), signal, nullptr, kProcessGroup) ==
        0) {
      return absl::OkStatus();
    }
    if (errno != EINVAL) {
      return StatusFromErrno(
          errno,
          absl::StrCat("pidfd_send_signal(group=", pid_, ", ", signal, ")"));
    }
  }
  if (!Exists())
    errno = ESRCH;
  else if (sys::kill(-pid_, signal) == 0)
    return absl::OkStatus();
  return StatusFromErrno(errno,
                         absl::StrCat("kill(", -pid_, ", ", signal, ")"));
}

void RunningChild::KillAndReap() const {
  // Gone is what it should be.
  Signal(SIGKILL).IgnoreError();
  if (Exists()) Reap(pid_, pidfd_.get());
}

}  // namespace evkit::subprocess_internal
