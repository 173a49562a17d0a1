// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/connections/bind_server.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "evkit/base/errno_status.h"
#include "evkit/loop/abstract_event_loop.h"
#include "evkit/loop/error_context.h"
#include "evkit/net/connections/server.h"
#include "evkit/net/protocol.h"
#include "evkit/net/socket.h"
#include "evkit/net/socket_address.h"

namespace evkit {
namespace {

// Errors of socket(2) that say nothing about the family.
bool IsOutOfResource(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS ||
         error == ENOMEM;
}

absl::Status SetOptions(Socket& socket, const ServerOptions& options) {
  const bool is_internet =
      socket.family() == AF_INET || socket.family() == AF_INET6;
  absl::Status status;
  if (options.reuse_address) {
    status = socket.SetOption(SOL_SOCKET, SO_REUSEADDR, 1);
  }
  if (status.ok() && options.reuse_port && is_internet) {
    status = socket.SetOption(SOL_SOCKET, SO_REUSEPORT, 1);
  }
  if (status.ok() && options.keep_alive) {
    status = socket.SetOption(SOL_SOCKET, SO_KEEPALIVE, 1);
  }
  if (status.ok() && socket.family() == AF_INET6) {
    status = socket.SetOption(IPPROTO_IPV6, IPV6_V6ONLY, 1);
  }
  return status;
}

void ReportInDebugMode(AbstractEventLoop& loop, const absl::Status& error) {
  if (!loop.GetDebug()) return;
  ErrorContext report("An address of a server is passed over");
  report.status = error;
  loop.CallExceptionHandler(report);
}

// No socket, but OK, if the address is to be passed over.
absl::StatusOr<Socket> BindOne(AbstractEventLoop& loop,
                               const SocketAddress& address,
                               const ServerOptions& options) {
  absl::StatusOr<Socket> socket = Socket::Create(address.family(), SOCK_STREAM);
  if (!socket.ok()) {
    if (IsOutOfResource(ErrnoFromStatus(socket.status()))) return socket;
    ReportInDebugMode(loop, socket.status());
    return Socket();
  }
  const absl::Status set = SetOptions(*socket, options);
  if (!set.ok()) return set;
  const absl::Status bound = socket->Bind(address);
  if (bound.ok()) return socket;
  const int error = ErrnoFromStatus(bound);
  absl::Status failure = StatusFromErrno(
      error, absl::StrCat("error while attempting to bind on address ",
                          address.ToString()));
  if (error != EADDRNOTAVAIL) return failure;
  ReportInDebugMode(loop, failure);
  return Socket();
}

}  // namespace

absl::StatusOr<std::shared_ptr<Server>> BindServer(
    AbstractEventLoop& loop, const std::vector<SocketAddress>& addresses,
    ProtocolFactory factory, const ServerOptions& options) {
  std::vector<Socket> sockets;
  std::vector<SocketAddress> tried;
  for (const SocketAddress& address : addresses) {
    if (std::find(tried.begin(), tried.end(), address) != tried.end()) continue;
    tried.push_back(address);
    absl::StatusOr<Socket> socket = BindOne(loop, address, options);
    if (!socket.ok()) return std::move(socket).status();
    if (*socket) sockets.push_back(*std::move(socket));
  }
  if (sockets.empty()) {
    return absl::UnavailableError(absl::StrCat(
        "could not bind on any address out of [",
        absl::StrJoin(tried, ", ",
                      [](std::string* out, const SocketAddress& address) {
                        absl::StrAppend(out, address.ToString());
                      }),
        "]"));
  }
  NewServerOptions server_options;
  server_options.backlog = options.backlog;
  server_options.tls = options.tls;
  absl::StatusOr<std::shared_ptr<Server>> server = NewServer(
      loop, std::move(sockets), std::move(factory), std::move(server_options));
  if (server.ok() && options.start_serving) {
    const absl::Status started = (*server)->StartServing();
    if (!started.ok()) return started;
  }
  return server;
}

}  // namespace evkit
