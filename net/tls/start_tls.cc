// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/tls/start_tls.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "evkit/loop/coro/future.h"
#include "evkit/loop/coro/or_return.h"
#include "evkit/net/protocol.h"
#include "evkit/net/tls/tls_layer.h"

namespace evkit {

Coro<std::shared_ptr<Transport>> StartTls(std::shared_ptr<Transport> transport,
                                          std::shared_ptr<TlsContext> context,
                                          StartTlsOptions options) {
  if (transport->IsClosing()) {
    co_return absl::FailedPreconditionError(
        "StartTls: the transport is closing");
  }
  if (options.server_side && !options.server_name.empty()) {
    co_return absl::InvalidArgumentError(
        "StartTls: server_name is for the side that connects");
  }
  absl::StatusOr<std::unique_ptr<TlsEngine>> engine =
      options.server_side ? context->NewServerEngine()
                          : context->NewClientEngine(options.server_name);
  if (!engine.ok()) co_return std::move(engine).status();
  (*engine)->Feed(options.received);

  AbstractEventLoop& loop = transport->loop();
  const Future<std::shared_ptr<Transport>> ready =
      CreateFuture<std::shared_ptr<Transport>>(loop);
  TlsLayerOptions layer_options;
  layer_options.handshake_timeout = options.handshake_timeout;
  layer_options.shutdown_timeout = options.shutdown_timeout;
  layer_options.call_connection_made = false;
  absl::StatusOr<std::shared_ptr<Protocol>> layer = NewTlsLayer(
      loop, *std::move(engine), transport->GetProtocol(), layer_options,
      [ready](absl::StatusOr<std::shared_ptr<Transport>> secure) {
        if (ready.done()) return;  // Cancelled.
        if (secure.ok()) {
          ready.SetResult(*std::move(secure)).IgnoreError();
        } else {
          ready.SetError(std::move(secure).status()).IgnoreError();
        }
      });
  if (!layer.ok()) co_return std::move(layer).status();
  transport->PauseReading();
  transport->SetProtocol(*layer);
  // Not here: this may be a callback of the protocol's.
  loop.CallSoon([transport, layer = *layer] {
    if (transport->IsClosing()) return;
    layer->ConnectionMade(transport);
    transport->ResumeReading();
  });

  absl::StatusOr<std::shared_ptr<Transport>> secure = co_await ready;
  if (!secure.ok()) transport->Abort();
  co_return secure;
}

}  // namespace evkit
