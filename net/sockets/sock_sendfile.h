// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Sending a part of a file through a socket, awaited.
//
//   SockSendfileOptions options;
//   options.offset = 4096;
//   int64_t sent =
//       co_await OrReturn(SockSendfile(socket, file.get(), options));

#ifndef EVKIT_NET_SOCKETS_SOCK_SENDFILE_H_
#define EVKIT_NET_SOCKETS_SOCK_SENDFILE_H_

#include <cstdint>
#include <optional>

#include "evkit/loop/coro/coro.h"
#include "evkit/net/socket.h"

namespace evkit {

// Fill in a named object.
class SockSendfileOptions {
 public:
  SockSendfileOptions() = default;

  // Where in the file to begin. Of what has no positions, a pipe, only 0.
  int64_t offset = 0;
  // How many bytes at most; without it, all up to the end.
  std::optional<int64_t> count;
  // Whether to read and send, if sendfile(2) does not take this file.
  bool fallback = true;
};

// Sends from `file`, and gives how many bytes were sent: fewer than `count` if
// the file ends before (SOCK-17, SOCK-22). However it ends, by cancellation
// too, the position of `file` is set behind what was sent (SOCK-21), where it
// has one. `socket`, connected, and `file` are borrowed until then.
//
// sendfile(2) reads the file on the loop's thread, which waits for the disk if
// it must, at most as much at a time as the socket takes (SOCK-19). Where it
// cannot (of a pipe; of some file systems), the file is read on the loop's
// default executor, 256 KiB at a time, and sent (SOCK-20). Never raises
// SIGPIPE.
//
// Cancelled, nobody knows how much was sent; of a pipe, what was read and not
// sent is lost. See sock_recv.h for what is said of all awaits of sockets.
//   kInvalidArgument: not a stream, a negative offset, a count below 1
//     (SOCK-18); ESPIPE, an offset of what has no positions.
//   kUnimplemented: without `fallback`, sendfile(2) does not take this file.
//   Others: errnos of sendfile(2), read(2) and send(2).
Coro<int64_t> SockSendfile(Socket& socket, int file,
                           SockSendfileOptions options = SockSendfileOptions());

}  // namespace evkit

#endif  // EVKIT_NET_SOCKETS_SOCK_SENDFILE_H_
