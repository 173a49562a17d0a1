// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Accepts the connections of one listening socket, for ever: what a server is
// made of. At callback level.
//
//   Listener listener(loop, std::move(socket), ListenerOptions(),
//                     [](Socket peer, SocketAddress from) { ... });
//   absl::Status status = listener.Start();

#ifndef EVKIT_NET_CONNECTIONS_LISTENER_H_
#define EVKIT_NET_CONNECTIONS_LISTENER_H_

#include <memory>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "evkit/loop/abstract_event_loop.h"
#include "evkit/loop/handle.h"
#include "evkit/net/socket.h"
#include "evkit/net/socket_address.h"

namespace evkit {

// Fill in a named object.
class ListenerOptions {
 public:
  ListenerOptions() = default;

  // For listen(2), which makes at least 1 of it; and one more than this is how
  // many connections are accepted in one turn, so that a flood of them leaves
  // room for others (SRV-11).
  int backlog = 100;
  // How long to accept nothing after the system had no descriptor or no memory
  // for a connection (SRV-13).
  absl::Duration retry_delay = absl::Seconds(1);
};

// Belongs to the loop's thread, and must not outlive the loop. Destroying it
// stops it.
//
// Errors of accept4(2): a connection that its peer gave up, and the errors of a
// network that accept(2) lists, are passed over; EMFILE, ENFILE, ENOBUFS and
// ENOMEM are reported to the loop's exception handler once ("socket.accept()
// out of system resource"), nothing is accepted for `retry_delay`, and then it
// goes on; any other error is reported, and the next turn tries again.
class Listener {
 public:
  // Gets each connection, in a callback of the loop. May stop or destroy the
  // listener.
  using OnAccept = absl::AnyInvocable<void(Socket, SocketAddress)>;

  // Takes over `socket`, bound, of type SOCK_STREAM.
  Listener(AbstractEventLoop& loop, Socket socket, ListenerOptions options,
           OnAccept on_accept);
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  ~Listener();

  // Begins to listen and to accept. Idempotent.
  //   kFailedPrecondition: stopped; or the loop is closed.
  //   The errnos of listen(2) and epoll_ctl(2).
  absl::Status Start();

  // Accepts nothing any more and closes the socket, at once: connections that
  // wait in the kernel are reset. Idempotent.
  void Stop();

  bool is_started() const { return started_; }
  // Empty once stopped.
  Socket& socket() { return socket_; }

 private:
  // Learns whether the listener is destroyed meanwhile.
  class AcceptScope;

  void AcceptReady();
  // Whether to go on to the next one.
  bool HandleError(const absl::Status& error);
  absl::Status Watch();

  AbstractEventLoop& loop_;
  Socket socket_;
  const ListenerOptions options_;
  // Shared with the call that is under way, which may outlive this.
  const std::shared_ptr<OnAccept> on_accept_;
  TimerHandle retry_;
  bool started_ = false;
  AcceptScope* accepting_ = nullptr;  // AcceptReady() is on the stack.
};

}  // namespace evkit

#endif  // EVKIT_NET_CONNECTIONS_LISTENER_H_
