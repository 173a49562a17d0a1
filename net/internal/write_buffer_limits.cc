// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/internal/write_buffer_limits.h"

#include <cstddef>
#include <limits>
#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "evkit/net/transport.h"

namespace evkit::net_internal {

absl::StatusOr<WriteBufferLimits> MakeWriteBufferLimits(
    std::optional<size_t> high, std::optional<size_t> low) {
  constexpr size_t kMax = std::numeric_limits<size_t>::max();
  WriteBufferLimits limits;
  if (high.has_value()) {
    limits.high = *high;
  } else if (low.has_value()) {
    limits.high = *low > kMax / 4 ? kMax : 4 * *low;
  }
  limits.low = low.value_or(limits.high / 4);
  if (limits.low > limits.high) {
    return absl::InvalidArgumentError(absl::StrCat(
        "high (", limits.high, ") must be >= low (", limits.low, ")"));
  }
  return limits;
}

}  // namespace evkit::net_internal
