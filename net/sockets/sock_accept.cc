// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/sockets/sock_accept.h"

#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "evkit/net/socket.h"
#include "evkit/net/socket_address.h"

namespace evkit::net_internal {

bool SockAcceptAwait::Attempt() {
  absl::StatusOr<std::optional<std::pair<Socket, SocketAddress>>> accepted =
      awaited_socket().Accept();
  if (!accepted.ok()) {
    Fail(std::move(accepted).status());
    return true;
  }
  accepted_ = *std::move(accepted);
  return accepted_.has_value();
}

absl::StatusOr<std::pair<Socket, SocketAddress>>
SockAcceptAwait::await_resume() {
  absl::Status status = Finish();
  if (!status.ok()) return status;
  return *std::move(accepted_);
}

}  // namespace evkit::net_internal
