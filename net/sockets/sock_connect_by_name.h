// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Connecting a socket to a host that has a name, awaited.
//
//   co_await OrReturn(SockConnect(socket, "example.com", "https"));

#ifndef EVKIT_NET_SOCKETS_SOCK_CONNECT_BY_NAME_H_
#define EVKIT_NET_SOCKETS_SOCK_CONNECT_BY_NAME_H_

#include <string>

#include "evkit/loop/coro/coro.h"
#include "evkit/net/dns/resolver.h"
#include "evkit/net/socket.h"
#include "evkit/net/sockets/sock_connect.h"

namespace evkit {

// Connects `socket`, IPv4 or IPv6, to the first address of its family that the
// loop's resolver knows of `host`; a number asks nobody (SOCK-11). `socket`
// must outlive it. Cancellation: as the other SockConnect().
//   kInvalidArgument: `socket` is of another family.
//   Others: as `ResolveAddresses()` and the other SockConnect().
Coro<void> SockConnect(Socket& socket, std::string host, Service service);

}  // namespace evkit

#endif  // EVKIT_NET_SOCKETS_SOCK_CONNECT_BY_NAME_H_
