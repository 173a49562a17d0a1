// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/base/unique_fd.h"

#include <cerrno>

#include "evkit/base/syscalls.h"

namespace evkit {

void UniqueFd::Reset(int fd) {
  const int old = std::exchange(fd_, fd < 0 ? -1 : fd);
  if (old < 0) return;
  const int saved_errno = errno;
  sys::close(old);
  errno = saved_errno;
}

}  // namespace evkit
