// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// The transport of a connected stream socket, TCP or Unix.

#ifndef EVKIT_NET_STREAM_TRANSPORT_H_
#define EVKIT_NET_STREAM_TRANSPORT_H_

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
class StreamTransportOptions {
 public:
  StreamTransportOptions() = default;

  // Called in a callback of its own after ConnectionMade() has returned and
  // reading has begun (CONN-02).
  absl::AnyInvocable<void() &&> on_made;
  // Called right after ConnectionLost() has returned and the socket is closed:
  // for who keeps count of connections.
  absl::AnyInvocable<void() &&> on_lost;
  // What kPeername tells; asked of the socket if it is not given.
  std::optional<SocketAddress> peername;
};

// Takes over `socket`, connected. Callbacks call ConnectionMade(), begin to
// read, and call `options.on_made`, in this order (CONN-02). On TCP sets
// TCP_NODELAY, unless the socket knows that it has it (CONN-16). Nothing is
// called inside this call. On a closed loop, the socket is closed, and the
// transport is closing from the start; no protocol is told.
//
// An idle one takes 208 bytes, in one allocation of 192 and a place in a list;
// among them is the loop's callback for a reader. Its protocol and the loop's
// and the selector's tables of descriptors are not.
std::shared_ptr<Transport> NewStreamTransport(
    AbstractEventLoop& loop, Socket socket, std::shared_ptr<Protocol> protocol,
    StreamTransportOptions options = StreamTransportOptions());

}  // namespace evkit

#endif  // EVKIT_NET_STREAM_TRANSPORT_H_
