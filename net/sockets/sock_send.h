// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Sending through a socket, awaited. See sock_recv.h for what all awaits of
// sockets have in common.
//
//   co_await OrReturn(SockSendAll(socket, "hello\n"));

#ifndef EVKIT_NET_SOCKETS_SOCK_SEND_H_
#define EVKIT_NET_SOCKETS_SOCK_SEND_H_

#include <cstddef>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "evkit/net/socket.h"
#include "evkit/net/socket_address.h"
#include "evkit/net/sockets/internal/socket_wait.h"

namespace evkit {

namespace net_internal {

class SockSendAllAwait final : public SocketWait {
 public:
  SockSendAllAwait(Socket& socket, absl::string_view data)
      : SocketWait("SockSendAll", socket, Direction::kWrite), rest_(data) {}
  absl::Status await_resume() { return Finish(); }

 private:
  bool Attempt() override;

  absl::string_view rest_;
};

class SockSendToAwait final : public SocketWait {
 public:
  SockSendToAwait(Socket& socket, absl::string_view data,
                  const SocketAddress& to)
      : SocketWait("SockSendTo", socket, Direction::kWrite),
        data_(data),
        to_(to) {}
  absl::StatusOr<size_t> await_resume();

 private:
  bool Attempt() override;

  const absl::string_view data_;
  const SocketAddress to_;
  size_t sent_ = 0;
};

}  // namespace net_internal

// Sends all of `data`, which stays valid meanwhile; empty data at once, without
// a system call. After an error, and when it is cancelled, nobody knows how
// much was sent (SOCK-05). Never raises SIGPIPE.
[[nodiscard]] inline net_internal::SockSendAllAwait SockSendAll(
    Socket& socket, absl::string_view data) {
  return net_internal::SockSendAllAwait(socket, data);
}

// Sends one message to `to`, an empty one too; how many bytes of it were sent,
// which for messages is all (SOCK-06). `data` stays valid meanwhile. Cancelled,
// it was not sent.
[[nodiscard]] inline net_internal::SockSendToAwait SockSendTo(
    Socket& socket, absl::string_view data, const SocketAddress& to) {
  return net_internal::SockSendToAwait(socket, data, to);
}

}  // namespace evkit

#endif  // EVKIT_NET_SOCKETS_SOCK_SEND_H_
