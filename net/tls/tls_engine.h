// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// One side of one TLS connection: bytes in, bytes out. Knows neither sockets
// nor loops; what asyncio calls an SSLObject over memory BIOs. Interfaces, so
// that a repository can bring the library that it trusts.
//
//   engine->Feed(from_the_peer);
//   absl::StatusOr<bool> done = engine->Handshake();
//   engine->TakeOutput(&to_the_peer);      // after every call, failed ones too

#ifndef EVKIT_NET_TLS_TLS_ENGINE_H_
#define EVKIT_NET_TLS_TLS_ENGINE_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace evkit {

// What was agreed upon; complete once the handshake is.
class TlsInfo {
 public:
  TlsInfo() = default;

  std::string protocol;       // "TLSv1.3".
  std::string cipher;         // "TLS_AES_256_GCM_SHA384".
  std::string alpn_protocol;  // "h2"; empty if none was agreed upon.
  // The name that the client asked for (SNI); empty if it gave none.
  std::string server_name;
  // The peer's certificate and those that it sent along, DER; empty if it sent
  // none.
  std::vector<std::string> peer_certificates;
  // Whether the peer's certificate was asked for, came, and was found good.
  bool peer_verified = false;
  // Whether an earlier session was resumed.
  bool resumed = false;
};

// Not thread-safe. After a call has failed only the output, which may have an
// alert for the peer, and `info()` are of use.
//
// Failures: kUnauthenticated: the peer's certificate is missing, or is not good
// for what it is used for, or the peer says so of ours, and the text says why.
// ECONNRESET: the peer's bytes ended within the handshake. kDataLoss: they
// ended later, but without close_notify. kAborted: whatever else breaks the
// protocol, with the library's own reason.
class TlsEngine {
 public:
  TlsEngine() = default;
  TlsEngine(const TlsEngine&) = delete;
  TlsEngine& operator=(const TlsEngine&) = delete;
  virtual ~TlsEngine() = default;

  // Bytes that came from the peer. Copied; nothing is done with them yet.
  virtual void Feed(absl::string_view ciphertext) = 0;
  // No more will come.
  virtual void FeedEof() = 0;

  // Goes on with the handshake. True: it is complete; false: it needs more from
  // the peer. Must be complete before the calls below.
  virtual absl::StatusOr<bool> Handshake() = 0;

  // Moves what the peer said to the beginning of `buffer`, which is not empty.
  // The number of bytes; 0 once the peer has said close_notify; nothing if more
  // of its bytes are needed.
  virtual absl::StatusOr<std::optional<size_t>> Read(
      absl::Span<char> buffer) = 0;

  // Encrypts all of `data`.
  //   kFailedPrecondition: after `Shutdown()`.
  virtual absl::Status Write(absl::string_view data) = 0;

  // Says close_notify: the last that is written. The peer's own data may still
  // come, to be read as before. Idempotent.
  virtual absl::Status Shutdown() = 0;

  // What is to be sent to the peer. Valid until the next call.
  virtual absl::string_view PendingOutput() const = 0;
  // It has been.
  virtual void ConsumeOutput() = 0;
  // Appends it to `*output`.
  void TakeOutput(std::string* output) {
    const absl::string_view pending = PendingOutput();
    output->append(pending.data(), pending.size());
    ConsumeOutput();
  }

  virtual TlsInfo info() const = 0;
};

// What engines have in common: identity, trust, parameters. Shared by the
// engines that it made and by whoever makes connections with it. Thread-safe,
// so that the loops of a program can share one.
class TlsContext {
 public:
  TlsContext() = default;
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;
  virtual ~TlsContext() = default;

  // The side that connects. `server_name` is what the peer's certificate must
  // be for, a host name or an IP address, and, a name, what it is told (SNI).
  //   kInvalidArgument: it is empty, and this context checks names (TLS-08); or
  //     it is neither a name nor an address.
  virtual absl::StatusOr<std::unique_ptr<TlsEngine>> NewClientEngine(
      absl::string_view server_name) = 0;

  // The side that was connected to.
  //   kFailedPrecondition: this context has no certificate.
  virtual absl::StatusOr<std::unique_ptr<TlsEngine>> NewServerEngine() = 0;
};

}  // namespace evkit

#endif  // EVKIT_NET_TLS_TLS_ENGINE_H_
