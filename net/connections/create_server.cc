// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/connections/create_server.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "evkit/loop/abstract_event_loop.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/loop/coro/gather.h"
#include "evkit/loop/coro/or_return.h"
#include "evkit/net/connections/bind_server.h"
#include "evkit/net/connections/internal/await_serving.h"
#include "evkit/net/connections/server.h"
#include "evkit/net/dns/get_addr_info.h"
#include "evkit/net/dns/resolver.h"
#include "evkit/net/protocol.h"
#include "evkit/net/socket.h"
#include "evkit/net/socket_address.h"
#include "evkit/policy/running_loop.h"

namespace evkit {
namespace {

AddressHints HintsOf(const ServerOptions& options) {
  AddressHints hints;
  hints.family = options.family;
  hints.type = SOCK_STREAM;
  hints.flags = options.flags;
  return hints;
}

}  // namespace

Coro<std::shared_ptr<Server>> CreateServer(ProtocolFactory factory,
                                           std::string host, Service port,
                                           ServerOptions options) {
  std::vector<SocketAddress> addresses = co_await OrReturn(
      ResolveAddresses(std::move(host), std::move(port), HintsOf(options)));
  co_return co_await CreateServer(std::move(factory), std::move(addresses),
                                  options);
}

Coro<std::shared_ptr<Server>> CreateServer(ProtocolFactory factory,
                                           std::vector<std::string> hosts,
                                           Service port,
                                           ServerOptions options) {
  if (hosts.empty()) {
    co_return absl::InvalidArgumentError("a server needs a host");
  }
  std::vector<Coro<std::vector<SocketAddress>>> questions;
  for (std::string& host : hosts) {
    questions.push_back(
        ResolveAddresses(std::move(host), port, HintsOf(options)));
  }
  const std::vector<std::vector<SocketAddress>> found =
      co_await OrReturn(Gather(std::move(questions)));
  std::vector<SocketAddress> addresses;
  for (const std::vector<SocketAddress>& some : found) {
    addresses.insert(addresses.end(), some.begin(), some.end());
  }
  co_return co_await CreateServer(std::move(factory), std::move(addresses),
                                  options);
}

Coro<std::shared_ptr<Server>> CreateServer(ProtocolFactory factory,
                                           std::vector<SocketAddress> addresses,
                                           ServerOptions options) {
  AbstractEventLoop* const loop = co_await OrReturn(GetRunningLoop());
  co_return co_await net_internal::AwaitServing(
      BindServer(*loop, addresses, std::move(factory), options));
}

Coro<std::shared_ptr<Server>> CreateServer(ProtocolFactory factory,
                                           Socket socket,
                                           ServerOptions options) {
  AbstractEventLoop* const loop = co_await OrReturn(GetRunningLoop());
  std::vector<Socket> sockets;
  sockets.push_back(std::move(socket));
  NewServerOptions server_options;
  server_options.backlog = options.backlog;
  server_options.tls = options.tls;
  absl::StatusOr<std::shared_ptr<Server>> server = NewServer(
      *loop, std::move(sockets), std::move(factory), std::move(server_options));
  if (server.ok() && options.start_serving) {
    const absl::Status started = (*server)->StartServing();
    if (!started.ok()) co_return started;
  }
  co_return co_await net_internal::AwaitServing(std::move(server));
}

}  // namespace evkit
