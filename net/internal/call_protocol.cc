// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/internal/call_protocol.h"

#include <exception>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "evkit/loop/abstract_event_loop.h"
#include "evkit/loop/error_context.h"
#include "evkit/loop/internal/exceptions.h"

namespace evkit::net_internal {

void ReportProtocolError(AbstractEventLoop& loop, const char* message,
                         std::exception_ptr thrown, const absl::Status& status,
                         std::string transport) {
  ErrorContext error(message);
  if (thrown != nullptr) {
    error.exception = std::move(thrown);
  } else {
    error.status = status;
  }
  error.details["transport"] = std::move(transport);
  loop.CallExceptionHandler(error);
}

absl::Status StatusFromException(const std::exception_ptr& thrown) {
  return absl::UnknownError(
      absl::StrCat("exception: ", loop_internal::DescribeException(thrown)));
}

}  // namespace evkit::net_internal
