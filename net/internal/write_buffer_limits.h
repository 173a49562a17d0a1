// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// From the arguments of SetWriteBufferLimits() to limits: one rule for all
// transports.

#ifndef EVKIT_NET_INTERNAL_WRITE_BUFFER_LIMITS_H_
#define EVKIT_NET_INTERNAL_WRITE_BUFFER_LIMITS_H_

#include <cstddef>
#include <optional>

#include "absl/status/statusor.h"
#include "evkit/net/transport.h"

namespace evkit::net_internal {

// See BaseTransport::SetWriteBufferLimits().
absl::StatusOr<WriteBufferLimits> MakeWriteBufferLimits(
    std::optional<size_t> high, std::optional<size_t> low);

}  // namespace evkit::net_internal

#endif  // EVKIT_NET_INTERNAL_WRITE_BUFFER_LIMITS_H_
