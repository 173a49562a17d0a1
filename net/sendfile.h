// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Sending a file through a transport, without its bytes passing through the
// program where the kernel can do that.
//
//   size_t sent = co_await OrReturn(Sendfile(transport, file.get()));

#ifndef EVKIT_NET_SENDFILE_H_
#define EVKIT_NET_SENDFILE_H_

#include <sys/types.h>

#include <cstddef>
#include <memory>
#include <optional>

#include "evkit/loop/coro/coro.h"
#include "evkit/net/transport.h"

namespace evkit {

// Fill in a named object.
class SendfileOptions {
 public:
  SendfileOptions() = default;

  // Where to begin in the file.
  off_t offset = 0;
  // How many bytes at most; to the end of the file if not given.
  std::optional<size_t> count;
  // Whether to read and write where the kernel cannot do it by itself: other
  // transports than those of stream sockets, and files that are none.
  bool fallback = true;
};

// Sends what is in `file` after what was written before, and gives the number
// of bytes sent (SFILE-01). `file` is borrowed, must stay open meanwhile, and
// stands behind what was sent afterwards, on success and on error (SFILE-08).
//
// On a stream socket with sendfile(2), in parts of less than 2 GiB: meanwhile
// reading is paused (SFILE-02), and writes are kFailedPrecondition (SFILE-03).
// Else in blocks of 16 KiB, read by the loop's default executor and written as
// the flow allows; meanwhile the transport has another protocol, and gets its
// own back afterwards, paused or resumed as it must be (SFILE-05).
//
// Belongs to the loop's thread; it is a coroutine, so in a task of that loop.
// Cancelled, it gives kCancelled, and some of the file may have been sent.
//   kFailedPrecondition: the transport is closing, or sends a file already; no
//     fallback, and no such transport (SFILE-04).
//   kUnimplemented: no fallback, and the kernel cannot send this file.
//   kInvalidArgument: a negative offset, or a count of 0.
//   The error of the connection, if it is lost meanwhile; ECONNRESET if that
//     has none. The protocol is told as ever (SFILE-06).
//   The errno of pread(2), if the file cannot be read.
Coro<size_t> Sendfile(std::shared_ptr<Transport> transport, int file,
                      SendfileOptions options = SendfileOptions());

}  // namespace evkit

#endif  // EVKIT_NET_SENDFILE_H_
