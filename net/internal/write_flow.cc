// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/internal/write_flow.h"

#include <limits>
#include <optional>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "evkit/net/transport.h"

namespace evkit::net_internal {

absl::Status WriteFlow::SetLimits(std::optional<size_t> high,
                                  std::optional<size_t> low) {
  constexpr size_t kMax = std::numeric_limits<size_t>::max();
  if (!high.has_value()) {
    if (!low.has_value()) {
      high = WriteBufferLimits().high;
    } else {
      high = *low > kMax / 4 ? kMax : 4 * *low;
    }
  }
  if (!low.has_value()) low = *high / 4;
  if (*low > *high) {
    return absl::InvalidArgumentError(absl::StrCat(
        "high (", *high, ") must be >= low (", *low, ") must be >= 0"));
  }
  limits_ = WriteBufferLimits(*low, *high);
  return absl::OkStatus();
}

}  // namespace evkit::net_internal
