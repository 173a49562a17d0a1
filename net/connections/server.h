// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// A server: listening sockets, and the connections that came in through them.
//
//   ProtocolFactory echo = [] { return std::make_shared<Echo>(); };
//   std::shared_ptr<Server> server = co_await OrReturn(
//       CreateServer(std::move(echo), "127.0.0.1", 8888));
//   co_return co_await server->ServeForever();
//
// Made by CreateServer() (create_server.h) and CreateUnixServer()
// (create_unix_server.h); without coroutines by BindServer() and NewServer().
//
// What `async with server:` does in Python is written out (SRV-26):
//
//   absl::Status status = co_await Work(server);
//   server->Close();
//   co_await OrReturn(server->WaitClosed());
//
// Of each connection the socket is accepted in one turn, the protocol made in
// the next, and its ConnectionMade() called in the one after that (SRV-12). It
// belongs to the server until its ConnectionLost() has returned (SRV-15). If
// the factory throws, the connection is closed, which is reported in debug mode
// only (SRV-14); neither that nor any error of accept(2) ends the listening
// (see listener.h).
//
// Lifetime: shared. A server that is serving is kept alive by its loop, so that
// dropping the handle does not end it; Close() does, or closing the loop.
// Dropping the last handle of one that does not serve yet closes it. So does
// closing the loop, which tells no protocol; a handle that outlives the loop
// may be used, but for loop().
//
// Thread: the loop's. Re-entrancy: every function may be called from every
// callback, the factory included. No user code runs inside any of them, but
// what Close() brings with it: the destructors of what the factory captured,
// and the exception handler if a Unix socket's file cannot be removed.

#ifndef EVKIT_NET_CONNECTIONS_SERVER_H_
#define EVKIT_NET_CONNECTIONS_SERVER_H_

#include <cstddef>
#include <deque>
#include <exception>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "evkit/loop/abstract_event_loop.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/loop/coro/future.h"
#include "evkit/net/connections/listener.h"
#include "evkit/net/protocol.h"
#include "evkit/net/socket.h"
#include "evkit/net/socket_address.h"
#include "evkit/net/tls/tls_options.h"
#include "evkit/net/transport.h"

namespace evkit {

namespace net_internal {
class OpenServers;
}  // namespace net_internal

// How NewServer() makes a server. Fill in a named object.
class NewServerOptions {
 public:
  NewServerOptions() = default;

  // As ListenerOptions::backlog.
  int backlog = 100;
  // Encrypts every connection: its protocol hears of it after the handshake. A
  // handshake that fails ends the connection, and is reported in debug mode
  // only (SRV-14).
  std::optional<TlsOptions> tls;
  // Called once, right before the listening sockets are closed, whatever the
  // reason, a failure of NewServer() included: to take away what they left in
  // the file system.
  absl::AnyInvocable<void() &&> before_close;
};

class Server final : public std::enable_shared_from_this<Server> {
 public:
  // For NewServer().
  Server(AbstractEventLoop& loop, std::vector<Socket> sockets,
         ProtocolFactory factory, NewServerOptions options);
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server();

  // Begins to listen and to accept, at once (SRV-10). Idempotent (SRV-18).
  //   kFailedPrecondition: the server is closed (SRV-19).
  //   The errnos of setsockopt(2), listen(2) and epoll_ctl(2); the server is
  //     closed then.
  absl::Status StartServing();

  // Starts serving if need be, and waits until the task is cancelled, or
  // somebody calls Close(): either way it closes the server and the
  // connections, waits for WaitClosed(), and gives kCancelled (SRV-21, SRV-22).
  // A second cancellation ends that wait.
  //   kFailedPrecondition: another call is waiting; the server is closed
  //     (SRV-20).
  //   What StartServing() fails with.
  Coro<void> ServeForever();

  // Accepts nothing more and closes the listening sockets, at once, and with
  // them the connections that have no protocol yet (SRV-28). The others stay
  // open (SRV-16). Idempotent.
  void Close();

  // Close() and Abort() of the transport of each connection (SRV-25). New ones
  // go on coming in, unless Close() was called before.
  void CloseClients();
  void AbortClients();

  // Waits until Close() was called and no connection is left, in whichever
  // order (SRV-23); no turn if that is so already (SRV-24). OK, or kCancelled.
  // Cancel-safe.
  Coro<void> WaitClosed();

  // From StartServing() to Close() (SRV-27).
  bool IsServing() const { return serving_; }
  // Its listening sockets, empty after Close() (SRV-17). Valid as long as the
  // server.
  std::vector<SocketView> Sockets() const;
  // How many connections belong to it.
  size_t client_count() const { return clients_.size(); }

  AbstractEventLoop& loop() const { return loop_; }
  // `<Server sockets=[127.0.0.1:80, [::1]:80]>`.
  std::string DebugString() const;

 private:
  friend class net_internal::OpenServers;

  // A connection that is set up. Its transport holds a ClientPlace.
  class Client {
   public:
    explicit Client(std::shared_ptr<Server> owner) : server(std::move(owner)) {}

    // Shared with the other clients and with whoever has a handle: WaitClosed()
    // needs it until the last connection is gone.
    std::shared_ptr<Server> server;
    std::weak_ptr<Transport> transport;
  };
  class ClientPlace;
  class ClosedWait;

  static Coro<void> ServeForeverOn(std::shared_ptr<Server> server);
  static Coro<void> WaitClosedOn(std::shared_ptr<Server> server);

  void Accepted(Socket socket, SocketAddress from);
  void SetUpNext();
  void ReportSetUpFailure(absl::Status status, std::exception_ptr thrown);
  void Detach(std::list<Client>::iterator client);
  void WakeIfDown();
  std::vector<std::shared_ptr<Transport>> Transports() const;

  AbstractEventLoop& loop_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  // Shared with the call that is under way, during which Close() may come.
  std::shared_ptr<ProtocolFactory> factory_;
  const std::optional<TlsOptions> tls_;
  absl::AnyInvocable<void() &&> before_close_;
  net_internal::OpenServers* open_servers_;  // Null once closed.
  bool serving_ = false;
  bool closed_ = false;
  // This, while it is serving: broken by Close(), which closing the loop calls.
  std::shared_ptr<Server> self_;
  // Accepted, and not set up. One call of SetUpNext() is queued for each.
  std::deque<std::pair<Socket, SocketAddress>> accepted_;
  std::list<Client> clients_;
  Future<void> serving_forever_;  // Pending while ServeForever() waits.
  std::list<Future<void>> closed_waits_;
};

// A server over sockets of type SOCK_STREAM that are bound already. It does not
// serve yet. The sockets are closed if it fails.
//   kInvalidArgument: no socket, or one of another type (SRV-02).
//   What CheckServerTlsOptions() says of `options.tls`.
//   kFailedPrecondition: the loop is closed.
absl::StatusOr<std::shared_ptr<Server>> NewServer(
    AbstractEventLoop& loop, std::vector<Socket> sockets,
    ProtocolFactory factory, NewServerOptions options = NewServerOptions());

}  // namespace evkit

#endif  // EVKIT_NET_CONNECTIONS_SERVER_H_
