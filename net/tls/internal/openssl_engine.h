// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// An engine of OpenSSL's, which reads from and writes to strings.

#ifndef EVKIT_NET_TLS_INTERNAL_OPENSSL_ENGINE_H_
#define EVKIT_NET_TLS_INTERNAL_OPENSSL_ENGINE_H_

#include <openssl/ssl.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "evkit/net/tls/tls_engine.h"

namespace evkit::net_internal {

class OpensslEngine final : public TlsEngine {
 public:
  // Takes over `ssl`, set to connect or to accept. `context` is kept as long as
  // the engine.
  OpensslEngine(SSL* ssl, std::shared_ptr<TlsContext> context);
  ~OpensslEngine() override;

  // The engine of a connection, for OpenSSL's callbacks.
  static OpensslEngine& Of(const SSL* ssl);

  void Feed(absl::string_view ciphertext) override;
  void FeedEof() override;
  absl::StatusOr<bool> Handshake() override;
  absl::StatusOr<std::optional<size_t>> Read(absl::Span<char> buffer) override;
  absl::Status Write(absl::string_view data) override;
  absl::Status Shutdown() override;
  absl::string_view PendingOutput() const override { return output_; }
  void ConsumeOutput() override { output_ = std::string(); }
  TlsInfo info() const override;

  // Another context is used from now on, and kept.
  void UseContext(std::shared_ptr<TlsContext> context) {
    selected_context_ = std::move(context);
  }
  // What a callback says to be the reason why it makes the handshake fail.
  void set_callback_error(absl::Status error) {
    callback_error_ = std::move(error);
  }
  // The name that the session of this connection is kept under; a client's.
  const std::string& server_name() const { return server_name_; }
  void set_server_name(absl::string_view name) {
    server_name_ = std::string(name);
  }

 private:
  // What OpenSSL calls to move bytes: a BIO whose data is the engine.
  class Bio;

  absl::Status HandshakeError();
  bool input_is_empty() const { return input_position_ == input_.size(); }

  const std::shared_ptr<TlsContext> context_;
  std::shared_ptr<TlsContext> selected_context_;
  SSL* const ssl_;
  // Both empty, and without memory, while nothing waits.
  std::string input_;
  size_t input_position_ = 0;  // How much of it OpenSSL has read.
  std::string output_;
  std::string server_name_;
  absl::Status callback_error_;
  bool at_eof_ = false;
};

}  // namespace evkit::net_internal

#endif  // EVKIT_NET_TLS_INTERNAL_OPENSSL_ENGINE_H_
