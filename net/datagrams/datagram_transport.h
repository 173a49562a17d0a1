// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// The transport of a datagram socket: UDP, or of the Unix domain. At callback
// level; coroutines begin with create_datagram_endpoint.h.
//
//   Socket socket = ...;  // bound, or connected, or neither
//   auto transport =
//       NewDatagramTransport(loop, std::move(socket),
//       std::make_shared<Echo>());
//
// Datagrams get lost, doubled and reordered on their way; what the kernel has
// no room for, on either side, it drops without a word. What is kept here is
// the order of what is sent, and that every error reaches ErrorReceived().

#ifndef EVKIT_NET_DATAGRAMS_DATAGRAM_TRANSPORT_H_
#define EVKIT_NET_DATAGRAMS_DATAGRAM_TRANSPORT_H_

#include <cstddef>
#include <memory>
#include <optional>

#include "absl/functional/any_invocable.h"
#include "evkit/loop/abstract_event_loop.h"
#include "evkit/net/protocol.h"
#include "evkit/net/socket.h"
#include "evkit/net/socket_address.h"
#include "evkit/net/transport.h"

namespace evkit {

// Fill in a named object.
class DatagramTransportOptions {
 public:
  DatagramTransportOptions() = default;

  // The only address that is sent to (DGRAM-10). Without it, that of the peer,
  // if the socket is connected; else any.
  std::optional<SocketAddress> remote_address;
  // How many datagrams one turn receives at most, 1 to 1024 (DGRAM-13). With
  // more than one they come by one recvmmsg(2), and what is sent while they are
  // delivered goes out together, by sendmmsg(2), after the last of them, or as
  // soon as there are this many or they pass the high-water mark. Nothing else
  // differs: see docs/datagrams.md for what it brings.
  size_t batch = 1;
  // A longer datagram than this is dropped, and ErrorReceived() told so
  // (EMSGSIZE). 0: what the family can carry, 64 KiB for the internet, else
  // 256 KiB.
  size_t max_datagram_size = 0;
  // Called in a callback of its own after ConnectionMade() has returned and
  // receiving has begun.
  absl::AnyInvocable<void() &&> on_made;
  // Called right after ConnectionLost() has returned and the socket is closed.
  absl::AnyInvocable<void() &&> on_lost;
};

// Takes over `socket`, of type SOCK_DGRAM (checked), and queues three
// callbacks: ConnectionMade(), begin to receive, `options.on_made`. Nothing is
// called inside this call. On a closed loop the socket is closed, and the
// transport is closing from the start; no protocol is told.
//
// The protocol is not told of a connection lost but after Close() or Abort(),
// with OK; or if the kernel refuses to watch the socket, with its errno.
// Datagrams that a callback leaves in the kernel by calling either are gone.
std::shared_ptr<DatagramTransport> NewDatagramTransport(
    AbstractEventLoop& loop, Socket socket,
    std::shared_ptr<DatagramProtocol> protocol,
    DatagramTransportOptions options = DatagramTransportOptions());

}  // namespace evkit

#endif  // EVKIT_NET_DATAGRAMS_DATAGRAM_TRANSPORT_H_
