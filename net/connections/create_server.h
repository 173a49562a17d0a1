// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// A TCP server at a name and a port, or over a socket, made in a task.
//
//   ProtocolFactory echo = [] { return std::make_shared<Echo>(); };
//   std::shared_ptr<Server> server = co_await OrReturn(
//       CreateServer(std::move(echo), "localhost", 8888));
//
// All run on the loop of the task that awaits them. A server that serves is
// given back after a turn (SRV-01); cancelled until then, they leave nothing
// open.

#ifndef EVKIT_NET_CONNECTIONS_CREATE_SERVER_H_
#define EVKIT_NET_CONNECTIONS_CREATE_SERVER_H_

#include <memory>
#include <string>
#include <vector>

#include "evkit/loop/coro/coro.h"
#include "evkit/net/connections/bind_server.h"
#include "evkit/net/connections/server.h"
#include "evkit/net/dns/resolver.h"
#include "evkit/net/protocol.h"
#include "evkit/net/socket.h"
#include "evkit/net/socket_address.h"

namespace evkit {

// A server at every address that `host` stands for; an empty one is all
// interfaces, a socket for each family (SRV-03). `port` 0 is a free one, for
// each socket another (SRV-04).
//   What ResolveAddresses() (net/dns/get_addr_info.h) and BindServer() fail
//   with.
Coro<std::shared_ptr<Server>> CreateServer(
    ProtocolFactory factory, std::string host, Service port,
    ServerOptions options = ServerOptions());

// The same for several, which are resolved at the same time; an address of two
// of them is bound once (SRV-03).
//   kInvalidArgument: none.
Coro<std::shared_ptr<Server>> CreateServer(
    ProtocolFactory factory, std::vector<std::string> hosts, Service port,
    ServerOptions options = ServerOptions());

// BindServer().
Coro<std::shared_ptr<Server>> CreateServer(
    ProtocolFactory factory, std::vector<SocketAddress> addresses,
    ServerOptions options = ServerOptions());

// A server over a socket that is bound already; of `options` only `backlog` and
// `start_serving` count.
//   What NewServer() and StartServing() fail with.
Coro<std::shared_ptr<Server>> CreateServer(
    ProtocolFactory factory, Socket socket,
    ServerOptions options = ServerOptions());

}  // namespace evkit

#endif  // EVKIT_NET_CONNECTIONS_CREATE_SERVER_H_
