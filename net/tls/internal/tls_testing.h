// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// For tests that run over every TLS engine: contexts that trust each other.

#ifndef EVKIT_NET_TLS_INTERNAL_TLS_TESTING_H_
#define EVKIT_NET_TLS_INTERNAL_TLS_TESTING_H_

#include <memory>
#include <string>
#include <utility>

#include "evkit/net/tls/fake_tls_context.h"
#include "evkit/net/tls/internal/test_certificates.h"
#include "evkit/net/tls/openssl_context.h"
#include "evkit/net/tls/tls_engine.h"
#include "gtest/gtest.h"

namespace evkit::net_internal {

enum class TlsLibrary { kFake, kOpenssl };

// The server's certificate is for server.example and for 127.0.0.1.
class TlsTestContexts {
 public:
  explicit TlsTestContexts(TlsLibrary library) {
    if (library == TlsLibrary::kFake) {
      client = server = NewFakeTlsContext();
      return;
    }
    static const auto* const root = new TestAuthority();
    static const auto* const identity =
        new TestIdentity(root->IssueServer("DNS:server.example,IP:127.0.0.1"));
    OpensslOptions client_options;
    client_options.trust_system_store = false;
    client_options.trusted_pem = root->certificate_pem();
    client = *NewOpensslContext(std::move(client_options));
    OpensslOptions server_options;
    server_options.trust_system_store = false;
    server_options.certificate_chain_pem = identity->certificate_pem;
    server_options.private_key_pem = identity->key_pem;
    server = *NewOpensslContext(std::move(server_options));
  }

  std::shared_ptr<TlsContext> client;
  std::shared_ptr<TlsContext> server;
};

// "Fake" or "Openssl", for INSTANTIATE_TEST_SUITE_P.
inline std::string NameOfTlsLibrary(
    const ::testing::TestParamInfo<TlsLibrary>& info) {
  return info.param == TlsLibrary::kFake ? "Fake" : "Openssl";
}

}  // namespace evkit::net_internal

#endif  // EVKIT_NET_TLS_INTERNAL_TLS_TESTING_H_
