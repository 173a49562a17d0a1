// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// TLS by OpenSSL 3: the context, which makes the engines. Nothing else of evkit
// drags OpenSSL in.
//
//   absl::StatusOr<std::shared_ptr<TlsContext>> context =
//       NewOpensslContext(OpensslOptions());    // a client that verifies
//
//   OpensslOptions server;
//   server.certificate_chain_file = "chain.pem";
//   server.private_key_file = "key.pem";
//   context = NewOpensslContext(std::move(server));
//
// The defaults are the safe ones: a client verifies the server's certificate
// against the system's trust store, and that it is for the name or the address
// that was connected to; TLS 1.2 or newer; no renegotiation, no compression;
// OpenSSL's default ciphers.

#ifndef EVKIT_NET_TLS_OPENSSL_CONTEXT_H_
#define EVKIT_NET_TLS_OPENSSL_CONTEXT_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "evkit/net/tls/tls_engine.h"

namespace evkit {

enum class TlsVersion { kTls12, kTls13 };

// Whether the other side must show a certificate that a trusted authority has
// signed.
enum class TlsVerification {
  kNone,      // It is not asked for one (client), or it does not matter.
  kOptional,  // A client may show none; one that it shows must be good.
  kRequired,
};

// Fill in a named object.
class OpensslOptions {
 public:
  OpensslOptions() = default;

  // What a client demands of the server; kOptional counts as kRequired.
  TlsVerification verify_server = TlsVerification::kRequired;
  // Whether the certificate must be for the name connected to. Off only with
  // verification by other means.
  bool check_server_name = true;
  // What a server demands of its clients.
  TlsVerification verify_client = TlsVerification::kNone;

  // Trust those that the system trusts (SSL_CERT_FILE and SSL_CERT_DIR say
  // others).
  bool trust_system_store = true;
  // And the authorities in these files, PEM.
  std::vector<std::string> trusted_files;
  // And the ones here, PEM.
  std::string trusted_pem;

  // This side's certificate, and what leads from it to an authority, PEM: a
  // file, or the text itself. A server needs one; a client if it is asked.
  std::string certificate_chain_file;
  std::string certificate_chain_pem;
  // Its key, likewise.
  std::string private_key_file;
  std::string private_key_pem;
  // If the key is encrypted.
  std::string private_key_password;

  TlsVersion minimum_version = TlsVersion::kTls12;
  // OpenSSL's own words (openssl-ciphers(1)); empty: its default.
  std::string tls12_ciphers;
  std::string tls13_ciphersuites;

  // Application protocols, the preferred ones first: "h2", "http/1.1". A server
  // takes the first of its own that the client offers; if there is none, the
  // handshake fails (RFC 7301).
  std::vector<std::string> alpn_protocols;

  // A server's choice of another context, made by NewOpensslContext(), by the
  // name that the client asked for; null keeps this one. Called within
  // `Handshake()`, maybe on several threads at once.
  std::function<std::shared_ptr<TlsContext>(absl::string_view server_name)>
      select_context;

  // Resume sessions: a client keeps the last session of each of the last 256
  // server names; a server gives out tickets.
  bool resume_sessions = true;

  // For debugging: the secrets of all connections are appended to this file, as
  // Wireshark reads them (NSS key log format).
  std::string key_log_file;
};

// Fails with
//   kInvalidArgument: a certificate, key or cipher list that OpenSSL does not
//     take, or a certificate and a key that do not belong together; the text
//     names the option and OpenSSL's reason.
//   kNotFound and others, with the errno: a file that cannot be read.
absl::StatusOr<std::shared_ptr<TlsContext>> NewOpensslContext(
    OpensslOptions options);

}  // namespace evkit

#endif  // EVKIT_NET_TLS_OPENSSL_CONTEXT_H_
