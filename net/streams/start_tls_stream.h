// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// From clear text to TLS on a stream that is open already (STR-16).
//
//   std::string line = co_await OrReturn(reader.ReadLine());
//   if (line == "STARTTLS\r\n") {
//     StartTlsOptions options;
//     options.server_side = true;
//     co_await OrReturn(writer.Write("220 go ahead\r\n"));
//     co_await OrReturn(StartTls(writer, context, options));
//   }

#ifndef EVKIT_NET_STREAMS_START_TLS_STREAM_H_
#define EVKIT_NET_STREAMS_START_TLS_STREAM_H_

#include <memory>

#include "evkit/loop/coro/coro.h"
#include "evkit/net/streams/stream_writer.h"
#include "evkit/net/tls/start_tls.h"
#include "evkit/net/tls/tls_engine.h"

namespace evkit {

// Upgrades the connection of `writer`: waits as `Drain()` does, and then shakes
// hands. What was written before is sent in clear, everything after that is
// TLS; all handles to the writer and to its reader are those of the encrypted
// stream afterwards. What its reader has received, and nobody has read, goes
// into the handshake after `options.received`, so clear text behind the command
// reaches nobody (TLS-23). While this waits, writing is kFailedPrecondition: it
// would go out in clear, in front of the handshake or into it. Only who has
// kept `writer.transport()` from before could still do that.
//   What `Drain()` fails with.
//   kFailedPrecondition: a task is reading; the peer's data has ended; the
//     connection is closing; it is being upgraded already.
//   As StartTls() of a transport. If that has closed the connection, the error
//   is the reader's and the writer's too; if not, all is as it was.
// Not cancel-safe: cancelled in the handshake, it aborts the connection.
Coro<void> StartTls(StreamWriter writer, std::shared_ptr<TlsContext> context,
                    StartTlsOptions options = StartTlsOptions());

}  // namespace evkit

#endif  // EVKIT_NET_STREAMS_START_TLS_STREAM_H_
