// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Accepting a connection, awaited. See sock_recv.h for what all awaits of
// sockets have in common.
//
//   auto [socket, peer] = co_await OrReturn(SockAccept(listening));

#ifndef EVKIT_NET_SOCKETS_SOCK_ACCEPT_H_
#define EVKIT_NET_SOCKETS_SOCK_ACCEPT_H_

#include <optional>
#include <utility>

#include "absl/status/statusor.h"
#include "evkit/net/socket.h"
#include "evkit/net/socket_address.h"
#include "evkit/net/sockets/internal/socket_wait.h"

namespace evkit {

namespace net_internal {

class SockAcceptAwait final : public SocketWait {
 public:
  explicit SockAcceptAwait(Socket& listening)
      : SocketWait("SockAccept", listening, Direction::kRead) {}
  absl::StatusOr<std::pair<Socket, SocketAddress>> await_resume();

 private:
  bool Attempt() override;

  std::optional<std::pair<Socket, SocketAddress>> accepted_;
};

}  // namespace net_internal

// The next connection, non-blocking and close-on-exec (SOCK-14), and where it
// comes from. A wait that is cancelled accepts nothing (SOCK-15). All errors of
// accept4(2) are passed on, ECONNABORTED and EMFILE too: who serves for long
// goes on after them, or uses a Listener (net/connections/listener.h).
[[nodiscard]] inline net_internal::SockAcceptAwait SockAccept(
    Socket& listening) {
  return net_internal::SockAcceptAwait(listening);
}

}  // namespace evkit

#endif  // EVKIT_NET_SOCKETS_SOCK_ACCEPT_H_
