// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Certificates for tests, made when they are needed.

#ifndef EVKIT_NET_TLS_INTERNAL_TEST_CERTIFICATES_H_
#define EVKIT_NET_TLS_INTERNAL_TEST_CERTIFICATES_H_

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>

#include "absl/time/time.h"

namespace evkit::net_internal {

// A certificate and its key, PEM.
class TestIdentity {
 public:
  TestIdentity() = default;

  std::string certificate_pem;
  std::string key_pem;
};

// What a certificate says. Fill in a named object.
class TestCertificateOptions {
 public:
  TestCertificateOptions() = default;

  std::string common_name = "test";
  // As in openssl.cnf: "DNS:a.example,IP:127.0.0.1". Empty: no such extension.
  std::string subject_alt_name;
  // "serverAuth", "clientAuth", both; empty: no such extension.
  std::string extended_key_usage;
  // From now.
  absl::Duration begins = -absl::Hours(1);
  absl::Duration ends = absl::Hours(24);
  bool is_authority = false;
};

// Signs certificates.
class TestAuthority {
 public:
  // A root.
  TestAuthority() : TestAuthority(nullptr) {}
  // One whose certificate `signer` signs; null: a root.
  explicit TestAuthority(const TestAuthority* signer);
  TestAuthority(const TestAuthority&) = delete;
  TestAuthority& operator=(const TestAuthority&) = delete;
  ~TestAuthority();

  const std::string& certificate_pem() const { return pem_; }

  TestIdentity Issue(const TestCertificateOptions& options) const;
  // For a server of that "DNS:..." or "IP:...".
  TestIdentity IssueServer(const std::string& subject_alt_name) const;
  TestIdentity IssueClient(const std::string& common_name) const;

  // Signed by itself instead.
  static TestIdentity SelfSigned(const TestCertificateOptions& options);

 private:
  EVP_PKEY* key_;
  X509* certificate_;
  std::string pem_;
};

}  // namespace evkit::net_internal

#endif  // EVKIT_NET_TLS_INTERNAL_TEST_CERTIFICATES_H_
