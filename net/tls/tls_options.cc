// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/tls/tls_options.h"

#include "absl/status/status.h"
#include "evkit/base/check.h"

namespace evkit {
namespace {

absl::StatusOr<std::shared_ptr<Protocol>> NewLayer(
    AbstractEventLoop& loop, const TlsOptions& options,
    std::unique_ptr<TlsEngine> engine, std::shared_ptr<Protocol> protocol,
    TlsReady on_ready) {
  TlsLayerOptions layer;
  layer.handshake_timeout = options.handshake_timeout;
  layer.shutdown_timeout = options.shutdown_timeout;
  return NewTlsLayer(loop, std::move(engine), std::move(protocol), layer,
                     std::move(on_ready));
}

absl::StatusOr<std::unique_ptr<TlsEngine>> NewServerEngine(
    const TlsOptions& options) {
  EVKIT_CHECK(options.context != nullptr, "TlsOptions without a context");
  if (!options.server_name.empty()) {
    return absl::InvalidArgumentError(
        "TlsOptions::server_name is for the side that connects");
  }
  return options.context->NewServerEngine();
}

}  // namespace

absl::StatusOr<std::shared_ptr<Protocol>> NewTlsClientLayer(
    AbstractEventLoop& loop, const TlsOptions& options,
    std::shared_ptr<Protocol> protocol, TlsReady on_ready) {
  EVKIT_CHECK(options.context != nullptr, "TlsOptions without a context");
  absl::StatusOr<std::unique_ptr<TlsEngine>> engine =
      options.context->NewClientEngine(options.server_name);
  if (!engine.ok()) return std::move(engine).status();
  return NewLayer(loop, options, *std::move(engine), std::move(protocol),
                  std::move(on_ready));
}

absl::StatusOr<std::shared_ptr<Protocol>> NewTlsServerLayer(
    AbstractEventLoop& loop, const TlsOptions& options,
    std::shared_ptr<Protocol> protocol, TlsReady on_ready) {
  absl::StatusOr<std::unique_ptr<TlsEngine>> engine = NewServerEngine(options);
  if (!engine.ok()) return std::move(engine).status();
  return NewLayer(loop, options, *std::move(engine), std::move(protocol),
                  std::move(on_ready));
}

absl::Status CheckServerTlsOptions(const TlsOptions& options) {
  for (const absl::Duration timeout :
       {options.handshake_timeout, options.shutdown_timeout}) {
    if (absl::Status status = CheckTlsTimeout(timeout); !status.ok()) {
      return status;
    }
  }
  return NewServerEngine(options).status();
}

}  // namespace evkit
