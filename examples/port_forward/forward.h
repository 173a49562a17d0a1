// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// One connection carried over another: what port_forward is made of.

#ifndef EVKIT_EXAMPLES_PORT_FORWARD_FORWARD_H_
#define EVKIT_EXAMPLES_PORT_FORWARD_FORWARD_H_

#include <string>

#include "evkit/loop/coro/coro.h"
#include "evkit/net/dns/resolver.h"
#include "evkit/net/streams/stream_reader.h"
#include "evkit/net/streams/stream_writer.h"

namespace evkit {

// Connects to `host` and `port`, and carries what comes from either side to the
// other, until both have said that no more comes; one that has said so may go
// on receiving. Who does not read makes the other side wait: there is never
// more in memory than the buffers of two streams. If one side breaks, the other
// is closed, and the error is the result. Closes both in the end.
Coro<void> Forward(StreamReader reader, StreamWriter writer, std::string host,
                   Service port);

}  // namespace evkit

#endif  // EVKIT_EXAMPLES_PORT_FORWARD_FORWARD_H_
