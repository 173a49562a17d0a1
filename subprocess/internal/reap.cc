// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/subprocess/internal/reap.h"

#include <cerrno>

#include "evkit/base/syscalls.h"

namespace evkit::subprocess_internal {
namespace {

constexpr idtype_t kPidfd = static_cast<idtype_t>(3);  // P_PIDFD

int Wait(pid_t pid, int pidfd, siginfo_t* info, int options) {
  int result = -1;
  if (pidfd >= 0) {
    do {
      result = sys::waitid(kPidfd, static_cast<id_t>(pidfd), info, options);
    } while (result < 0 && errno == EINTR);
  }
  if (pidfd < 0 || (result < 0 && errno == EINVAL)) {
    do {
      result = sys::waitid(P_PID, static_cast<id_t>(pid), info, options);
    } while (result < 0 && errno == EINTR);
  }
  return result;
}

std::optional<ExitStatus> ReapWith(pid_t pid, int pidfd, int options) {
  siginfo_t info = {};
  if (Wait(pid, pidfd, &info, options) < 0) return ExitStatus::Unknown();
  return ExitStatus::FromSiginfo(info);
}

}  // namespace

std::optional<ExitStatus> TryReap(pid_t pid, int pidfd) {
  return ReapWith(pid, pidfd, WEXITED | WNOHANG);
}

int HasExited(pid_t pid, int pidfd) {
  siginfo_t info = {};
  if (Wait(pid, pidfd, &info, WEXITED | WNOHANG | WNOWAIT) < 0) return -1;
  return info.si_pid != 0 ? 1 : 0;
}

ExitStatus Reap(pid_t pid, int pidfd) {
  return ReapWith(pid, pidfd, WEXITED).value_or(ExitStatus::Unknown());
}

}  // namespace evkit::subprocess_internal
