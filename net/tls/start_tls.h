// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// From clear text to TLS on a connection that is open already, as SMTP, IMAP,
// PostgreSQL and others do.
//
//   std::shared_ptr<Transport> secure = co_await OrReturn(
//       StartTls(transport, context, options));

#ifndef EVKIT_NET_TLS_START_TLS_H_
#define EVKIT_NET_TLS_START_TLS_H_

#include <memory>
#include <string>

#include "absl/time/time.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/net/tls/tls_engine.h"
#include "evkit/net/transport.h"

namespace evkit {

// Fill in a named object.
class StartTlsOptions {
 public:
  StartTlsOptions() = default;

  // Whether this side waits for the other's hello.
  bool server_side = false;
  // A client's: whom the certificate must be for. Not of a server.
  std::string server_name;
  // What the protocol was given of the peer's handshake already, because it
  // came together with the last bytes in clear. It goes into the handshake and
  // nowhere else: clear text that somebody smuggled in makes that fail
  // (CVE-2023-40217 and its kin).
  std::string received;
  // See `TlsLayerOptions`.
  absl::Duration handshake_timeout = absl::Seconds(60);
  absl::Duration shutdown_timeout = absl::Seconds(30);
};

// Upgrades `transport`: what was written to it before is sent in clear, and
// everything after that is TLS. Its protocol keeps its place: it is the new
// transport's, `ConnectionMade()` is not called again (TLS-20), and it should
// use the new transport from now on; it hears nothing until the handshake is
// done and whoever awaits this has gone on. What is written to `transport`
// itself from now on goes out in clear, into the handshake, which fails.
// Reading stops with this call's first step and goes on with the handshake.
// From a callback of the protocol's, stop it there (PauseReading()), and create
// a task for the rest.
//   kFailedPrecondition: `transport` is closing (TLS-24).
//   kInvalidArgument: a timeout is not positive, or the context does not take
//     the server's name.
//   What the handshake fails with, see tls_layer.h; `transport` is closed then,
//     and the protocol told of the loss, in a later turn (TLS-22, TR-02).
// Not cancel-safe: a cancelled one aborts the connection.
Coro<std::shared_ptr<Transport>> StartTls(std::shared_ptr<Transport> transport,
                                          std::shared_ptr<TlsContext> context,
                                          StartTlsOptions options);

}  // namespace evkit

#endif  // EVKIT_NET_TLS_START_TLS_H_
