// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/sockets/sock_send.h"

#include <cstddef>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace evkit::net_internal {

bool SockSendAllAwait::Attempt() {
  if (rest_.empty()) return true;
  const IoResult result = awaited_socket().Send(rest_);
  if (!result.ok()) return Settle(result, "send");
  rest_.remove_prefix(result.bytes());
  return rest_.empty();
}

bool SockSendToAwait::Attempt() {
  const IoResult result = awaited_socket().SendTo(data_, to_);
  sent_ = result.bytes();
  return Settle(result, "sendto");
}

absl::StatusOr<size_t> SockSendToAwait::await_resume() {
  absl::Status status = Finish();
  if (!status.ok()) return status;
  return sent_;
}

}  // namespace evkit::net_internal
