// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/selectors/internal/call_errors.h"

#include "absl/strings/str_cat.h"

namespace evkit::selectors_internal {

absl::Status CheckArguments(int fd, Interest interest) {
  if (fd < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("not a file descriptor: ", fd));
  }
  if (!Any(interest)) {
    return absl::InvalidArgumentError(
        absl::StrCat("no interest given for fd ", fd));
  }
  return absl::OkStatus();
}

absl::Status AlreadyRegisteredError(int fd) {
  return absl::AlreadyExistsError(
      absl::StrCat("fd ", fd, " is registered already"));
}

absl::Status NotRegisteredError(int fd) {
  return absl::NotFoundError(absl::StrCat("fd ", fd, " is not registered"));
}

absl::Status ClosedError() {
  return absl::FailedPreconditionError("the selector is closed");
}

}  // namespace evkit::selectors_internal
