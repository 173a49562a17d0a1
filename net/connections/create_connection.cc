// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/connections/create_connection.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "evkit/base/check.h"
#include "evkit/loop/abstract_event_loop.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/loop/coro/future.h"
#include "evkit/loop/coro/or_return.h"
#include "evkit/loop/coro/waiter.h"
#include "evkit/net/connections/connector.h"
#include "evkit/net/dns/get_addr_info.h"
#include "evkit/net/dns/resolver.h"
#include "evkit/net/protocol.h"
#include "evkit/net/socket.h"
#include "evkit/net/socket_address.h"
#include "evkit/net/stream_transport.h"
#include "evkit/net/tls/tls_options.h"
#include "evkit/net/transport.h"
#include "evkit/policy/running_loop.h"

namespace evkit {
namespace {

absl::Status CheckStream(const Socket& socket) {
  if (socket.type() == SOCK_STREAM) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("a stream socket was expected, got one of type ",
                   socket.type(), " (fd=", socket.fd(), ")"));
}

// A local of the caller's is what `Connector` answers to, so that it is gone
// before that.
Coro<Socket> Connect(std::vector<SocketAddress> addresses,
                     ConnectorOptions options) {
  AbstractEventLoop* const loop = co_await OrReturn(GetRunningLoop());
  Waiter decided("CreateConnection");
  std::optional<absl::StatusOr<Socket>> result;
  auto done = [&](absl::StatusOr<Socket> socket) {
    result.emplace(std::move(socket));
    decided.Complete();
  };
  Connector connector(*loop, std::move(addresses), std::move(options),
                      std::move(done));
  connector.Start();
  co_await OrReturn(decided);
  co_return *std::move(result);
}

// Puts a protocol on a connected socket.
Coro<Connection> Establish(ProtocolFactory& factory, Socket socket) {
  AbstractEventLoop* const loop = co_await OrReturn(GetRunningLoop());
  std::shared_ptr<Protocol> protocol = factory();
  EVKIT_CHECK(protocol != nullptr, "the factory made no protocol");
  // Shared with the transport, which may outlive this coroutine.
  const Future<void> made = CreateFuture<void>(*loop);
  StreamTransportOptions options;
  options.on_made = [made] {
    made.SetResult().IgnoreError();  // Cancelled meanwhile.
  };
  std::shared_ptr<Transport> transport = NewStreamTransport(
      *loop, std::move(socket), protocol, std::move(options));
  absl::Status status = co_await made;
  if (!status.ok()) {
    transport->Close();
    co_return status;
  }
  co_return Connection(std::move(transport), std::move(protocol));
}

// The same through TLS.
Coro<Connection> EstablishTls(ProtocolFactory& factory, Socket socket,
                              const TlsOptions& tls, bool server_side) {
  AbstractEventLoop* const loop = co_await OrReturn(GetRunningLoop());
  std::shared_ptr<Protocol> protocol = factory();
  EVKIT_CHECK(protocol != nullptr, "the factory made no protocol");
  const auto ready = CreateFuture<std::shared_ptr<Transport>>(*loop);
  auto on_ready = [ready](absl::StatusOr<std::shared_ptr<Transport>> secure) {
    if (secure.ok()) {
      ready.SetResult(*std::move(secure))
          .IgnoreError();  // Cancelled meanwhile.
    } else {
      ready.SetError(std::move(secure).status()).IgnoreError();
    }
  };
  absl::StatusOr<std::shared_ptr<Protocol>> layer =
      server_side
          ? NewTlsServerLayer(*loop, tls, protocol, std::move(on_ready))
          : NewTlsClientLayer(*loop, tls, protocol, std::move(on_ready));
  if (!layer.ok()) co_return std::move(layer).status();
  const std::shared_ptr<Transport> below =
      NewStreamTransport(*loop, std::move(socket), *std::move(layer));
  absl::StatusOr<std::shared_ptr<Transport>> secure = co_await ready;
  if (!secure.ok()) {
    below->Abort();
    co_return std::move(secure).status();
  }
  co_return Connection(*std::move(secure), std::move(protocol));
}

Coro<Connection> EstablishAs(ProtocolFactory& factory, Socket socket,
                             const std::optional<TlsOptions>& tls,
                             bool server_side = false) {
  if (!tls.has_value()) {
    co_return co_await Establish(factory, std::move(socket));
  }
  co_return co_await EstablishTls(factory, std::move(socket), *tls,
                                  server_side);
}

}  // namespace

Coro<Connection> CreateConnection(ProtocolFactory factory, std::string host,
                                  Service service, ConnectionOptions options) {
  if (host.empty() && service.text().empty()) {
    co_return absl::InvalidArgumentError(
        "CreateConnection: neither a host nor a service");
  }
  AddressHints hints;
  hints.family = options.family;
  hints.type = SOCK_STREAM;
  hints.protocol = options.protocol;
  hints.flags = options.flags;
  const std::vector<SocketAddress> addresses =
      co_await OrReturn(ResolveAddresses(host, service, hints));
  ConnectorOptions how;
  if (options.local_address.has_value()) {
    how.local_addresses = co_await OrReturn(ResolveAddresses(
        options.local_address->host, options.local_address->service, hints));
  }
  how.protocol = options.protocol;
  how.happy_eyeballs_delay = options.happy_eyeballs_delay;
  how.all_errors = options.all_errors;
  const size_t interleave = options.interleave.value_or(
      options.happy_eyeballs_delay.has_value() ? 1 : 0);
  Socket socket = co_await OrReturn(
      Connect(InterleaveFamilies(addresses, interleave), std::move(how)));
  if (options.tls.has_value() && options.tls->server_name.empty()) {
    options.tls->server_name = host;
  }
  co_return co_await EstablishAs(factory, std::move(socket), options.tls);
}

Coro<Connection> CreateConnection(ProtocolFactory factory, Socket socket,
                                  std::optional<TlsOptions> tls) {
  co_await OrReturn(CheckStream(socket));
  co_return co_await EstablishAs(factory, std::move(socket), tls);
}

Coro<Connection> CreateUnixConnection(ProtocolFactory factory, std::string path,
                                      std::optional<TlsOptions> tls) {
  const SocketAddress address = co_await OrReturn(SocketAddress::Unix(path));
  std::vector<SocketAddress> addresses(1, address);
  Socket socket =
      co_await OrReturn(Connect(std::move(addresses), ConnectorOptions()));
  co_return co_await EstablishAs(factory, std::move(socket), tls);
}

Coro<Connection> CreateUnixConnection(ProtocolFactory factory, Socket socket,
                                      std::optional<TlsOptions> tls) {
  co_await OrReturn(CheckStream(socket));
  if (socket.family() != AF_UNIX) {
    co_return absl::InvalidArgumentError(
        absl::StrCat("a Unix socket was expected, got one of family ",
                     socket.family(), " (fd=", socket.fd(), ")"));
  }
  co_return co_await EstablishAs(factory, std::move(socket), tls);
}

Coro<Connection> ConnectAcceptedSocket(ProtocolFactory factory, Socket socket,
                                       std::optional<TlsOptions> tls) {
  co_await OrReturn(CheckStream(socket));
  co_return co_await EstablishAs(factory, std::move(socket), tls,
                                 /*server_side=*/true);
}

}  // namespace evkit
