// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// A transport and a protocol for one end of a pipe, awaited.
//
//   Connection input = co_await OrReturn(
//       ConnectReadPipe(MakeLines, UniqueFd(dup(STDIN_FILENO))));

#ifndef EVKIT_NET_PIPES_CONNECT_PIPE_H_
#define EVKIT_NET_PIPES_CONNECT_PIPE_H_

#include "evkit/base/unique_fd.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/net/protocol.h"
#include "evkit/net/transport.h"

namespace evkit {

// Take over `pipe`, make a protocol, and end when its ConnectionMade() has
// returned (PIPE-01). What `factory` throws is thrown on. Cancelled before
// that, the transport is closed. See net/pipes/pipe_transport.h for what the
// transports do, and for the errors.
Coro<Connection> ConnectReadPipe(ProtocolFactory factory, UniqueFd pipe);
Coro<Connection> ConnectWritePipe(ProtocolFactory factory, UniqueFd pipe);

}  // namespace evkit

#endif  // EVKIT_NET_PIPES_CONNECT_PIPE_H_
