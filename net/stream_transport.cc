// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/stream_transport.h"

#include <memory>
#include <utility>

#include "evkit/base/check.h"
#include "evkit/loop/abstract_event_loop.h"
#include "evkit/net/internal/open_transports.h"
#include "evkit/net/internal/socket_stream_transport.h"
#include "evkit/net/protocol.h"
#include "evkit/net/socket.h"
#include "evkit/net/transport.h"

namespace evkit {

using net_internal::OpenTransports;
using net_internal::SocketStreamTransport;

std::shared_ptr<Transport> NewStreamTransport(
    AbstractEventLoop& loop, Socket socket, std::shared_ptr<Protocol> protocol,
    StreamTransportOptions options) {
  EVKIT_CHECK(static_cast<bool>(socket), "a transport needs a socket");
  EVKIT_CHECK(protocol != nullptr, "a transport needs a protocol");
  const auto transport = std::make_shared<SocketStreamTransport>(
      loop, std::move(socket), std::move(protocol), std::move(options.peername),
      std::move(options.on_lost));
  if (loop.IsClosed()) {
    transport->LoopClosed();
    return transport;
  }
  OpenTransports& open = OpenTransports::Of(loop);
  open.Add(transport);
  transport->Start(open, std::move(options.on_made));
  return transport;
}

}  // namespace evkit
