// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// A descriptor that any thread, or a signal handler, can make readable: how one
// who sleeps in a selector is woken, and the building block of everything here
// that follows the pollable contract (`fd()` is readable when there is
// something to do, `Dispatch()` does it).
//
//   StatusOr<WakeupFd> wakeup = WakeupFd::Create();
//   selector.Register(wakeup->fd(), Interest::kRead, token);
//   wakeup->Wake();       // from anywhere; any number of times
//   wakeup->Dispatch();   // on the waiting thread, when fd() is readable

#ifndef EVKIT_BASE_WAKEUP_FD_H_
#define EVKIT_BASE_WAKEUP_FD_H_

#include <utility>

#include "absl/status/statusor.h"
#include "evkit/base/unique_fd.h"

namespace evkit {

// An eventfd. `Wake()` is thread-safe; moving and destroying it is not, and
// must not overlap a `Wake()`.
class WakeupFd {
 public:
  // Fails with what eventfd(2) fails with: kResourceExhausted (EMFILE, ENFILE,
  // ENOMEM).
  static absl::StatusOr<WakeupFd> Create();

  WakeupFd(WakeupFd&&) = default;
  WakeupFd& operator=(WakeupFd&&) = default;

  // Readable from a `Wake()` until the next `Dispatch()`. Non-blocking and
  // close-on-exec.
  int fd() const { return fd_.get(); }

  // Makes `fd()` readable; calls before the next `Dispatch()` coalesce. Never
  // blocks, never allocates, keeps errno: may be called from any thread and
  // from a signal handler. Returns 0, or the errno of a write(2) that failed
  // for good (the descriptor was closed or write is forbidden); a full counter
  // counts as success, since the descriptor is readable then.
  int Wake() const noexcept;

  // Makes `fd()` unreadable until the next `Wake()`. One system call. Does
  // nothing if there was no `Wake()`. Returns 0 or the errno of read(2).
  int Dispatch() const noexcept;

 private:
  explicit WakeupFd(UniqueFd fd) : fd_(std::move(fd)) {}

  UniqueFd fd_;
};

}  // namespace evkit

#endif  // EVKIT_BASE_WAKEUP_FD_H_
