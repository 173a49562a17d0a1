// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// From an errno to an absl::Status and back, losing nothing.

#ifndef EVKIT_BASE_ERRNO_STATUS_H_
#define EVKIT_BASE_ERRNO_STATUS_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace evkit {

// The status for `error`, an errno, from doing `what`. Its text names both:
//
//   StatusFromErrno(EBADF, "epoll_ctl(ADD, fd=7)")
//       -> FAILED_PRECONDITION: epoll_ctl(ADD, fd=7): Bad file descriptor
//
// The code is that of absl::ErrnoToStatusCode, except that ECANCELED becomes
// kAborted: in evkit kCancelled always means that a task or a call was
// cancelled. The errno itself is kept as a payload. Requires `error` != 0.
// Thread-safe.
absl::Status StatusFromErrno(int error, absl::string_view what);

// The errno that `status` was made from; 0 if it was not made from one.
// Thread-safe.
int ErrnoFromStatus(const absl::Status& status);

}  // namespace evkit

#endif  // EVKIT_BASE_ERRNO_STATUS_H_
