// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/tls/internal/openssl_engine.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/x509.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "evkit/base/check.h"
#include "evkit/base/errno_status.h"
#include "evkit/net/tls/internal/openssl_error.h"

namespace evkit::net_internal {
namespace {

std::string ToDer(X509* certificate) {
  unsigned char* der = nullptr;
  const int size = i2d_X509(certificate, &der);
  if (size <= 0) return "";
  std::string text(reinterpret_cast<char*>(der), size);
  OPENSSL_free(der);
  return text;
}

}  // namespace

class OpensslEngine::Bio {
 public:
  static BIO* New(OpensslEngine& engine) {
    static BIO_METHOD* const method = NewMethod();
    BIO* const bio = BIO_new(method);
    EVKIT_CHECK(bio != nullptr, "BIO_new: out of memory");
    BIO_set_data(bio, &engine);
    BIO_set_init(bio, 1);
    return bio;
  }

 private:
  static BIO_METHOD* NewMethod() {
    BIO_METHOD* const method =
        BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "evkit");
    EVKIT_CHECK(method != nullptr, "BIO_meth_new: out of memory");
    BIO_meth_set_read_ex(method, Read);
    BIO_meth_set_write_ex(method, Write);
    BIO_meth_set_ctrl(method, Control);
    return method;
  }
  static OpensslEngine& EngineOf(BIO* bio) {
    return *static_cast<OpensslEngine*>(BIO_get_data(bio));
  }

  static int Read(BIO* bio, char* buffer, size_t size, size_t* read) {
    OpensslEngine& engine = EngineOf(bio);
    BIO_clear_retry_flags(bio);
    if (engine.input_is_empty()) {
      if (!engine.at_eof_) BIO_set_retry_read(bio);
      return 0;
    }
    *read = std::min(size, engine.input_.size() - engine.input_position_);
    std::memcpy(buffer, engine.input_.data() + engine.input_position_, *read);
    engine.input_position_ += *read;
    if (engine.input_is_empty()) {
      engine.input_ = std::string();
      engine.input_position_ = 0;
    }
    return 1;
  }
  static int Write(BIO* bio, const char* data, size_t size, size_t* written) {
    EngineOf(bio).output_.append(data, size);
    *written = size;
    return 1;
  }
  static long Control(BIO* bio, int command, long, void*) {
    switch (command) {
      case BIO_CTRL_FLUSH:
        return 1;
      case BIO_CTRL_EOF:
        return EngineOf(bio).at_eof_ && EngineOf(bio).input_is_empty();
      default:
        return 0;
    }
  }
};

OpensslEngine::OpensslEngine(SSL* ssl, std::shared_ptr<TlsContext> context)
    : context_(std::move(context)), ssl_(ssl) {
  BIO* const bio = Bio::New(*this);
  SSL_set_bio(ssl_, bio, bio);
  SSL_set_app_data(ssl_, this);
}

OpensslEngine::~OpensslEngine() { SSL_free(ssl_); }

OpensslEngine& OpensslEngine::Of(const SSL* ssl) {
  return *static_cast<OpensslEngine*>(SSL_get_app_data(ssl));
}

void OpensslEngine::Feed(absl::string_view ciphertext) {
  input_.append(ciphertext.data(), ciphertext.size());
}

void OpensslEngine::FeedEof() { at_eof_ = true; }

absl::StatusOr<bool> OpensslEngine::Handshake() {
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_);
  if (result == 1) return true;
  if (SSL_get_error(ssl_, result) == SSL_ERROR_WANT_READ && !at_eof_) {
    return false;
  }
  return HandshakeError();
}

absl::Status OpensslEngine::HandshakeError() {
  constexpr char kWhat[] = "TLS handshake";
  if (!callback_error_.ok()) {
    ERR_clear_error();
    return std::move(callback_error_);
  }
  const long verified = SSL_get_verify_result(ssl_);
  if (verified != X509_V_OK && SSL_get_verify_mode(ssl_) != SSL_VERIFY_NONE) {
    ERR_clear_error();
    return absl::UnauthenticatedError(
        absl::StrCat(kWhat, ": the peer's certificate is refused: ",
                     X509_verify_cert_error_string(verified)));
  }
  if (at_eof_ && input_is_empty()) {
    ERR_clear_error();
    return StatusFromErrno(ECONNRESET, kWhat);
  }
  return TakeOpensslError(absl::StatusCode::kAborted, kWhat);
}

