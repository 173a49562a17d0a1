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
#include <utility>

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
  // for a connection (SRV-13), or to watch the socket again.
  absl::Duration retry_delay = absl::Seconds(1);
};

// Belongs to the loop's thread, and must not outlive the loop. Destroying it
// stops it.
//
// Errors of accept4(2): a connection that its peer gave up, and the errors of a
// network that accept(2) lists, are passed over; EMFILE, ENFILE, ENOBUFS and
// ENOMEM are reported to the loop's exception handler once ("socket.accept()
// out of system resource"), nothing is accepted for `retry_delay`, and then it
// goes on; if it cannot, that is reported, and tried again after another
// `retry_delay`. Any other error is reported, and the next turn tries again.
//
// The sockets it accepts by TCP have TCP_NODELAY, as the listening one has: so
// no transport has to set it for each (CONN-16).
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
  //   The errnos of listen(2), setsockopt(2) and epoll_ctl(2).
  absl::Status Start();

  // Accepts nothing any more and closes the socket, at once: connections that
  // wait in the kernel are reset. Idempotent.
  void Stop();

  bool is_started() const { return state_->started; }
  // Empty once stopped.
  Socket& socket() { return socket_; }

 private:
  // Shared with the call that is under way, which may outlive this.
  class State {
   public:
    explicit State(OnAccept callback) : on_accept(std::move(callback)) {}

    OnAccept on_accept;
    bool started = false;
  };

  void AcceptReady();
  // Whether to go on to the next one.
  bool HandleError(const absl::Status& error);
  absl::Status Watch();
  // Accepts nothing for a while.
  void Pause();

  AbstractEventLoop& loop_;
  Socket socket_;
  const ListenerOptions options_;
  const std::shared_ptr<State> state_;
  TimerHandle retry_;
};

}  // namespace evkit

#endif  // EVKIT_NET_CONNECTIONS_LISTENER_H_
