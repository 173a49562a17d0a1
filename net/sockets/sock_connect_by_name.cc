// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/sockets/sock_connect_by_name.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "evkit/loop/coro/or_return.h"
#include "evkit/net/dns/get_addr_info.h"
#include "evkit/net/socket_address.h"

namespace evkit {

Coro<void> SockConnect(Socket& socket, std::string host, Service service) {
  if (socket.family() != AF_INET && socket.family() != AF_INET6) {
    co_return absl::InvalidArgumentError(absl::StrCat(
        "SockConnect(fd=", socket.fd(), ", ", host, "): a socket of family ",
        socket.family(), " does not connect to names"));
  }
  AddressHints hints;
  hints.family = socket.family();
  hints.type = socket.type();
  hints.protocol = socket.protocol();
  const std::vector<SocketAddress> addresses = co_await OrReturn(
      ResolveAddresses(std::move(host), std::move(service), hints));
  co_return co_await SockConnect(socket, addresses.front());
}

}  // namespace evkit
