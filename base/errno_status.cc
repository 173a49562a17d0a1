// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/base/errno_status.h"

#include <cerrno>
#include <string>

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "evkit/base/check.h"

namespace evkit {
namespace {

constexpr char kErrnoPayload[] = "evkit/errno";

}  // namespace

absl::Status StatusFromErrno(int error, absl::string_view what) {
  EVKIT_CHECK(error != 0, "StatusFromErrno was called without an error");
  absl::Status status = absl::ErrnoToStatus(error, what);
  if (status.code() == absl::StatusCode::kCancelled) {
    status = absl::AbortedError(status.message());
  }
  status.SetPayload(kErrnoPayload, absl::Cord(absl::StrCat(error)));
  return status;
}

int ErrnoFromStatus(const absl::Status& status) {
  const absl::optional<absl::Cord> payload = status.GetPayload(kErrnoPayload);
  int error = 0;
  if (payload.has_value() && !absl::SimpleAtoi(std::string(*payload), &error)) {
    return 0;
  }
  return error;
}

}  // namespace evkit
