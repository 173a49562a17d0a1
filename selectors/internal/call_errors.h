// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// The answers to wrong calls, the same from every selector.

#ifndef EVKIT_SELECTORS_INTERNAL_CALL_ERRORS_H_
#define EVKIT_SELECTORS_INTERNAL_CALL_ERRORS_H_

#include "absl/status/status.h"
#include "evkit/selectors/selector.h"

namespace evkit::selectors_internal {

// OK, or kInvalidArgument: a negative descriptor, an empty interest.
absl::Status CheckArguments(int fd, Interest interest);

absl::Status AlreadyRegisteredError(int fd);
absl::Status NotRegisteredError(int fd);
absl::Status ClosedError();

}  // namespace evkit::selectors_internal

#endif  // EVKIT_SELECTORS_INTERNAL_CALL_ERRORS_H_
