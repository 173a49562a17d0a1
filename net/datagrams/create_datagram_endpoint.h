// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// A datagram endpoint with a protocol of yours, awaited: by names, by paths, or
// over a socket that there is already.
//
//   DatagramEndpointOptions options;
//   options.local_address = HostPort("127.0.0.1", 9999);
//   auto factory = [] { return std::make_shared<Echo>(); };
//   DatagramEndpoint endpoint = co_await OrReturn(
//       CreateDatagramEndpoint(factory, options));
//
// All of these give the transport and the protocol after the protocol's
// ConnectionMade() has returned, in a later turn (DGRAM-01). The factory is
// called once, when there is a socket, in the awaiting task; what it throws is
// rethrown to whoever awaits, and the socket is closed. What ConnectionMade()
// throws is reported, and the endpoint stays.
//
// Cancelled, they leave nothing open: while names are resolved, the question is
// dropped (DNS-06), and no protocol was made; while ConnectionMade() is due,
// the transport is closed, and the protocol hears ConnectionMade() and
// ConnectionLost(OK).
//
// Only inside a task, on its loop's thread.

#ifndef EVKIT_NET_DATAGRAMS_CREATE_DATAGRAM_ENDPOINT_H_
#define EVKIT_NET_DATAGRAMS_CREATE_DATAGRAM_ENDPOINT_H_

#include <cstddef>
#include <optional>
#include <string>

#include "evkit/loop/coro/coro.h"
#include "evkit/net/datagrams/datagram_transport.h"
#include "evkit/net/dns/host_port.h"
#include "evkit/net/protocol.h"
#include "evkit/net/socket.h"
#include "evkit/net/transport.h"

namespace evkit {

// Fill in a named object.
class DatagramEndpointOptions {
 public:
  DatagramEndpointOptions() = default;

  // Where to receive; by default the kernel chooses a port when something is
  // sent.
  std::optional<HostPort> local_address;
  // The only one to talk to: the socket is connected to it, so it receives from
  // nobody else, and hears of refusals (DGRAM-07).
  std::optional<HostPort> remote_address;
  // Which addresses to look for, as in AddressHints: AF_INET6, AI_PASSIVE.
  int family = 0;
  int protocol = 0;
  int flags = 0;
  // SO_REUSEPORT: others may receive at the same port, each a part of what
  // comes. SO_REUSEADDR is never set: whoever set it on a datagram socket could
  // take its port away from it (DGRAM-08).
  bool reuse_port = false;
  // SO_BROADCAST. The socket is not connected then, since answers to a
  // broadcast come from others.
  bool allow_broadcast = false;
  // As in DatagramTransportOptions.
  size_t batch = 1;
  size_t max_datagram_size = 0;
};

// Looks for a local and a remote address that go together, of the same family
// and protocol, and takes the first ones that can be bound and connected
// (DGRAM-06). With neither, a socket of `options.family` that is not bound.
//   kInvalidArgument: "unexpected address family": neither an address nor
//     AF_INET or AF_INET6 (DGRAM-02); "can not get address information": no
//     two go together (DGRAM-03).
//   kNotFound: "getaddrinfo() returned empty list".
//   As Resolver::Resolve(): what the resolver fails with.
//   The errnos of socket(2), setsockopt(2), bind(2) and connect(2): those of
//     the first attempt (DGRAM-06).
Coro<DatagramEndpoint> CreateDatagramEndpoint(DatagramProtocolFactory factory,
                                              DatagramEndpointOptions options);

// Over a socket of any family, bound or connected or neither; it is taken over,
// and closed on an error. `options.on_made` is called right before the awaiting
// task goes on.
//   kInvalidArgument: not of type SOCK_DGRAM (DGRAM-05).
Coro<DatagramEndpoint> CreateDatagramEndpoint(
    DatagramProtocolFactory factory, Socket socket,
    DatagramTransportOptions options = DatagramTransportOptions());

// Fill in a named object.
class UnixDatagramEndpointOptions {
 public:
  UnixDatagramEndpointOptions() = default;

  // A path, or, beginning with a NUL byte, an abstract name. Without it, others
  // cannot answer.
  std::optional<std::string> local_path;
  std::optional<std::string> remote_path;
  // As in DatagramTransportOptions.
  size_t batch = 1;
  size_t max_datagram_size = 0;
};

// A socket that is at `local_path` already is removed, be it in use or not; not
// being able to is reported, and shows in bind(2) (DGRAM-04). The file that
// bind(2) makes is left behind when the endpoint is closed.
//   kInvalidArgument: as SocketAddress::Unix().
//   The errnos of socket(2), bind(2) and connect(2): ENOENT as kNotFound.
Coro<DatagramEndpoint> CreateUnixDatagramEndpoint(
    DatagramProtocolFactory factory, UnixDatagramEndpointOptions options);

}  // namespace evkit

#endif  // EVKIT_NET_DATAGRAMS_CREATE_DATAGRAM_ENDPOINT_H_
