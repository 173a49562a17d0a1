// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/tls/openssl_context.h"

#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "evkit/base/errno_status.h"
#include "evkit/base/syscalls.h"
#include "evkit/base/unique_fd.h"
#include "evkit/loop/internal/exceptions.h"
#include "evkit/net/tls/internal/openssl_engine.h"
#include "evkit/net/tls/internal/openssl_error.h"
#include "evkit/net/tls/internal/openssl_session_cache.h"

namespace evkit {
namespace {

using net_internal::OpensslEngine;
using net_internal::OpensslSessionCache;
using net_internal::TakeOpensslError;

constexpr size_t kLongestName = 253;  // RFC 1035, as text.

class FreeSsl {
 public:
  void operator()(SSL* ssl) const { SSL_free(ssl); }
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
template <typename T>
using Owned = std::unique_ptr<T, FreeSsl>;

absl::Status OptionError(absl::string_view option) {
  return TakeOpensslError(absl::StatusCode::kInvalidArgument,
                          absl::StrCat("OpensslOptions::", option));
}

class OpensslContext final
    : public TlsContext,
      public std::enable_shared_from_this<OpensslContext> {
 public:
  explicit OpensslContext(OpensslOptions options)
      : options_(std::move(options)) {}

  absl::Status Init();

  absl::StatusOr<std::unique_ptr<TlsEngine>> NewClientEngine(
      absl::string_view server_name) override;
  absl::StatusOr<std::unique_ptr<TlsEngine>> NewServerEngine() override;

 private:
  static OpensslContext& Of(SSL_CTX* context) {
    return *static_cast<OpensslContext*>(SSL_CTX_get_app_data(context));
  }
  static int Password(char* buffer, int size, int, void* options);
  static int NewSession(SSL* ssl, SSL_SESSION* session);
  static int SelectContext(SSL* ssl, int* alert, void* context);
  static int SelectAlpn(SSL* ssl, const unsigned char** selected,
                        unsigned char* selected_size,
                        const unsigned char* offered, unsigned offered_size,
                        void* context);
  static void LogKey(const SSL* ssl, const char* line);

  absl::Status LoadTrust();
  absl::Status LoadIdentity();
  absl::Status SetAlpn();
  absl::Status SetParameters();
  bool checks_names() const {
    return options_.check_server_name &&
           options_.verify_server != TlsVerification::kNone;
  }
  int server_verify_mode() const;

  const OpensslOptions options_;
  Owned<SSL_CTX> context_;
  std::string alpn_wire_;  // Each protocol after a byte of its length.
  OpensslSessionCache sessions_;
  UniqueFd key_log_;
};

int OpensslContext::Password(char* buffer, int size, int, void* options) {
  const std::string& password =
      static_cast<const OpensslOptions*>(options)->private_key_password;
  if (password.empty() || password.size() > static_cast<size_t>(size)) {
    return -1;  // And nobody is asked on the terminal.
  }
  std::memcpy(buffer, password.data(), password.size());
  return static_cast<int>(password.size());
}

absl::Status OpensslContext::Init() {
  ERR_clear_error();
  context_.reset(SSL_CTX_new(TLS_method()));
  if (context_ == nullptr) {
    return TakeOpensslError(absl::StatusCode::kResourceExhausted,
                            "SSL_CTX_new");
  }
  SSL_CTX_set_app_data(context_.get(), this);
  absl::Status status = SetParameters();
  if (status.ok()) status = LoadTrust();
  if (status.ok()) status = LoadIdentity();
  if (status.ok()) status = SetAlpn();
  return status;
}

absl::Status OpensslContext::SetParameters() {
  SSL_CTX* const context = context_.get();
  SSL_CTX_set_min_proto_version(
      context, options_.minimum_version == TlsVersion::kTls12 ? TLS1_2_VERSION
                                                              : TLS1_3_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                   SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_mode(
      context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  if (!options_.tls12_ciphers.empty() &&
      SSL_CTX_set_cipher_list(context, options_.tls12_ciphers.c_str()) != 1) {
    return OptionError("tls12_ciphers");
  }
  if (!options_.tls13_ciphersuites.empty() &&
      SSL_CTX_set_ciphersuites(context, options_.tls13_ciphersuites.c_str()) !=
          1) {
    return OptionError("tls13_ciphersuites");
  }
  constexpr unsigned char kSessions[] = "evkit";
  SSL_CTX_set_session_id_context(context, kSessions, sizeof(kSessions) - 1);
  if (options_.resume_sessions) {
    SSL_CTX_set_session_cache_mode(
        context, SSL_SESS_CACHE_BOTH | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context, NewSession);
  } else {
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(context, 0);
  }
  if (options_.select_context != nullptr) {
    SSL_CTX_set_tlsext_servername_callback(context, SelectContext);
    SSL_CTX_set_tlsext_servername_arg(context, this);
  }
  if (!options_.key_log_file.empty()) {
    key_log_ =
        UniqueFd(sys::open(options_.key_log_file.c_str(),
                           O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
    if (!key_log_) {
      return StatusFromErrno(errno,
                             absl::StrCat("open(", options_.key_log_file, ")"));
    }
    SSL_CTX_set_keylog_callback(context, LogKey);
  }
  return absl::OkStatus();
}

absl::Status OpensslContext::LoadTrust() {
  SSL_CTX* const context = context_.get();
  if (options_.trust_system_store &&
      SSL_CTX_set_default_verify_paths(context) != 1) {
    return OptionError("trust_system_store");
  }
  for (const std::string& file : options_.trusted_files) {
    if (SSL_CTX_load_verify_file(context, file.c_str()) != 1) {
      return OptionError(absl::StrCat("trusted_files (", file, ")"));
    }
  }
  if (options_.trusted_pem.empty()) return absl::OkStatus();
  const Owned<BIO> pem(
      BIO_new_mem_buf(options_.trusted_pem.data(),
                      static_cast<int>(options_.trusted_pem.size())));
  X509_STORE* const store = SSL_CTX_get_cert_store(context);
  int count = 0;
  while (const Owned<X509> authority{PEM_read_bio_X509(
      pem.get(), nullptr, Password, const_cast<OpensslOptions*>(&options_))}) {
    if (X509_STORE_add_cert(store, authority.get()) != 1) {
      return OptionError("trusted_pem");
    }
    ++count;
  }
  if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE ||
      count == 0) {
    return OptionError("trusted_pem");
  }
  ERR_clear_error();
  return absl::OkStatus();
}

absl::Status OpensslContext::LoadIdentity() {
  SSL_CTX* const context = context_.get();
  SSL_CTX_set_default_passwd_cb(context, Password);
  SSL_CTX_set_default_passwd_cb_userdata(
      context, const_cast<OpensslOptions*>(&options_));
  if (!options_.certificate_chain_file.empty() &&
      SSL_CTX_use_certificate_chain_file(
          context, options_.certificate_chain_file.c_str()) != 1) {
    return OptionError(absl::StrCat("certificate_chain_file (",
                                    options_.certificate_chain_file, ")"));
  }
  if (!options_.certificate_chain_pem.empty()) {
    const Owned<BIO> pem(BIO_new_mem_buf(
        options_.certificate_chain_pem.data(),
        static_cast<int>(options_.certificate_chain_pem.size())));
    const Owned<X509> own(
        PEM_read_bio_X509(pem.get(), nullptr, nullptr, nullptr));
    if (own == nullptr || SSL_CTX_use_certificate(context, own.get()) != 1) {
      return OptionError("certificate_chain_pem");
    }
    while (X509* const link =
               PEM_read_bio_X509(pem.get(), nullptr, nullptr, nullptr)) {
      if (SSL_CTX_add0_chain_cert(context, link) != 1) {
        X509_free(link);
        return OptionError("certificate_chain_pem");
      }
    }
    ERR_clear_error();
  }
  if (!options_.private_key_file.empty() &&
      SSL_CTX_use_PrivateKey_file(context, options_.private_key_file.c_str(),
                                  SSL_FILETYPE_PEM) != 1) {
    return OptionError(
        absl::StrCat("private_key_file (", options_.private_key_file, ")"));
  }
  if (!options_.private_key_pem.empty()) {
    const Owned<BIO> pem(
        BIO_new_mem_buf(options_.private_key_pem.data(),
                        static_cast<int>(options_.private_key_pem.size())));
    const Owned<EVP_PKEY> key(PEM_read_bio_PrivateKey(
        pem.get(), nullptr, Password, const_cast<OpensslOptions*>(&options_)));
    if (key == nullptr || SSL_CTX_use_PrivateKey(context, key.get()) != 1) {
      return OptionError("private_key_pem");
    }
  }
  if (SSL_CTX_get0_certificate(context) != nullptr &&
      SSL_CTX_check_private_key(context) != 1) {
    return OptionError("private_key_file or private_key_pem");
  }
  return absl::OkStatus();
}

absl::Status OpensslContext::SetAlpn() {
  if (options_.alpn_protocols.empty()) return absl::OkStatus();
  for (const std::string& protocol : options_.alpn_protocols) {
    if (protocol.empty() || protocol.size() > 255) {
      return absl::InvalidArgumentError(absl::StrCat(
          "OpensslOptions::alpn_protocols: a name has 1 to 255 bytes, not ",
          protocol.size()));
    }
    alpn_wire_.push_back(static_cast<char>(protocol.size()));
    alpn_wire_.append(protocol);
  }
  const auto* const wire =
      reinterpret_cast<const unsigned char*>(alpn_wire_.data());
  if (SSL_CTX_set_alpn_protos(context_.get(), wire, alpn_wire_.size()) != 0) {
    return OptionError("alpn_protocols");
  }
  SSL_CTX_set_alpn_select_cb(context_.get(), SelectAlpn, this);
  return absl::OkStatus();
}

int OpensslContext::server_verify_mode() const {
  switch (options_.verify_client) {
    case TlsVerification::kNone:
      return SSL_VERIFY_NONE;
    case TlsVerification::kOptional:
      return SSL_VERIFY_PEER;
    case TlsVerification::kRequired:
      return SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
  }
  return SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
}

absl::StatusOr<std::unique_ptr<TlsEngine>> OpensslContext::NewClientEngine(
    absl::string_view server_name) {
  if (server_name.empty() && checks_names()) {
    return absl::InvalidArgumentError(
        "a TLS client that checks the server's name needs a server_name");
  }
  if (server_name.size() > kLongestName + 1 ||
      server_name.find('\0') != absl::string_view::npos) {
    return absl::InvalidArgumentError(
        "server_name: neither a host name nor an IP address");
  }
  // As a certificate has it: without the root's dot, without an IPv6 zone.
  const std::string name(
      absl::StripSuffix(server_name.substr(0, server_name.find('%')), "."));

  ERR_clear_error();
  Owned<SSL> ssl(SSL_new(context_.get()));
  if (ssl == nullptr) {
    return TakeOpensslError(absl::StatusCode::kResourceExhausted, "SSL_new");
  }
  SSL_set_connect_state(ssl.get());
  SSL_set_verify(ssl.get(),
                 options_.verify_server == TlsVerification::kNone
                     ? SSL_VERIFY_NONE
                     : SSL_VERIFY_PEER,
                 nullptr);
  X509_VERIFY_PARAM* const parameters = SSL_get0_param(ssl.get());
  if (!name.empty()) {
    const bool is_address =
        X509_VERIFY_PARAM_set1_ip_asc(parameters, name.c_str()) == 1;
    ERR_clear_error();
    if (!checks_names()) X509_VERIFY_PARAM_set1_ip(parameters, nullptr, 0);
    if (!is_address) {
      if (SSL_set_tlsext_host_name(ssl.get(), name.c_str()) != 1) {
        return TakeOpensslError(absl::StatusCode::kInvalidArgument,
                                "server_name");
      }
      SSL_set_hostflags(ssl.get(), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
                                       X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
      if (checks_names() && SSL_set1_host(ssl.get(), name.c_str()) != 1) {
        return TakeOpensslError(absl::StatusCode::kInvalidArgument,
                                "server_name");
      }
    }
  }
  sessions_.Use(name, ssl.get());
  auto engine =
      std::make_unique<OpensslEngine>(ssl.release(), shared_from_this());
  engine->set_server_name(name);
  return engine;
}

absl::StatusOr<std::unique_ptr<TlsEngine>> OpensslContext::NewServerEngine() {
  if (SSL_CTX_get0_certificate(context_.get()) == nullptr &&
      options_.select_context == nullptr) {
    return absl::FailedPreconditionError(
        "a TLS server needs a certificate: "
        "OpensslOptions::certificate_chain_file");
  }
  ERR_clear_error();
  Owned<SSL> ssl(SSL_new(context_.get()));
  if (ssl == nullptr) {
    return TakeOpensslError(absl::StatusCode::kResourceExhausted, "SSL_new");
  }
  SSL_set_accept_state(ssl.get());
  SSL_set_verify(ssl.get(), server_verify_mode(), nullptr);
  return std::make_unique<OpensslEngine>(ssl.release(), shared_from_this());
}

int OpensslContext::NewSession(SSL* ssl, SSL_SESSION* session) {
  if (SSL_is_server(ssl)) return 0;
  // A copy: OpenSSL spoils the session itself if the connection breaks, which
  // TLS 1.1 and newer do not ask for (RFC 4346, 7.2.1).
  if (SSL_SESSION* const copy = SSL_SESSION_dup(session); copy != nullptr) {
    Of(SSL_get_SSL_CTX(ssl))
        .sessions_.Put(OpensslEngine::Of(ssl).server_name(), copy);
  }
  return 0;
}

int OpensslContext::SelectContext(SSL* ssl, int*, void* context) {
  if (!SSL_is_server(ssl)) return SSL_TLSEXT_ERR_OK;
  const char* const name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (name == nullptr) return SSL_TLSEXT_ERR_NOACK;
  OpensslEngine& engine = OpensslEngine::Of(ssl);
  std::shared_ptr<TlsContext> selected;
  const std::exception_ptr thrown = loop_internal::CatchAllExceptions([&] {
    selected =
        static_cast<OpensslContext*>(context)->options_.select_context(name);
  });
  if (thrown != nullptr) {
    engine.set_callback_error(absl::AbortedError(
        absl::StrCat("TLS handshake: select_context: exception: ",
                     loop_internal::DescribeException(thrown))));
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  if (selected == nullptr) return SSL_TLSEXT_ERR_OK;
  const auto* const other = dynamic_cast<OpensslContext*>(selected.get());
  if (other == nullptr) {
    engine.set_callback_error(absl::AbortedError(
        "TLS handshake: select_context: not a context of NewOpensslContext()"));
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  SSL_set_SSL_CTX(ssl, other->context_.get());
  SSL_set_verify(ssl, other->server_verify_mode(), nullptr);
  engine.UseContext(std::move(selected));
  return SSL_TLSEXT_ERR_OK;
}

int OpensslContext::SelectAlpn(SSL*, const unsigned char** selected,
                               unsigned char* selected_size,
                               const unsigned char* offered,
                               unsigned offered_size, void* context) {
  const std::string& own = static_cast<OpensslContext*>(context)->alpn_wire_;
  unsigned char* match = nullptr;
  const int result = SSL_select_next_proto(
      &match, selected_size, reinterpret_cast<const unsigned char*>(own.data()),
      own.size(), offered, offered_size);
  if (result != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_ALERT_FATAL;
  *selected = match;
  return SSL_TLSEXT_ERR_OK;
}

void OpensslContext::LogKey(const SSL* ssl, const char* line) {
  const std::string text = absl::StrCat(line, "\n");
  // A log that cannot be written must not stop the connection.
  (void)sys::write(Of(SSL_get_SSL_CTX(ssl)).key_log_.get(), text.data(),
                   text.size());
}

}  // namespace

absl::StatusOr<std::shared_ptr<TlsContext>> NewOpensslContext(
    OpensslOptions options) {
  auto context = std::make_shared<OpensslContext>(std::move(options));
  absl::Status status = context->Init();
  if (!status.ok()) return status;
  return context;
}

}  // namespace evkit
