// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/handle.h"

#include <cstdint>
#include <cstdio>
#include <string>

#include "absl/strings/str_cat.h"
#include "evkit/loop/handle_node.h"

namespace evkit {

std::string HandleNode::DebugString() const {
  if (cancelled_) return absl::StrCat("<", Describe(), " cancelled>");
  return absl::StrCat("<", Describe(), " scheduled at ", scheduled_at_.file(),
                      ":", scheduled_at_.line(), " in ",
                      scheduled_at_.function(), ">");
}

std::string DescribeTimer(const char* name, MonotonicTime when) {
  constexpr int64_t kNanosPerSecond = 1'000'000'000;
  const int64_t nanos = when.ToNanos();
  char text[64];
  std::snprintf(
      text, sizeof(text), "%s when=%s%lld.%09lld", name, nanos < 0 ? "-" : "",
      static_cast<long long>(nanos / kNanosPerSecond) * (nanos < 0 ? -1 : 1),
      static_cast<long long>(nanos % kNanosPerSecond) * (nanos < 0 ? -1 : 1));
  return text;
}

std::string TimerHandleNode::Describe() const {
  return DescribeTimer("TimerHandle", when_);
}

std::string Handle::DebugString() const {
  return node_ == nullptr ? "<Handle cancelled>" : node_->DebugString();
}

std::string TimerHandle::DebugString() const {
  return node() == nullptr ? "<TimerHandle cancelled>" : node()->DebugString();
}

}  // namespace evkit
