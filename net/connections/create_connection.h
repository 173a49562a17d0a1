// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// A connection with a protocol of yours at this end, awaited: by name, by path,
// or from a socket that is connected already.
//
//   auto factory = [] { return std::make_shared<Echo>(); };
//   Connection connection = co_await OrReturn(
//       CreateConnection(factory, "example.com", 80));
//
// All of these give the transport and the protocol after the protocol's
// ConnectionMade() has returned, in a later turn (CONN-01). The factory is
// called once, when there is a socket, in the awaiting task; what it throws is
// rethrown to whoever awaits, and the socket is closed (CONN-19). What
// ConnectionMade() throws is reported, and the connection stays (CONN-20). What
// is not in the options, a limit of time above all, is done round them:
// WaitFor(), Timeout.
//
// Cancelled, they leave nothing open: while names are resolved, the question is
// dropped (DNS-06); while sockets connect, they are closed (CONN-17), and no
// protocol was made; while ConnectionMade() is due, the transport is closed,
// and the protocol hears ConnectionMade() and ConnectionLost(OK) (CONN-18);
// while a TLS handshake goes on, the transport is aborted, and the protocol
// hears nothing.
//
// With TLS, what the handshake fails with (net/tls/tls_layer.h) is returned,
// and kInvalidArgument if the context wants a name and there is none (CONN-07).
//
// Only inside a task, on its loop's thread. A loop that is closed meanwhile
// closes the sockets.

#ifndef EVKIT_NET_CONNECTIONS_CREATE_CONNECTION_H_
#define EVKIT_NET_CONNECTIONS_CREATE_CONNECTION_H_

#include <cstddef>
#include <optional>
#include <string>

#include "absl/time/time.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/net/dns/host_port.h"
#include "evkit/net/dns/resolver.h"
#include "evkit/net/protocol.h"
#include "evkit/net/socket.h"
#include "evkit/net/tls/tls_options.h"
#include "evkit/net/transport.h"

namespace evkit {

// Fill in a named object.
class ConnectionOptions {
 public:
  ConnectionOptions() = default;

  // Which addresses to look for, as in AddressHints: AF_INET6, AI_ADDRCONFIG.
  int family = 0;
  int flags = 0;
  // The sockets' protocol; 0 is TCP.
  int protocol = 0;
  // Where to connect from; resolved in the same way (CONN-10).
  std::optional<HostPort> local_address;
  // Do not wait longer than this for one address before trying the next too,
  // RFC 8305 (HAPPY-01). 250 ms is usual. Without it, one after another.
  std::optional<absl::Duration> happy_eyeballs_delay;
  // The `first_family_count` of InterleaveFamilies(): by default 1 if there is
  // a delay, else 0, the resolver's order (HAPPY-01, HAPPY-02).
  std::optional<size_t> interleave;
  // Report every error, as an error group (CONN-14).
  bool all_errors = false;
  // Encrypts the connection. The name that the certificate must be for is
  // `host`, unless it says another.
  std::optional<TlsOptions> tls;
};

// Connects to the first address of `host` that answers. An empty `host` is this
// machine.
//   kInvalidArgument: neither host nor service (CONN-03).
//   As ResolveAddresses(): what the resolver fails with.
//   As Connector: what connecting fails with (CONN-11 to CONN-14).
Coro<Connection> CreateConnection(
    ProtocolFactory factory, std::string host, Service service,
    ConnectionOptions options = ConnectionOptions());

// Of a socket that is connected, whatever its family; it is taken over, and
// closed on an error (CONN-05).
//   kInvalidArgument: not of type SOCK_STREAM (CONN-04).
Coro<Connection> CreateConnection(ProtocolFactory factory, Socket socket,
                                  std::optional<TlsOptions> tls = std::nullopt);

// Connects to a Unix socket: a path, or, beginning with a NUL byte, an abstract
// name.
//   kInvalidArgument: as SocketAddress::Unix().
//   The errnos of connect(2) (UNIX-07): ENOENT as kNotFound, ECONNREFUSED, and
//     EAGAIN, the listener's queue is full: nothing is waited for.
Coro<Connection> CreateUnixConnection(
    ProtocolFactory factory, std::string path,
    std::optional<TlsOptions> tls = std::nullopt);

// Of a Unix socket that is connected.
//   kInvalidArgument: of another family or type (UNIX-01).
Coro<Connection> CreateUnixConnection(
    ProtocolFactory factory, Socket socket,
    std::optional<TlsOptions> tls = std::nullopt);

// Of a stream socket that somebody accepted, outside of any server (SRV-29);
// with TLS it is the server's side.
//   kInvalidArgument: not of type SOCK_STREAM.
Coro<Connection> ConnectAcceptedSocket(
    ProtocolFactory factory, Socket socket,
    std::optional<TlsOptions> tls = std::nullopt);

}  // namespace evkit

#endif  // EVKIT_NET_CONNECTIONS_CREATE_CONNECTION_H_
