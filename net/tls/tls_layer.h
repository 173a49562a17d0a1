// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Encrypts a connection: a protocol to the transport below, a transport to the
// protocol above. At callback level; knows no socket, and no TLS library but by
// its interface.
//
//   std::shared_ptr<Protocol> layer = NewTlsLayer(
//       loop, *context->NewClientEngine("a.example"), protocol,
//       TlsLayerOptions(), [](absl::StatusOr<std::shared_ptr<Transport>>) {});
//   NewStreamTransport(loop, std::move(socket), layer);
//
// Where it differs from a plain transport (contract section 15): there is no
// half-close: `WriteEof()` is kUnimplemented, and the peer's close_notify ends
// the connection after `EofReceived()`, whatever that returns (TLS-11, TLS-12).
// A stream that ends without close_notify was cut: `ConnectionLost()` is told
// kDataLoss, and `EofReceived()` is not called. `Close()` sends what was
// written, then close_notify, and waits for the peer's before it closes the
// transport below (TLS-09); what the peer still sends meanwhile is dropped.
// `Abort()` does nothing of this (TLS-17). What is written after either is
// dropped (TLS-13).

#ifndef EVKIT_NET_TLS_TLS_LAYER_H_
#define EVKIT_NET_TLS_TLS_LAYER_H_

#include <memory>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "evkit/loop/abstract_event_loop.h"
#include "evkit/net/extra_info.h"
#include "evkit/net/protocol.h"
#include "evkit/net/tls/tls_engine.h"
#include "evkit/net/transport.h"

namespace evkit {

// What was agreed upon: `transport->GetExtraInfo(kTlsInfo)`. Everything else is
// asked of the transport below (TLS-18).
inline constexpr ExtraInfoKey<TlsInfo> kTlsInfo("tls_info");

// Fill in a named object.
class TlsLayerOptions {
 public:
  TlsLayerOptions() = default;

  // How long the handshake may take (TLS-05), and how long `Close()` waits to
  // send the rest and to hear the peer's close_notify (TLS-10). Positive.
  absl::Duration handshake_timeout = absl::Seconds(60);
  absl::Duration shutdown_timeout = absl::Seconds(30);
  // Whether the protocol's `ConnectionMade()` is called; not if it has been, by
  // the transport that is being upgraded (TLS-20).
  bool call_connection_made = true;
};

// Once: the transport, after `ConnectionMade()` has returned; or why there is
// none, in which case the transport below is being closed, and the protocol
// hears nothing at all (TLS-03), or, if it has been told of the connection
// before, `ConnectionLost()`:
//   kAborted, ECONNABORTED: the handshake took too long, or the transport was
//     closed or aborted meanwhile.
//   ECONNRESET: the peer's bytes ended in the middle of it (TLS-06).
//   What the transport below was lost with; what the engine fails with.
using TlsReady =
    absl::AnyInvocable<void(absl::StatusOr<std::shared_ptr<Transport>>) &&>;

// kInvalidArgument unless it is positive (TLS-04).
absl::Status CheckTlsTimeout(absl::Duration timeout);

// A layer between `protocol` and the transport that it is given to. The
// handshake begins with its `ConnectionMade()`, after which it keeps itself
// alive as any transport does. Its limits are 512 KiB and 128 KiB to be sent
// (TLS-14), and the protocol is paused from the first byte that reaches the
// higher (TLS-15).
// `on_ready` is called in a callback of the loop's, and may be null.
//   kInvalidArgument: a timeout is not positive (TLS-04).
absl::StatusOr<std::shared_ptr<Protocol>> NewTlsLayer(
    AbstractEventLoop& loop, std::unique_ptr<TlsEngine> engine,
    std::shared_ptr<Protocol> protocol, TlsLayerOptions options,
    TlsReady on_ready);

}  // namespace evkit

#endif  // EVKIT_NET_TLS_TLS_LAYER_H_
