// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/tls/tls_layer.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "evkit/base/check.h"
#include "evkit/net/tls/internal/tls_transport.h"

namespace evkit {

absl::Status CheckTlsTimeout(absl::Duration timeout) {
  if (timeout > absl::ZeroDuration()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "a TLS timeout must be positive, not ", absl::FormatDuration(timeout)));
}

absl::StatusOr<std::shared_ptr<Protocol>> NewTlsLayer(
    AbstractEventLoop& loop, std::unique_ptr<TlsEngine> engine,
    std::shared_ptr<Protocol> protocol, TlsLayerOptions options,
    TlsReady on_ready) {
  EVKIT_CHECK(engine != nullptr && protocol != nullptr, "NewTlsLayer: null");
  for (const absl::Duration timeout :
       {options.handshake_timeout, options.shutdown_timeout}) {
    if (absl::Status status = CheckTlsTimeout(timeout); !status.ok()) {
      return status;
    }
  }
  return std::make_shared<net_internal::TlsTransport>(
      loop, std::move(engine), std::move(protocol), options,
      std::move(on_ready));
}

}  // namespace evkit
