// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Moves the bytes of a stream transport through a socket.

#ifndef EVKIT_NET_INTERNAL_SOCKET_STREAM_DRIVER_H_
#define EVKIT_NET_INTERNAL_SOCKET_STREAM_DRIVER_H_

#include <sys/socket.h>
#include <sys/uio.h>

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "evkit/base/syscalls.h"
#include "evkit/loop/abstract_event_loop.h"
#include "evkit/loop/callback.h"
#include "evkit/loop/handle_node.h"
#include "evkit/net/socket.h"
#include "evkit/net/socket_address.h"

namespace evkit::net_internal {

// What a BasicStreamTransport asks of its driver; net/memory_transport.cc has
// the other one.
class SocketStreamDriver {
 public:
  explicit SocketStreamDriver(Socket socket) : socket_(std::move(socket)) {}

  // For reports: "fd=7".
  std::string Name() const { return absl::StrCat("fd=", socket_.fd()); }
  bool is_open() const { return static_cast<bool>(socket_); }
  // Null if there is none.
  Socket* socket() { return &socket_; }
  absl::StatusOr<SocketAddress> LocalAddress() const {
    return socket_.LocalAddress();
  }
  absl::StatusOr<SocketAddress> PeerAddress() const {
    return socket_.PeerAddress();
  }

  // 0 bytes are the end of the stream. As Socket::Recv() and Send(), inline.
  IoResult Receive(absl::Span<char> buffer) {
    return IoResult::FromSyscall(
        sys::recv(socket_.fd(), buffer.data(), buffer.size(), 0));
  }
  IoResult Send(absl::string_view data) {
    return IoResult::FromSyscall(
        sys::send(socket_.fd(), data.data(), data.size(), MSG_NOSIGNAL));
  }
  IoResult SendVector(absl::Span<const iovec> pieces) {
    return socket_.SendVector(pieces);
  }
  // It fails only if the connection is gone, as receiving will find.
  void ShutDownWriting() { socket_.Shutdown(SHUT_WR).IgnoreError(); }

  // Call it in each turn in which Receive() would do something; Send().
  absl::Status WatchReadable(AbstractEventLoop& loop, Callback callback) {
    return loop.AddReader(socket_.fd(), std::move(callback));
  }
  // The same by a node of one's own; kUnimplemented: a callback has to do.
  absl::Status WatchReadable(AbstractEventLoop& loop, HandleNode& node) {
    return loop.AddReaderNode(socket_.fd(), node);
  }
  absl::Status WatchWritable(AbstractEventLoop& loop, Callback callback) {
    return loop.AddWriter(socket_.fd(), std::move(callback));
  }
  void UnwatchReadable(AbstractEventLoop& loop) {
    loop.RemoveReader(socket_.fd());
  }
  void UnwatchWritable(AbstractEventLoop& loop) {
    loop.RemoveWriter(socket_.fd());
  }

  // Both at once, right before Close().
  void UnwatchBeforeClose(AbstractEventLoop& loop) {
    if (socket_.is_sole()) {
      loop.ForgetFd(socket_.fd());
    } else {
      UnwatchReadable(loop);
      UnwatchWritable(loop);
    }
  }
  // Nothing is watched by now, or the loop is closed.
  void Close() { socket_.Close(); }

 private:
  Socket socket_;
};

}  // namespace evkit::net_internal

#endif  // EVKIT_NET_INTERNAL_SOCKET_STREAM_DRIVER_H_
