// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// From names to addresses and back, awaited. Asks the running loop's resolver
// (net/dns/loop_resolver.h).
//
//   std::vector<SocketAddress> addresses =
//       co_await OrReturn(ResolveAddresses("example.com", "https"));
//
// All are cancel-safe; a cancelled question may keep a thread busy until it is
// answered (DNS-06). Only inside a task.

#ifndef EVKIT_NET_DNS_GET_ADDR_INFO_H_
#define EVKIT_NET_DNS_GET_ADDR_INFO_H_

#include <string>
#include <vector>

#include "evkit/loop/coro/coro.h"
#include "evkit/net/dns/resolver.h"
#include "evkit/net/socket_address.h"

namespace evkit {

// As `Resolver::Resolve()` (DNS-01). At least one turn.
Coro<std::vector<AddressInfo>> GetAddrInfo(std::string host, Service service,
                                           AddressHints hints = AddressHints());

// As `Resolver::ResolveName()` (DNS-03). At least one turn.
Coro<NameInfo> GetNameInfo(SocketAddress address, int flags = 0);

// Where to connect to, or to bind to with AI_PASSIVE: the addresses of `host`
// in the resolver's order, each once. For sockets of `hints.type`, 0 meaning
// SOCK_STREAM. A numeric host with a numeric service, or none, takes no turn
// and asks no resolver (CONN-08).
//   kNotFound: "getaddrinfo() returned empty list" (CONN-09).
//   Others: as `Resolver::Resolve()`.
Coro<std::vector<SocketAddress>> ResolveAddresses(
    std::string host, Service service, AddressHints hints = AddressHints());

}  // namespace evkit

#endif  // EVKIT_NET_DNS_GET_ADDR_INFO_H_
