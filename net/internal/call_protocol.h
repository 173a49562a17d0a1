// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Calling a protocol, which is the user's and may throw.

#ifndef EVKIT_NET_INTERNAL_CALL_PROTOCOL_H_
#define EVKIT_NET_INTERNAL_CALL_PROTOCOL_H_

#include <exception>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "evkit/loop/abstract_event_loop.h"
#include "evkit/loop/error_context.h"
#include "evkit/loop/internal/exceptions.h"

namespace evkit::net_internal {

// Calls `function`, and reports what it threw, if it threw, as `message`, with
// what `describe` says of the transport. A FatalException passes through.
// Returns what it threw as a status, with which a connection may end; else OK.
template <typename F, typename Describe>
absl::Status TryCallProtocol(AbstractEventLoop& loop, absl::string_view message,
                             const Describe& describe, F&& function) {
  absl::Status failure;
  loop_internal::ReportExceptions(
      std::forward<F>(function), [&](std::exception_ptr thrown) {
        failure = absl::UnknownError(absl::StrCat(
            "exception: ", loop_internal::DescribeException(thrown)));
        ErrorContext error((std::string(message)));
        error.exception = std::move(thrown);
        error.details["transport"] = describe();
        loop.CallExceptionHandler(error);
      });
  return failure;
}

// The same, where the connection goes on.
template <typename F, typename Describe>
void CallProtocol(AbstractEventLoop& loop, absl::string_view message,
                  const Describe& describe, F&& function) {
  TryCallProtocol(loop, message, describe, std::forward<F>(function))
      .IgnoreError();
}

}  // namespace evkit::net_internal

#endif  // EVKIT_NET_INTERNAL_CALL_PROTOCOL_H_
