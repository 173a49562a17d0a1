// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// How transports call protocols, which may throw: in one place for all.

#ifndef EVKIT_NET_INTERNAL_CALL_PROTOCOL_H_
#define EVKIT_NET_INTERNAL_CALL_PROTOCOL_H_

#include <exception>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "evkit/loop/abstract_event_loop.h"
#include "evkit/loop/internal/exceptions.h"

namespace evkit::net_internal {

// Reports that a call of a protocol failed: `thrown`, or, if that is null,
// `status`. `transport` describes it: "<StreamTransport fd=7>".
void ReportProtocolError(AbstractEventLoop& loop, const char* message,
                         std::exception_ptr thrown, const absl::Status& status,
                         std::string transport);

// The status that stands for what was thrown.
absl::Status StatusFromException(const std::exception_ptr& thrown);

// Calls `function`, which calls the protocol. If it throws, reports that, as
// `message` and with what `describe()` says of the transport, and returns the
// status with which the connection is to be lost; else OK. A FatalException
// passes through.
template <typename Describe, typename F>
absl::Status CallProtocol(AbstractEventLoop& loop, const char* message,
                          Describe&& describe, F&& function) {
  absl::Status result;
  loop_internal::ReportExceptions(
      std::forward<F>(function), [&](std::exception_ptr thrown) {
        result = StatusFromException(thrown);
        ReportProtocolError(loop, message, std::move(thrown), result,
                            describe());
      });
  return result;
}

}  // namespace evkit::net_internal

#endif  // EVKIT_NET_INTERNAL_CALL_PROTOCOL_H_
