// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Receiving from a socket, awaited.
//
//   std::string some = co_await OrReturn(SockRecv(socket, 4096));
//   if (some.empty()) ...                          // the peer has ended
//
// What all awaits of this package have in common:
//
// They are of the running task's loop, and only for tasks. They make the system
// call at once; a task is suspended only if that would block (SOCK-02), and
// then the call is made again whenever the loop finds the socket ready
// (SOCK-03). SockRecv() and SockRecvInto() wait first if the one before them
// took all that a stream had, fewer bytes than it had room for.
//
// Nothing is allocated but the result, and a little once for each socket. The
// loop keeps watching the socket between two waits to receive or accept, until
// it is ready and nobody waits: a server that answers requests spends two
// system calls on each, and one epoll_ctl(2) on the connection. Nobody else
// sees that it is watched. Sockets may be closed, moved or used by another loop
// as if it were not.
//
// The socket, and memory that is passed, must stay where they are until the
// await has ended; the socket must not be closed meanwhile: nothing would end
// the wait but cancelling the task.
//
// One task at a time may wait to receive (or accept), and one to send (or
// connect): a second takes the first one's place, which then waits in vain
// until it is cancelled, and whose end does not disturb the second (SOCK-09).
//
// Cancelling ends the wait, and the socket is no longer watched, at once
// (SOCK-08). All are cancel-safe: the task goes on in the very callback that
// makes the system call, so no cancellation comes between the two, and what was
// received is never lost (SOCK-03). A wait that never had to suspend cannot be
// cancelled.
//
// Errors are those of the system call, "recv(fd=7): Connection reset by peer",
// and those of `AddReader()` and `AddWriter()`.

#ifndef EVKIT_NET_SOCKETS_SOCK_RECV_H_
#define EVKIT_NET_SOCKETS_SOCK_RECV_H_

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "evkit/net/socket.h"
#include "evkit/net/sockets/internal/socket_wait.h"

namespace evkit {

namespace net_internal {

class SockRecvAwait final : public SocketWait {
 public:
  SockRecvAwait(Socket& socket, size_t size)
      : SocketWait("SockRecv", socket, Direction::kRead), size_(size) {}
  bool await_ready() { return MayHaveMore(size_) && Attempt(); }
  absl::StatusOr<std::string> await_resume();

 private:
  bool Attempt() override;

  const size_t size_;
  std::string data_;
};

class SockRecvIntoAwait final : public SocketWait {
 public:
  SockRecvIntoAwait(Socket& socket, absl::Span<char> buffer)
      : SocketWait("SockRecvInto", socket, Direction::kRead), buffer_(buffer) {}
  bool await_ready() { return MayHaveMore(buffer_.size()) && Attempt(); }
  absl::StatusOr<size_t> await_resume();

 private:
  bool Attempt() override;

  const absl::Span<char> buffer_;
  size_t received_ = 0;
};

}  // namespace net_internal

// Some bytes, at most `size` and at most 1 MiB; none at the end of the stream
// (SOCK-04), or if `size` is 0.
[[nodiscard]] inline net_internal::SockRecvAwait SockRecv(Socket& socket,
                                                          size_t size) {
  return net_internal::SockRecvAwait(socket, size);
}

// The same into `buffer`; how many bytes. The task that awaits this goes on as
// soon as they are there, before anything else of the loop runs: the tasks of
// one loop may share a buffer, if each is done with it at its next await.
[[nodiscard]] inline net_internal::SockRecvIntoAwait SockRecvInto(
    Socket& socket, absl::Span<char> buffer) {
  return net_internal::SockRecvIntoAwait(socket, buffer);
}

}  // namespace evkit

#endif  // EVKIT_NET_SOCKETS_SOCK_RECV_H_
