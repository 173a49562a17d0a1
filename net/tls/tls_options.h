// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// How a connection, or those of a server, are to be encrypted.

#ifndef EVKIT_NET_TLS_TLS_OPTIONS_H_
#define EVKIT_NET_TLS_TLS_OPTIONS_H_

#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "evkit/loop/abstract_event_loop.h"
#include "evkit/net/protocol.h"
#include "evkit/net/tls/tls_engine.h"
#include "evkit/net/tls/tls_layer.h"

namespace evkit {

class TlsOptions {
 public:
  TlsOptions() = default;
  explicit TlsOptions(std::shared_ptr<TlsContext> its_context)
      : context(std::move(its_context)) {}

  // Not null (checked). Shared with whoever else makes connections with it.
  std::shared_ptr<TlsContext> context;
  // A client's: whom the certificate must be for. Empty: the host connected to
  // (CONN-07); a Unix socket or one that is connected already has none
  // (UNIX-02). A server's are without.
  std::string server_name;
  // See `TlsLayerOptions`.
  absl::Duration handshake_timeout = absl::Seconds(60);
  absl::Duration shutdown_timeout = absl::Seconds(30);
};

// The layer for the side that connected.
//   kInvalidArgument: the context does not take the server's name (TLS-08); a
//     timeout is not positive (TLS-04).
absl::StatusOr<std::shared_ptr<Protocol>> NewTlsClientLayer(
    AbstractEventLoop& loop, const TlsOptions& options,
    std::shared_ptr<Protocol> protocol, TlsReady on_ready);

// The layer for the side that was connected to.
//   kInvalidArgument: a timeout is not positive, or there is a server name.
//   kFailedPrecondition: the context has no certificate.
absl::StatusOr<std::shared_ptr<Protocol>> NewTlsServerLayer(
    AbstractEventLoop& loop, const TlsOptions& options,
    std::shared_ptr<Protocol> protocol, TlsReady on_ready);

// What NewTlsServerLayer() would fail with.
absl::Status CheckServerTlsOptions(const TlsOptions& options);

}  // namespace evkit

#endif  // EVKIT_NET_TLS_TLS_OPTIONS_H_
