// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/sockets/sock_recv_from.h"

#include <cstddef>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "evkit/net/socket_address.h"
#include "evkit/net/sockets/internal/receive_string.h"

namespace evkit::net_internal {

bool SockRecvFromAwait::Attempt() {
  return Settle(ReceiveString(size_, &data_,
                              [this](absl::Span<char> buffer) {
                                return awaited_socket().RecvFrom(buffer,
                                                                 &from_);
                              }),
                "recvfrom");
}

absl::StatusOr<std::pair<std::string, SocketAddress>>
SockRecvFromAwait::await_resume() {
  absl::Status status = Finish();
  if (!status.ok()) return status;
  return std::pair(std::move(data_), std::move(from_));
}

bool SockRecvFromIntoAwait::Attempt() {
  const IoResult result = awaited_socket().RecvFrom(buffer_, &from_);
  received_ = result.bytes();
  return Settle(result, "recvfrom");
}

absl::StatusOr<std::pair<size_t, SocketAddress>>
SockRecvFromIntoAwait::await_resume() {
  absl::Status status = Finish();
  if (!status.ok()) return status;
  return std::pair(received_, std::move(from_));
}

}  // namespace evkit::net_internal
