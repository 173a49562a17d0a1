// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/connections/server.h"

#include <exception>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "evkit/base/check.h"
#include "evkit/loop/abstract_event_loop.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/loop/coro/future.h"
#include "evkit/loop/error_context.h"
#include "evkit/loop/internal/exceptions.h"
#include "evkit/loop/loop_local.h"
#include "evkit/net/connections/listener.h"
#include "evkit/net/protocol.h"
#include "evkit/net/socket.h"
#include "evkit/net/socket_address.h"
#include "evkit/net/stream_transport.h"
#include "evkit/net/transport.h"

namespace evkit {

namespace net_internal {

// The servers of a loop that are not closed: closing the loop closes them.
class OpenServers {
 public:
  OpenServers() = default;
  OpenServers(const OpenServers&) = delete;
  OpenServers& operator=(const OpenServers&) = delete;
  ~OpenServers() {
    while (!servers_.empty()) {
      Server& server = **servers_.begin();
      servers_.erase(servers_.begin());
      server.open_servers_ = nullptr;
      server.Close();
    }
  }

  void Add(Server& server) { servers_.insert(&server); }
  void Remove(Server& server) { servers_.erase(&server); }

 private:
  std::set<Server*> servers_;
};

}  // namespace net_internal

namespace {

constexpr LoopLocal<net_internal::OpenServers> open_servers;

absl::Status CheckSockets(const std::vector<Socket>& sockets) {
  if (sockets.empty()) {
    return absl::InvalidArgumentError("a server needs a socket");
  }
  for (const Socket& socket : sockets) {
    if (socket.type() == SOCK_STREAM) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        "a stream socket was expected, got one of type ", socket.type()));
  }
  return absl::OkStatus();
}

}  // namespace

// What the transport of a client holds: ends with it, or before, when the
// connection is lost.
class Server::ClientPlace {
 public:
  explicit ClientPlace(std::list<Client>::iterator client) : client_(client) {}
  ClientPlace(ClientPlace&& other) noexcept
      : client_(other.client_), held_(std::exchange(other.held_, false)) {}
  ClientPlace& operator=(ClientPlace&&) = delete;
  ~ClientPlace() { Leave(); }

  void Leave() {
    if (!std::exchange(held_, false)) return;
    const std::shared_ptr<Server> server = client_->server;
    server->Detach(client_);
  }

 private:
  std::list<Client>::iterator client_;
  bool held_ = true;
};

// A call of WaitClosed() and its place among the others.
class Server::ClosedWait {
 public:
  explicit ClosedWait(std::shared_ptr<Server> server)
      : server_(std::move(server)),
        place_(server_->closed_waits_.insert(
            server_->closed_waits_.end(), CreateFuture<void>(server_->loop_))) {
  }
  ClosedWait(const ClosedWait&) = delete;
  ClosedWait& operator=(const ClosedWait&) = delete;
  ~ClosedWait() { server_->closed_waits_.erase(place_); }

  const Future<void>& future() const { return *place_; }

 private:
  const std::shared_ptr<Server> server_;
  const std::list<Future<void>>::iterator place_;
};

Server::Server(AbstractEventLoop& loop, std::vector<Socket> sockets,
               ProtocolFactory factory, NewServerOptions options)
    : loop_(loop),
      factory_(std::make_shared<ProtocolFactory>(std::move(factory))),
      tls_(std::move(options.tls)),
      before_close_(std::move(options.before_close)),
      open_servers_(&open_servers.Get(loop)) {
  ListenerOptions listener_options;
  listener_options.backlog = options.backlog;
  for (Socket& socket : sockets) {
    listeners_.push_back(std::make_unique<Listener>(
        loop, std::move(socket), listener_options,
        [this](Socket accepted, SocketAddress from) {
          Accepted(std::move(accepted), std::move(from));
        }));
  }
  open_servers_->Add(*this);
}

Server::~Server() { Close(); }

absl::Status Server::StartServing() {
  if (closed_) return absl::FailedPreconditionError("the server is closed");
  if (serving_) return absl::OkStatus();
  for (const std::unique_ptr<Listener>& listener : listeners_) {
    absl::Status started = listener->Start();
    if (started.ok()) continue;
    Close();
    return started;
  }
  serving_ = true;
  self_ = shared_from_this();
  return absl::OkStatus();
}

void Server::Close() {
  if (closed_) return;
  closed_ = true;
  serving_ = false;
  // Destroyed at the end, when all is said.
  const std::shared_ptr<Server> self = std::move(self_);
  const std::shared_ptr<ProtocolFactory> factory = std::move(factory_);
  if (open_servers_ != nullptr) {
    std::exchange(open_servers_, nullptr)->Remove(*this);
  }
  if (before_close_ != nullptr) std::move(before_close_)();
  for (const std::unique_ptr<Listener>& listener : listeners_) {
    listener->Stop();
  }
  accepted_.clear();
  if (serving_forever_.valid()) serving_forever_.Cancel();
  WakeIfDown();
}

void Server::CloseClients() {
  for (const std::shared_ptr<Transport>& transport : Transports()) {
    transport->Close();
  }
}

void Server::AbortClients() {
  for (const std::shared_ptr<Transport>& transport : Transports()) {
    transport->Abort();
  }
}

Coro<void> Server::ServeForever() { return ServeForeverOn(shared_from_this()); }

Coro<void> Server::WaitClosed() { return WaitClosedOn(shared_from_this()); }

