// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Engines for tests that encrypt nothing worth the name: records as in TLS, a
// handshake of one message each way, close_notify, and no library.

#ifndef EVKIT_NET_TLS_FAKE_TLS_CONTEXT_H_
#define EVKIT_NET_TLS_FAKE_TLS_CONTEXT_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "evkit/net/tls/tls_engine.h"

namespace evkit {

// Fill in a named object.
class FakeTlsOptions {
 public:
  FakeTlsOptions() = default;

  // What the server's side of the handshake fails with, and tells the client.
  absl::Status server_error;
  // What the client's side fails with when the server has answered.
  absl::Status client_error;
};

std::shared_ptr<TlsContext> NewFakeTlsContext(
    FakeTlsOptions options = FakeTlsOptions());

}  // namespace evkit

#endif  // EVKIT_NET_TLS_FAKE_TLS_CONTEXT_H_
