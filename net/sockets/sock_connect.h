// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Connecting a socket, awaited. See sock_recv.h for what all awaits of sockets
// have in common, and sock_connect_by_name.h for names.
//
//   absl::StatusOr<Socket> socket = Socket::Create(AF_INET, SOCK_STREAM);
//   co_await OrReturn(SockConnect(*socket, address));

#ifndef EVKIT_NET_SOCKETS_SOCK_CONNECT_H_
#define EVKIT_NET_SOCKETS_SOCK_CONNECT_H_

#include "absl/status/status.h"
#include "evkit/net/socket.h"
#include "evkit/net/socket_address.h"
#include "evkit/net/sockets/internal/socket_wait.h"

namespace evkit {

namespace net_internal {

class SockConnectAwait final : public SocketWait {
 public:
  SockConnectAwait(Socket& socket, const SocketAddress& address)
      : SocketWait("SockConnect", socket, Direction::kWrite),
        address_(address) {}
  absl::Status await_resume() { return Finish(); }

 private:
  bool Attempt() override;

  const SocketAddress address_;
  bool in_progress_ = false;
};

}  // namespace net_internal

// Connects `socket`, and waits until that is decided (SOCK-12). A socket of
// messages is connected at once. When it is cancelled, the attempt goes on in
// the kernel: close the socket. After an error too.
//   "Connect call failed 127.0.0.1:80: Connection refused", kUnavailable:
//     ECONNREFUSED, found out later. Other errors of connecting likewise.
//   "connect(fd=7, 127.0.0.1:80): ...": connect(2) refused at once (SOCK-13);
//     among these is kUnavailable, EAGAIN, from a listener of the Unix domain
//     whose queue is full, for which there is nothing to wait.
[[nodiscard]] inline net_internal::SockConnectAwait SockConnect(
    Socket& socket, const SocketAddress& address) {
  return net_internal::SockConnectAwait(socket, address);
}

}  // namespace evkit

#endif  // EVKIT_NET_SOCKETS_SOCK_CONNECT_H_
