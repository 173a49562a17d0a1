// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Is a descriptor open? poll and select take any number and complain later;
// epoll's refusal is the better service.

#ifndef EVKIT_SELECTORS_INTERNAL_OPEN_CHECK_H_
#define EVKIT_SELECTORS_INTERNAL_OPEN_CHECK_H_

#include "absl/status/status.h"

namespace evkit::selectors_internal {

// OK, or the status of EBADF. One system call.
absl::Status CheckIsOpen(int fd);

}  // namespace evkit::selectors_internal

#endif  // EVKIT_SELECTORS_INTERNAL_OPEN_CHECK_H_
