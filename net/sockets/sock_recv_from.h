// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Receiving messages and where they come from, awaited. See sock_recv.h for
// what all awaits of sockets have in common.
//
//   auto [data, from] = co_await OrReturn(SockRecvFrom(socket, 1500));

#ifndef EVKIT_NET_SOCKETS_SOCK_RECV_FROM_H_
#define EVKIT_NET_SOCKETS_SOCK_RECV_FROM_H_

#include <cstddef>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "evkit/net/socket.h"
#include "evkit/net/socket_address.h"
#include "evkit/net/sockets/internal/socket_wait.h"

namespace evkit {

namespace net_internal {

class SockRecvFromAwait final : public SocketWait {
 public:
  SockRecvFromAwait(Socket& socket, size_t size)
      : SocketWait("SockRecvFrom", socket, Direction::kRead), size_(size) {}
  absl::StatusOr<std::pair<std::string, SocketAddress>> await_resume();

 private:
  bool Attempt() override;

  const size_t size_;
  std::string data_;
  SocketAddress from_;
};

class SockRecvFromIntoAwait final : public SocketWait {
 public:
  SockRecvFromIntoAwait(Socket& socket, absl::Span<char> buffer)
      : SocketWait("SockRecvFromInto", socket, Direction::kRead),
        buffer_(buffer) {}
  absl::StatusOr<std::pair<size_t, SocketAddress>> await_resume();

 private:
  bool Attempt() override;

  const absl::Span<char> buffer_;
  size_t received_ = 0;
  SocketAddress from_;
};

}  // namespace net_internal

// One message, the first `size` bytes of it and at most 1 MiB, the rest being
// lost; and its sender, which is no address if it has none, and for connected
// streams (SOCK-06).
[[nodiscard]] inline net_internal::SockRecvFromAwait SockRecvFrom(
    Socket& socket, size_t size) {
  return net_internal::SockRecvFromAwait(socket, size);
}

// The same into `buffer`; how many bytes, and the sender.
[[nodiscard]] inline net_internal::SockRecvFromIntoAwait SockRecvFromInto(
    Socket& socket, absl::Span<char> buffer) {
  return net_internal::SockRecvFromIntoAwait(socket, buffer);
}

}  // namespace evkit

#endif  // EVKIT_NET_SOCKETS_SOCK_RECV_FROM_H_