Coro<void> Server::ServeForeverOn(std::shared_ptr<Server> server) {
  if (!server->closed_ && server->serving_forever_.valid()) {
    co_return absl::FailedPreconditionError(
        absl::StrCat("server ", server->DebugString(),
                     " is already being awaited on ServeForever()"));
  }
  const absl::Status started = server->StartServing();
  if (!started.ok()) co_return started;
  server->serving_forever_ = CreateFuture<void>(server->loop_);
  const Future<void> forever = server->serving_forever_;
  const absl::Status status = co_await forever;
  if (!forever.done()) {  // This task is of another loop.
    server->serving_forever_ = Future<void>();
    co_return status;
  }
  server->Close();
  server->CloseClients();
  // Whether or not that can be waited for, it was cancelled.
  (co_await WaitClosedOn(server)).IgnoreError();
  server->serving_forever_ = Future<void>();
  co_return status;
}

Coro<void> Server::WaitClosedOn(std::shared_ptr<Server> server) {
  if (server->closed_ && server->clients_.empty()) co_return absl::OkStatus();
  ClosedWait wait(server);
  co_return co_await wait.future();
}

std::vector<SocketView> Server::Sockets() const {
  std::vector<SocketView> views;
  if (closed_) return views;
  for (const std::unique_ptr<Listener>& listener : listeners_) {
    views.emplace_back(&listener->socket());
  }
  return views;
}

std::string Server::DebugString() const {
  std::vector<std::string> addresses;
  for (const SocketView& socket : Sockets()) {
    const absl::StatusOr<SocketAddress> address = socket.LocalAddress();
    addresses.push_back(address.ok() ? address->ToString() : "?");
  }
  return absl::StrCat("<Server sockets=[", absl::StrJoin(addresses, ", "),
                      "]>");
}

void Server::Accepted(Socket socket, SocketAddress from) {
  accepted_.emplace_back(std::move(socket), std::move(from));
  loop_.CallSoon([server = shared_from_this()] { server->SetUpNext(); });
}

void Server::SetUpNext() {
  if (accepted_.empty()) return;  // Closed meanwhile.
  Socket socket = std::move(accepted_.front().first);
  StreamTransportOptions options;
  options.peername = std::move(accepted_.front().second);
  accepted_.pop_front();

  const std::shared_ptr<ProtocolFactory> factory = factory_;
  std::shared_ptr<Protocol> protocol;
  const std::exception_ptr thrown =
      loop_internal::CatchExceptions([&] { protocol = (*factory)(); });
  if (thrown != nullptr) {
    ReportSetUpFailure(absl::OkStatus(), thrown);
    return;
  }
  EVKIT_CHECK(protocol != nullptr, "a protocol factory returned null");
  if (closed_) return;

  clients_.emplace_front(shared_from_this());
  options.on_lost = [place = ClientPlace(clients_.begin())]() mutable {
    place.Leave();
  };
  const auto client = clients_.begin();
  if (tls_.has_value()) {
    // The client is there at least until its transport is lost, which the layer
    // hears of first.
    absl::StatusOr<std::shared_ptr<Protocol>> layer = NewTlsServerLayer(
        loop_, *tls_, std::move(protocol),
        [this, client](absl::StatusOr<std::shared_ptr<Transport>> secure) {
          if (secure.ok()) {
            client->transport = *secure;
          } else {
            ReportSetUpFailure(secure.status(), nullptr);
          }
        });
    if (!layer.ok()) {
      ReportSetUpFailure(layer.status(), nullptr);
      return;  // `options` give up the client's place.
    }
    protocol = *std::move(layer);
  }
  client->transport = NewStreamTransport(
      loop_, std::move(socket), std::move(protocol), std::move(options));
}

void Server::ReportSetUpFailure(absl::Status status,
                                std::exception_ptr thrown) {
  if (!loop_.GetDebug()) return;
  ErrorContext report("Error on transport creation for incoming connection");
  report.status = std::move(status);
  report.exception = std::move(thrown);
  loop_.CallExceptionHandler(report);
}

void Server::Detach(std::list<Client>::iterator client) {
  clients_.erase(client);
  WakeIfDown();
}

void Server::WakeIfDown() {
  if (!closed_ || !clients_.empty()) return;
  for (const Future<void>& wait : closed_waits_) {
    // Fails if its task was cancelled.
    wait.SetResult().IgnoreError();
  }
}

std::vector<std::shared_ptr<Transport>> Server::Transports() const {
  std::vector<std::shared_ptr<Transport>> transports;
  for (const Client& client : clients_) {
    if (std::shared_ptr<Transport> transport = client.transport.lock()) {
      transports.push_back(std::move(transport));
    }
  }
  return transports;
}

absl::StatusOr<std::shared_ptr<Server>> NewServer(AbstractEventLoop& loop,
                                                  std::vector<Socket> sockets,
                                                  ProtocolFactory factory,
                                                  NewServerOptions options) {
  absl::Status status = CheckSockets(sockets);
  if (status.ok() && loop.IsClosed()) {
    status = absl::FailedPreconditionError("the event loop is closed");
  }
  if (status.ok() && options.tls.has_value()) {
    status = CheckServerTlsOptions(*options.tls);
  }
  if (!status.ok()) {
    if (options.before_close != nullptr) std::move(options.before_close)();
    return status;
  }
  return std::make_shared<Server>(loop, std::move(sockets), std::move(factory),
                                  std::move(options));
}

}  // namespace evkit
