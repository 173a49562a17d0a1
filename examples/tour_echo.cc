// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "examples/tour_echo.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "evkit/base/errno_status.h"

namespace evkit_tour {
namespace {

using ::evkit::AbstractEventLoop;
using ::evkit::StatusFromErrno;
using ::evkit::UniqueFd;

sockaddr_in Loopback(uint16_t port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

UniqueFd NewSocket() {
  return UniqueFd(
      socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

bool WouldBlock() { return errno == EAGAIN || errno == EINTR; }

}  // namespace

absl::StatusOr<std::unique_ptr<EchoServer>> EchoServer::Listen(
    AbstractEventLoop& loop) {
  UniqueFd listener = NewSocket();
  if (!listener) return StatusFromErrno(errno, "socket");
  sockaddr_in address = Loopback(0);
  socklen_t size = sizeof(address);
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  if (bind(listener.get(), generic, size) < 0) {
    return StatusFromErrno(errno, "bind(127.0.0.1)");
  }
  if (listen(listener.get(), SOMAXCONN) < 0) {
    return StatusFromErrno(errno, "listen");
  }
  if (getsockname(listener.get(), generic, &size) < 0) {
    return StatusFromErrno(errno, "getsockname");
  }
  std::unique_ptr<EchoServer> server(
      new EchoServer(loop, std::move(listener), ntohs(address.sin_port)));
  EchoServer* const self = server.get();
  if (absl::Status status = loop.AddReader(self->listener_.get(),
                                           [self] { self->OnAcceptable(); });
      !status.ok()) {
    return status;
  }
  return server;
}

EchoServer::~EchoServer() {
  loop_.RemoveReader(listener_.get());
  while (!connections_.empty()) CloseConnection(connections_.begin()->first);
}

void EchoServer::OnAcceptable() {
  UniqueFd socket(
      accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!socket) return;
  const int fd = socket.get();
  if (!loop_.AddReader(fd, [this, fd] { OnReadable(fd); }).ok()) return;
  ++connections_seen_;
  connections_[fd].socket = std::move(socket);
}

void EchoServer::OnReadable(int fd) {
  char buffer[16384];
  const ssize_t got = recv(fd, buffer, sizeof(buffer), 0);
  if (got < 0 && WouldBlock()) return;
  Connection& connection = connections_[fd];
  if (got <= 0) {
    connection.client_is_done = true;
    loop_.RemoveReader(fd);
    if (connection.pending.empty()) CloseConnection(fd);
    return;
  }
  if (connection.pending.empty()) {
    const absl::Status status =
        loop_.AddWriter(fd, [this, fd] { OnWritable(fd); });
    if (!status.ok()) {
      CloseConnection(fd);
      return;
    }
  }
  connection.pending.append(buffer, static_cast<size_t>(got));
}

void EchoServer::OnWritable(int fd) {
  Connection& connection = connections_[fd];
  const ssize_t sent = send(fd, connection.pending.data(),
                            connection.pending.size(), MSG_NOSIGNAL);
  if (sent < 0) {
    if (!WouldBlock()) CloseConnection(fd);
    return;
  }
  connection.pending.erase(0, static_cast<size_t>(sent));
  if (!connection.pending.empty()) return;
  loop_.RemoveWriter(fd);
  if (connection.client_is_done) CloseConnection(fd);
}

void EchoServer::CloseConnection(int fd) {
  loop_.RemoveReader(fd);
  loop_.RemoveWriter(fd);
  connections_.erase(fd);
}

absl::StatusOr<std::unique_ptr<EchoClient>> EchoClient::Connect(
    AbstractEventLoop& loop, uint16_t port, std::string message, Done done) {
  UniqueFd socket = NewSocket();
  if (!socket) return StatusFromErrno(errno, "socket");
  const sockaddr_in address = Loopback(port);
  if (connect(socket.get(), reinterpret_cast<const sockaddr*>(&address),
              sizeof(address)) < 0 &&
      errno != EINPROGRESS) {
    return StatusFromErrno(errno, "connect(127.0.0.1)");
  }
  std::unique_ptr<EchoClient> client(new EchoClient(
      loop, std::move(socket), std::move(message), std::move(done)));
  EchoClient* const self = client.get();
  absl::Status status =
      loop.AddWriter(self->socket_.get(), [self] { self->OnWritable(); });
  if (status.ok()) {
    status =
        loop.AddReader(self->socket_.get(), [self] { self->OnReadable(); });
  }
  if (!status.ok()) return status;
  return client;
}

EchoClient::~EchoClient() {
  loop_.RemoveReader(socket_.get());
  loop_.RemoveWriter(socket_.get());
}

void EchoClient::OnWritable() {
  const ssize_t sent = send(socket_.get(), message_.data() + sent_,
                            message_.size() - sent_, MSG_NOSIGNAL);
  if (sent < 0 && WouldBlock()) return;
  if (sent > 0) sent_ += static_cast<size_t>(sent);
  if (sent >= 0 && sent_ < message_.size()) return;
  loop_.RemoveWriter(socket_.get());
  shutdown(socket_.get(), SHUT_WR);
}

void EchoClient::OnReadable() {
  char buffer[16384];
  const ssize_t got = recv(socket_.get(), buffer, sizeof(buffer), 0);
  if (got < 0 && WouldBlock()) return;
  if (got > 0) {
    received_.append(buffer, static_cast<size_t>(got));
    return;
  }
  loop_.RemoveReader(socket_.get());
  done_(received_ == message_);
}

}  // namespace evkit_tour
