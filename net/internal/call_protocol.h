// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Calling a protocol, which is the user's and may throw.

#ifndef EVKIT_NET_INTERNAL_CALL_PROTOCOL_H_
#define EVKIT_NET_INTERNAL_CALL_PROTOCOL_H_

#include <exception>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "evkit/loop/abstract_event_loop.h"
#include "evkit/loop/error_context.h"
#include "evkit/loop/internal/exceptions.h"

namespace evkit::net_internal {

// Calls `function`, and reports what it threw, if it threw, as `message`, with
// what `describe` says of the transport. A FatalException passes through.
template <typename F, typename Describe>
void CallProtocol(AbstractEventLoop& loop, absl::string_view message,
                  const Describe& describe, F&& function) {
  const std::exception_ptr thrown =
      loop_internal::CatchExceptions(std::forward<F>(function));
  if (thrown == nullptr) return;
  ErrorContext error((std::string(message)));
  error.exception = thrown;
  error.details["transport"] = describe();
  loop.CallExceptionHandler(error);
}

}  // namespace evkit::net_internal

#endif  // EVKIT_NET_INTERNAL_CALL_PROTOCOL_H_
