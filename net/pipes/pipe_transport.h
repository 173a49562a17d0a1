// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// The transports of pipes: one end, one direction, at callback level.
// Coroutines use net/pipes/connect_pipe.h.
//
//   auto transport = NewReadPipeTransport(loop, std::move(child->stdout_pipe),
//                                         std::make_shared<Lines>());
//
// What all transports have in common is said in net/transport.h. What is
// different here:
//
// They take pipes, FIFOs, sockets and character devices. The descriptor is made
// non-blocking and close-on-exec; non-blocking is a flag of the open file, so
// whoever shares it, a terminal's other users for one, is affected.
//
// Of a transport that reads, writing functions and SetWriteBufferLimits() are
// kUnimplemented; of one that writes, PauseReading() and ResumeReading() do
// nothing, and IsReading() is false.
//
// A reader is done at the end of the pipe: EofReceived() and ConnectionLost(OK)
// are two callbacks, and what the first returns means nothing (PIPE-03). What
// is unread when it is closed is lost (PIPE-04). Errors of reading other than
// EIO, which is how a terminal goes away, are reported as well (PIPE-11).
//
// A writer notices that the reader has gone, without writing: ConnectionLost()
// gets OK if nothing waits to be written, else EPIPE (PIPE-06). It does not for
// character devices (PIPE-14), nor for a FIFO that it may also read itself.
// WriteEof() is Close(): what waits is written first (PIPE-07). Writing never
// raises SIGPIPE, whatever the process does with it; for what is not a socket
// this takes two more system calls for each write(2), see
// base/without_sigpipe.h.

#ifndef EVKIT_NET_PIPES_PIPE_TRANSPORT_H_
#define EVKIT_NET_PIPES_PIPE_TRANSPORT_H_

#include <memory>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "evkit/base/unique_fd.h"
#include "evkit/loop/abstract_event_loop.h"
#include "evkit/net/protocol.h"
#include "evkit/net/transport.h"

namespace evkit {

// Fill in a named object.
class PipeTransportOptions {
 public:
  PipeTransportOptions() = default;

  // Called in a callback of its own after ConnectionMade() has returned and
  // reading has begun.
  absl::AnyInvocable<void() &&> on_made;
  // Called right after ConnectionLost() has returned and the pipe is closed.
  absl::AnyInvocable<void() &&> on_lost;
};

// Take over `pipe` and queue three callbacks: ConnectionMade(), begin to read
// (or to notice that the reader goes), `options.on_made`. Nothing is called
// inside this call. On a closed loop the pipe is closed, and the transport is
// closing from the start; no protocol is told. After an error `pipe` is closed,
// and nothing is called.
//   kInvalidArgument: not a pipe, FIFO, socket or character device (PIPE-02).
//   kFailedPrecondition: EBADF, not open. Other errnos of fcntl(2).
absl::StatusOr<std::shared_ptr<Transport>> NewReadPipeTransport(
    AbstractEventLoop& loop, UniqueFd pipe, std::shared_ptr<Protocol> protocol,
    PipeTransportOptions options = PipeTransportOptions());
absl::StatusOr<std::shared_ptr<Transport>> NewWritePipeTransport(
    AbstractEventLoop& loop, UniqueFd pipe, std::shared_ptr<Protocol> protocol,
    PipeTransportOptions options = PipeTransportOptions());

}  // namespace evkit

#endif  // EVKIT_NET_PIPES_PIPE_TRANSPORT_H_
