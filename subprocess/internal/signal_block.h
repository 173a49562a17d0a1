// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Blocks all signals of the calling thread for a while, the two that libc keeps
// for itself (thread cancellation, setuid for all threads) included.

#ifndef EVKIT_SUBPROCESS_INTERNAL_SIGNAL_BLOCK_H_
#define EVKIT_SUBPROCESS_INTERNAL_SIGNAL_BLOCK_H_

#include <signal.h>

#include <cerrno>
#include <cstdint>

#include "evkit/base/syscalls.h"

namespace evkit::subprocess_internal {

// Restores the mask that it found, and errno, when destroyed.
class SignalBlock {
 public:
  SignalBlock() {
    const uint64_t all = ~uint64_t{0};
    if (sys::rt_sigprocmask(SIG_SETMASK, &all, &old_) < 0) error_ = errno;
  }
  SignalBlock(const SignalBlock&) = delete;
  SignalBlock& operator=(const SignalBlock&) = delete;
  ~SignalBlock() {
    if (error_ != 0) return;
    const int saved_errno = errno;
    sys::rt_sigprocmask(SIG_SETMASK, &old_, nullptr);
    errno = saved_errno;
  }

  // 0, or why the signals are not blocked.
  int error() const { return error_; }

 private:
  uint64_t old_ = 0;
  int error_ = 0;
};

}  // namespace evkit::subprocess_internal

#endif  // EVKIT_SUBPROCESS_INTERNAL_SIGNAL_BLOCK_H_
