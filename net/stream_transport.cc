// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/stream_transport.h"

#include <sys/socket.h>

#include <memory>
#include <utility>

#include "evkit/base/check.h"
#include "evkit/loop/abstract_event_loop.h"
#include "evkit/net/internal/basic_stream_transport.h"
#include "evkit/net/internal/basic_stream_transport_impl.h"
#include "evkit/net/internal/socket_stream_driver.h"
#include "evkit/net/protocol.h"
#include "evkit/net/socket.h"
#include "evkit/net/transport.h"

namespace evkit {

using net_internal::BasicStreamTransport;
using net_internal::SocketStreamDriver;

std::shared_ptr<Transport> NewStreamTransport(
    AbstractEventLoop& loop, Socket socket, std::shared_ptr<Protocol> protocol,
    StreamTransportOptions options) {
  EVKIT_CHECK(static_cast<bool>(socket), "a transport needs a socket");
  if (socket.family() == AF_INET || socket.family() == AF_INET6) {
    socket.SetNoDelay().IgnoreError();
  }
  const auto transport =
      std::make_shared<BasicStreamTransport<SocketStreamDriver>>(
          loop, SocketStreamDriver(std::move(socket)), std::move(protocol),
          std::move(options.peername), std::move(options.on_lost));
  transport->Start(transport, std::move(options.on_made));
  return transport;
}

}  // namespace evkit
