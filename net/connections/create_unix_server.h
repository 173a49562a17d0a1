// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// A server at a path of the Unix domain.
//
//   std::shared_ptr<Server> server = co_await OrReturn(
//       CreateUnixServer(std::move(echo), "/run/echo.sock"));

#ifndef EVKIT_NET_CONNECTIONS_CREATE_UNIX_SERVER_H_
#define EVKIT_NET_CONNECTIONS_CREATE_UNIX_SERVER_H_

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "evkit/loop/abstract_event_loop.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/net/connections/server.h"
#include "evkit/net/protocol.h"
#include "evkit/net/socket.h"
#include "evkit/net/tls/tls_options.h"

namespace evkit {

// Fill in a named object.
class UnixServerOptions {
 public:
  UnixServerOptions() = default;

  // As ListenerOptions::backlog.
  int backlog = 100;
  // Encrypts every connection (NewServerOptions::tls).
  std::optional<TlsOptions> tls;
  // Begin to listen at once.
  bool start_serving = true;
  // Remove the socket's file when the server is closed, if it is still the one
  // that was bound (UNIX-04); never in a forked child. What goes wrong then is
  // reported to the exception handler (UNIX-06). A relative path is looked up
  // in the directory that is current then.
  bool cleanup_socket = true;
  // Who may connect: the file's permissions, less those of the umask, as with
  // open(2). By default all that the umask leaves.
  std::optional<mode_t> mode;
};

// A server at `path`, which may be an abstract name (see
// SocketAddress::Unix()): then the file system is not involved (UNIX-05). A
// socket that is there already is removed, be it stale or somebody's that is
// serving (UNIX-03); not being able to is reported, and shows in bind(2).
//   kInvalidArgument: as SocketAddress::Unix().
//   kAlreadyExists: EADDRINUSE, "Address /run/echo.sock is already in use":
//     something that is no socket, or an abstract name that is taken.
//   Other errnos of socket(2), bind(2) and fchmod(2).
//   What NewServer() and StartServing() fail with.
absl::StatusOr<std::shared_ptr<Server>> BindUnixServer(
    AbstractEventLoop& loop, const std::string& path, ProtocolFactory factory,
    const UnixServerOptions& options = UnixServerOptions());

// The same over a socket that is bound already. `mode` has no effect.
//   kInvalidArgument: not of the Unix domain, or not of type SOCK_STREAM.
absl::StatusOr<std::shared_ptr<Server>> BindUnixServer(
    AbstractEventLoop& loop, Socket socket, ProtocolFactory factory,
    const UnixServerOptions& options = UnixServerOptions());

// The same on the loop of the task that awaits it. One that serves does after
// one turn, in which the task can be cancelled: then the server is closed.
Coro<std::shared_ptr<Server>> CreateUnixServer(
    ProtocolFactory factory, std::string path,
    UnixServerOptions options = UnixServerOptions());
Coro<std::shared_ptr<Server>> CreateUnixServer(
    ProtocolFactory factory, Socket socket,
    UnixServerOptions options = UnixServerOptions());

}  // namespace evkit

#endif  // EVKIT_NET_CONNECTIONS_CREATE_UNIX_SERVER_H_
