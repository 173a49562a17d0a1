// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/base/without_sigpipe.h"

#include <signal.h>
#include <time.h>

#include <cerrno>

#include "absl/functional/function_ref.h"
#include "evkit/base/syscalls.h"

namespace evkit {

ssize_t WithoutSigpipe(absl::FunctionRef<ssize_t()> call) {
  sigset_t sigpipe;
  sigset_t before;
  sigemptyset(&sigpipe);
  sigaddset(&sigpipe, SIGPIPE);
  if (sys::sigprocmask(SIG_BLOCK, &sigpipe, &before) != 0) return -1;
  const ssize_t result = call();
  const int error = errno;
  if (result < 0 && error == EPIPE) {
    const timespec no_time = {};
    while (sys::sigtimedwait(&sigpipe, nullptr, &no_time) < 0 &&
           errno == EINTR) {
    }
  }
  sys::sigprocmask(SIG_SETMASK, &before, nullptr);
  errno = error;
  return result;
}

}  // namespace evkit
