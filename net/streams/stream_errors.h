// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// What reads from a stream fail with beyond the errors of its connection, with
// the facts that go with them: asyncio's IncompleteReadError and
// LimitOverrunError.
//
//   absl::StatusOr<std::string> frame = co_await reader.ReadExactly(8);
//   if (std::optional<std::string> partial = PartialRead(frame.status())) {
//     ... *partial came before the end
//   }
//
// Thread-safe.

#ifndef EVKIT_NET_STREAMS_STREAM_ERRORS_H_
#define EVKIT_NET_STREAMS_STREAM_ERRORS_H_

#include <cstddef>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace evkit {

// kOutOfRange: the stream ended before what was asked for had come.
// `expected` is how many bytes were; nullopt where that is not a number.
absl::Status IncompleteReadError(absl::string_view partial,
                                 std::optional<size_t> expected);

// What had come, if `status` is an incomplete read, or a copy of one.
std::optional<std::string> PartialRead(const absl::Status& status);

// kResourceExhausted: more than the limit came without an end. `consumed` is
// how many of the buffered bytes belong to what is too long.
absl::Status LimitOverrunError(absl::string_view message, size_t consumed);

// That number, if `status` is an overrun, or a copy of one.
std::optional<size_t> LimitOverrunConsumed(const absl::Status& status);

}  // namespace evkit

#endif  // EVKIT_NET_STREAMS_STREAM_ERRORS_H_
