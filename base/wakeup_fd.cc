// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/base/wakeup_fd.h"

#include <cerrno>
#include <cstdint>

#include "evkit/base/errno_status.h"
#include "evkit/base/syscalls.h"

namespace evkit {

absl::StatusOr<WakeupFd> WakeupFd::Create() {
  UniqueFd fd(sys::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!fd) return StatusFromErrno(errno, "eventfd");
  return WakeupFd(std::move(fd));
}

int WakeupFd::Wake() const noexcept {
  const int saved_errno = errno;
  const uint64_t one = 1;
  int error = 0;
  do {
    error = sys::write(fd_.get(), &one, sizeof(one)) < 0 ? errno : 0;
  } while (error == EINTR);
  errno = saved_errno;
  return error == EAGAIN ? 0 : error;
}

int WakeupFd::Dispatch() const noexcept {
  const int saved_errno = errno;
  uint64_t count;
  int error = 0;
  do {
    error = sys::read(fd_.get(), &count, sizeof(count)) < 0 ? errno : 0;
  } while (error == EINTR);
  errno = saved_errno;
  return error == EAGAIN ? 0 : error;
}

}  // namespace evkit
