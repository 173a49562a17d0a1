// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/selectors/internal/open_check.h"

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "evkit/base/errno_status.h"
#include "evkit/base/syscalls.h"

namespace evkit::selectors_internal {

absl::Status CheckIsOpen(int fd) {
  if (sys::fcntl(fd, F_GETFD, 0) >= 0) return absl::OkStatus();
  return StatusFromErrno(errno, absl::StrCat("fcntl(F_GETFD, fd=", fd, ")"));
}

}  // namespace evkit::selectors_internal
