// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/connections/create_unix_server.h"

#include <sys/socket.h>

#include <cerrno>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "evkit/base/errno_status.h"
#include "evkit/base/syscalls.h"
#include "evkit/loop/abstract_event_loop.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/loop/coro/or_return.h"
#include "evkit/loop/error_context.h"
#include "evkit/net/connections/internal/await_serving.h"
#include "evkit/net/connections/internal/socket_file.h"
#include "evkit/net/connections/server.h"
#include "evkit/net/protocol.h"
#include "evkit/net/socket.h"
#include "evkit/net/socket_address.h"
#include "evkit/policy/running_loop.h"

namespace evkit {
namespace {

void Report(AbstractEventLoop& loop, const std::string& message,
            const absl::Status& error) {
  ErrorContext report(message);
  report.status = error;
  loop.CallExceptionHandler(report);
}

absl::StatusOr<Socket> BindPath(AbstractEventLoop& loop,
                                const std::string& path,
                                const UnixServerOptions& options) {
  const absl::StatusOr<SocketAddress> address = SocketAddress::Unix(path);
  if (!address.ok()) return address.status();
  absl::StatusOr<Socket> socket = Socket::Create(AF_UNIX, SOCK_STREAM);
  if (!socket.ok()) return socket;
  if (!address->is_abstract()) {
    // The file that bind(2) makes takes the permissions of the socket.
    if (options.mode.has_value() &&
        sys::fchmod(socket->fd(), *options.mode) != 0) {
      return StatusFromErrno(errno,
                             absl::StrCat("fchmod(fd=", socket->fd(), ")"));
    }
    const absl::Status removed = net_internal::RemoveStaleSocket(path);
    if (!removed.ok()) {
      Report(loop, "Unable to check or remove stale UNIX socket", removed);
    }
  }
  const absl::Status bound = socket->Bind(*address);
  if (bound.ok()) return socket;
  if (ErrnoFromStatus(bound) != EADDRINUSE) return bound;
  return StatusFromErrno(
      EADDRINUSE,
      absl::StrCat("Address ", address->ToString(), " is already in use"));
}

// The file to remove in the end, if there is one.
std::optional<net_internal::SocketFile> FileOf(
    const Socket& socket, const UnixServerOptions& options) {
  if (!options.cleanup_socket) return std::nullopt;
  const absl::StatusOr<SocketAddress> address = socket.LocalAddress();
  if (!address.ok() || address->is_abstract() || address->path().empty()) {
    return std::nullopt;
  }
  absl::StatusOr<net_internal::SocketFile> file =
      net_internal::SocketFile::At(std::string(address->path()));
  if (!file.ok()) return std::nullopt;  // Removed already.
  return *std::move(file);
}

}  // namespace

absl::StatusOr<std::shared_ptr<Server>> BindUnixServer(
    AbstractEventLoop& loop, const std::string& path, ProtocolFactory factory,
    const UnixServerOptions& options) {
  absl::StatusOr<Socket> socket = BindPath(loop, path, options);
  if (!socket.ok()) return std::move(socket).status();
  return BindUnixServer(loop, *std::move(socket), std::move(factory), options);
}

absl::StatusOr<std::shared_ptr<Server>> BindUnixServer(
    AbstractEventLoop& loop, Socket socket, ProtocolFactory factory,
    const UnixServerOptions& options) {
  if (socket.family() != AF_UNIX || socket.type() != SOCK_STREAM) {
    return absl::InvalidArgumentError(absl::StrCat(
        "a stream socket of the Unix domain was expected, got one of family ",
        socket.family(), ", type ", socket.type()));
  }
  NewServerOptions server_options;
  server_options.backlog = options.backlog;
  server_options.tls = options.tls;
  if (std::optional<net_internal::SocketFile> file = FileOf(socket, options)) {
    server_options.before_close = [&loop, file = *std::move(file)] {
      const absl::Status removed = file.Remove();
      if (removed.ok()) return;
      Report(loop, "Unable to clean up listening UNIX socket", removed);
    };
  }
  std::vector<Socket> sockets;
  sockets.push_back(std::move(socket));
  absl::StatusOr<std::shared_ptr<Server>> server = NewServer(
      loop, std::move(sockets), std::move(factory), std::move(server_options));
  if (server.ok() && options.start_serving) {
    const absl::Status started = (*server)->StartServing();
    if (!started.ok()) return started;
  }
  return server;
}

Coro<std::shared_ptr<Server>> CreateUnixServer(ProtocolFactory factory,
                                               std::string path,
                                               UnixServerOptions options) {
  AbstractEventLoop* const loop = co_await OrReturn(GetRunningLoop());
  absl::StatusOr<std::shared_ptr<Server>> server =
      BindUnixServer(*loop, path, std::move(factory), options);
  co_return co_await net_internal::AwaitServing(std::move(server));
}

Coro<std::shared_ptr<Server>> CreateUnixServer(ProtocolFactory factory,
                                               Socket socket,
                                               UnixServerOptions options) {
  AbstractEventLoop* const loop = co_await OrReturn(GetRunningLoop());
  absl::StatusOr<std::shared_ptr<Server>> server =
      BindUnixServer(*loop, std::move(socket), std::move(factory), options);
  co_return co_await net_internal::AwaitServing(std::move(server));
}

}  // namespace evkit
