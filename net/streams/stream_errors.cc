// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/streams/stream_errors.h"

#include <cstdint>

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"

namespace evkit {
namespace {

constexpr char kPartialPayload[] = "evkit/partial_read";
constexpr char kConsumedPayload[] = "evkit/limit_overrun_consumed";

}  // namespace

absl::Status IncompleteReadError(absl::string_view partial,
                                 std::optional<size_t> expected) {
  absl::Status status = absl::OutOfRangeError(
      absl::StrCat(partial.size(), " bytes read on a total of ",
                   expected.has_value() ? absl::StrCat(*expected) : "undefined",
                   " expected bytes"));
  status.SetPayload(kPartialPayload, absl::Cord(partial));
  return status;
}

std::optional<std::string> PartialRead(const absl::Status& status) {
  const absl::optional<absl::Cord> payload = status.GetPayload(kPartialPayload);
  if (!payload.has_value()) return std::nullopt;
  return std::string(*payload);
}

absl::Status LimitOverrunError(absl::string_view message, size_t consumed) {
  absl::Status status = absl::ResourceExhaustedError(message);
  status.SetPayload(kConsumedPayload, absl::Cord(absl::StrCat(consumed)));
  return status;
}

std::optional<size_t> LimitOverrunConsumed(const absl::Status& status) {
  const absl::optional<absl::Cord> payload =
      status.GetPayload(kConsumedPayload);
  uint64_t consumed = 0;
  if (!payload.has_value() ||
      !absl::SimpleAtoi(std::string(*payload), &consumed)) {
    return std::nullopt;
  }
  return static_cast<size_t>(consumed);
}

}  // namespace evkit