absl::StatusOr<std::optional<size_t>> OpensslEngine::Read(
    absl::Span<char> buffer) {
  ERR_clear_error();
  size_t read = 0;
  if (SSL_read_ex(ssl_, buffer.data(), buffer.size(), &read) == 1) return read;
  switch (SSL_get_error(ssl_, 0)) {
    case SSL_ERROR_ZERO_RETURN:
      return 0;
    case SSL_ERROR_WANT_READ:
      if (!at_eof_) return std::nullopt;
      break;
    case SSL_ERROR_SSL:
      if (ERR_GET_REASON(ERR_peek_error()) !=
          SSL_R_UNEXPECTED_EOF_WHILE_READING) {
        return TakeOpensslError(absl::StatusCode::kAborted, "TLS read");
      }
      break;
    default:
      return TakeOpensslError(absl::StatusCode::kAborted, "TLS read");
  }
  ERR_clear_error();
  return absl::DataLossError(
      "TLS read: the connection ended without the peer's close_notify");
}

absl::Status OpensslEngine::Write(absl::string_view data) {
  if ((SSL_get_shutdown(ssl_) & SSL_SENT_SHUTDOWN) != 0) {
    return absl::FailedPreconditionError("TLS write: after close_notify");
  }
  ERR_clear_error();
  output_.reserve(output_.size() + data.size() +
                  (data.size() / SSL3_RT_MAX_PLAIN_LENGTH + 1) *
                      SSL3_RT_MAX_ENCRYPTED_OVERHEAD);
  while (!data.empty()) {
    size_t written = 0;
    if (SSL_write_ex(ssl_, data.data(), data.size(), &written) != 1) {
      return TakeOpensslError(absl::StatusCode::kAborted, "TLS write");
    }
    data.remove_prefix(written);
  }
  return absl::OkStatus();
}

absl::Status OpensslEngine::Shutdown() {
  if ((SSL_get_shutdown(ssl_) & SSL_SENT_SHUTDOWN) != 0) {
    return absl::OkStatus();
  }
  ERR_clear_error();
  if (SSL_shutdown(ssl_) >= 0) return absl::OkStatus();
  return TakeOpensslError(absl::StatusCode::kAborted, "TLS shutdown");
}

TlsInfo OpensslEngine::info() const {
  TlsInfo info;
  info.protocol = SSL_get_version(ssl_);
  if (const SSL_CIPHER* cipher = SSL_get_current_cipher(ssl_)) {
    info.cipher = SSL_CIPHER_get_name(cipher);
  }
  const unsigned char* alpn = nullptr;
  unsigned alpn_size = 0;
  SSL_get0_alpn_selected(ssl_, &alpn, &alpn_size);
  info.alpn_protocol.assign(reinterpret_cast<const char*>(alpn), alpn_size);
  if (const char* name = SSL_get_servername(ssl_, TLSEXT_NAMETYPE_host_name)) {
    info.server_name = name;
  }
  if (X509* const own = SSL_get0_peer_certificate(ssl_)) {
    info.peer_certificates.push_back(ToDer(own));
    // A client's chain begins with the peer's own certificate, a server's not.
    STACK_OF(X509)* const chain = SSL_get_peer_cert_chain(ssl_);
    for (int i = SSL_is_server(ssl_) ? 0 : 1; i < sk_X509_num(chain); ++i) {
      info.peer_certificates.push_back(ToDer(sk_X509_value(chain, i)));
    }
    info.peer_verified = SSL_get_verify_mode(ssl_) != SSL_VERIFY_NONE &&
                         SSL_get_verify_result(ssl_) == X509_V_OK;
  }
  info.resumed = SSL_session_reused(ssl_) == 1;
  return info;
}

}  // namespace evkit::net_internal
