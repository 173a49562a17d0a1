// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Takes the exit status of one child from the kernel.

#ifndef EVKIT_SUBPROCESS_INTERNAL_REAP_H_
#define EVKIT_SUBPROCESS_INTERNAL_REAP_H_

#include <sys/types.h>

#include <optional>

#include "evkit/subprocess/exit_status.h"

namespace evkit::subprocess_internal {

// Reaps the child without blocking: by `pidfd`, or by `pid` if that is -1 or
// the kernel (before 5.4) cannot wait for pidfds. Empty if the child is still
// running; Unknown if it is not a child of ours, or not any more.
std::optional<ExitStatus> TryReap(pid_t pid, int pidfd);

// Whether TryReap() would return a status: 1 or 0; -1 with an errno if there is
// no such child of ours. Reaps nothing.
int HasExited(pid_t pid, int pidfd);

// Reaps, waiting for the exit.
ExitStatus Reap(pid_t pid, int pidfd);

}  // namespace evkit::subprocess_internal

#endif  // EVKIT_SUBPROCESS_INTERNAL_REAP_H_
