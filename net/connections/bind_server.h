// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// A server at addresses that are known, at callback level. CreateServer()
// (create_server.h) takes names.
//
//   absl::StatusOr<std::shared_ptr<Server>> server =
//       BindServer(loop, {SocketAddress::LoopbackIPv4(8888)}, std::move(echo));

#ifndef EVKIT_NET_CONNECTIONS_BIND_SERVER_H_
#define EVKIT_NET_CONNECTIONS_BIND_SERVER_H_

#include <netdb.h>
#include <sys/socket.h>

#include <memory>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "evkit/loop/abstract_event_loop.h"
#include "evkit/net/connections/server.h"
#include "evkit/net/protocol.h"
#include "evkit/net/socket_address.h"
#include "evkit/net/tls/tls_options.h"

namespace evkit {

// Fill in a named object.
class ServerOptions {
 public:
  ServerOptions() = default;

  // What names are resolved with: AF_INET or AF_INET6 to have only these, and
  // flags of getaddrinfo(3).
  int family = AF_UNSPEC;
  int flags = AI_PASSIVE;

  // As ListenerOptions::backlog.
  int backlog = 100;
  // SO_REUSEADDR: a port whose last connections the kernel still remembers
  // (TIME_WAIT) can be bound.
  bool reuse_address = true;
  // SO_REUSEPORT, on internet sockets: several servers that all set it share
  // the port, and the kernel spreads the connections over them. One server for
  // each loop of a program with a loop per core.
  bool reuse_port = false;
  // SO_KEEPALIVE on the listening sockets, which connections inherit.
  bool keep_alive = false;
  // Encrypts every connection (NewServerOptions::tls).
  std::optional<TlsOptions> tls;
  // Begin to listen at once. Else StartServing() or ServeForever() does.
  bool start_serving = true;
};

// A socket for each of `addresses`, equal ones once (SRV-03), and a server over
// them. Port 0 is a free one, for each socket another (SRV-04); IPv6 sockets
// are for IPv6 only, so that IPv4 and IPv6 can share a port (SRV-06). All
// sockets are closed if it fails:
//   the errno of bind(2): "error while attempting to bind on address
//     127.0.0.1:80: Address already in use" (SRV-07). An address that this
//     machine does not have (EADDRNOTAVAIL) is passed over (SRV-08), and so is
//     a family that it does not have (SRV-09); debug mode reports both.
//   kUnavailable, no errno: "could not bind on any address out of [...]".
//   kResourceExhausted and other codes for EMFILE, ENFILE, ENOBUFS, ENOMEM of
//     socket(2); the errnos of setsockopt(2).
//   What NewServer() and StartServing() fail with.
absl::StatusOr<std::shared_ptr<Server>> BindServer(
    AbstractEventLoop& loop, const std::vector<SocketAddress>& addresses,
    ProtocolFactory factory, const ServerOptions& options = ServerOptions());

}  // namespace evkit

#endif  // EVKIT_NET_CONNECTIONS_BIND_SERVER_H_
