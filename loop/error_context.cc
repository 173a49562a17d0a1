// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/error_context.h"

#include "absl/strings/str_cat.h"
#include "evkit/loop/internal/exceptions.h"

namespace evkit {

std::string ErrorContext::ToString() const {
  std::map<std::string, std::string> lines = details;
  if (!status.ok()) lines["status"] = status.ToString();
  if (exception != nullptr) {
    lines["exception"] = loop_internal::DescribeException(exception);
  }
  if (!(handle == Handle())) lines["handle"] = handle.DebugString();
  std::string text =
      message.empty() ? "Unhandled exception in event loop" : message;
  for (const auto& [name, value] : lines) {
    absl::StrAppend(&text, "\n", name, ": ", value);
  }
  return text;
}

}  // namespace evkit
