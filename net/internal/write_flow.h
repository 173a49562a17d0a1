// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// When to pause and to resume a protocol: the arithmetic of FLOW-01 to FLOW-07.

#ifndef EVKIT_NET_INTERNAL_WRITE_FLOW_H_
#define EVKIT_NET_INTERNAL_WRITE_FLOW_H_

#include <cstddef>
#include <optional>

#include "absl/status/status.h"
#include "evkit/net/transport.h"

namespace evkit::net_internal {

class WriteFlow {
 public:
  WriteFlow() = default;

  // As BaseTransport::SetWriteBufferLimits().
  absl::Status SetLimits(std::optional<size_t> high, std::optional<size_t> low);
  const WriteBufferLimits& limits() const { return limits_; }
  bool paused() const { return paused_; }

  // Whether PauseWriting() is due, now that `size` bytes wait; if so, counts as
  // paused from now on.
  [[nodiscard]] bool Pauses(size_t size) {
    if (paused_ || size <= limits_.high) return false;
    paused_ = true;
    return true;
  }
  // The same for ResumeWriting().
  [[nodiscard]] bool Resumes(size_t size) {
    if (!paused_ || size > limits_.low) return false;
    paused_ = false;
    return true;
  }

 private:
  WriteBufferLimits limits_;
  bool paused_ = false;
};

}  // namespace evkit::net_internal

#endif  // EVKIT_NET_INTERNAL_WRITE_FLOW_H_
