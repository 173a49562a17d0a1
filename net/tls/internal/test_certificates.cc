// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/tls/internal/test_certificates.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <atomic>

#include "absl/strings/str_cat.h"
#include "evkit/base/check.h"

namespace evkit::net_internal {
namespace {

std::string TextOf(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string text(data, size);
  BIO_free(bio);
  return text;
}

std::string PemOf(X509* certificate) {
  BIO* const bio = BIO_new(BIO_s_mem());
  EVKIT_CHECK(PEM_write_bio_X509(bio, certificate) == 1, "PEM_write_bio_X509");
  return TextOf(bio);
}

std::string PemOf(EVP_PKEY* key) {
  BIO* const bio = BIO_new(BIO_s_mem());
  EVKIT_CHECK(PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr,
                                       nullptr) == 1,
              "PEM_write_bio_PrivateKey");
  return TextOf(bio);
}

void AddExtension(X509* certificate, X509* issuer, int nid,
                  const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* const extension =
      X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  EVKIT_CHECK(extension != nullptr, "X509V3_EXT_conf_nid");
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

// Null `issuer`: signed by itself.
X509* Make(const TestCertificateOptions& options, EVP_PKEY* key, X509* issuer,
           EVP_PKEY* issuer_key) {
  static std::atomic<long> serial{0};
  X509* const certificate = X509_new();
  X509_set_version(certificate, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate),
                  absl::ToInt64Seconds(options.begins));
  X509_gmtime_adj(X509_getm_notAfter(certificate),
                  absl::ToInt64Seconds(options.ends));
  X509_NAME_add_entry_by_txt(
      X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
      reinterpret_cast<const unsigned char*>(options.common_name.data()),
      static_cast<int>(options.common_name.size()), -1, 0);
  X509_set_issuer_name(
      certificate,
      X509_get_subject_name(issuer != nullptr ? issuer : certificate));
  X509_set_pubkey(certificate, key);
  X509* const signer = issuer != nullptr ? issuer : certificate;
  AddExtension(certificate, signer, NID_basic_constraints,
               options.is_authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
  if (!options.subject_alt_name.empty()) {
    AddExtension(certificate, signer, NID_subject_alt_name,
                 options.subject_alt_name);
  }
  if (!options.extended_key_usage.empty()) {
    AddExtension(certificate, signer, NID_ext_key_usage,
                 options.extended_key_usage);
  }
  EVKIT_CHECK(X509_sign(certificate, issuer_key, EVP_sha256()) > 0,
              "X509_sign");
  return certificate;
}

TestIdentity IssueBy(const TestCertificateOptions& options, X509* issuer,
                     EVP_PKEY* issuer_key) {
  EVP_PKEY* const key = EVP_EC_gen("P-256");
  X509* const certificate =
      Make(options, key, issuer, issuer != nullptr ? issuer_key : key);
  TestIdentity identity;
  identity.certificate_pem = PemOf(certificate);
  identity.key_pem = PemOf(key);
  X509_free(certificate);
  EVP_PKEY_free(key);
  return identity;
}

}  // namespace

TestAuthority::TestAuthority(const TestAuthority* signer)
    : key_(EVP_EC_gen("P-256")) {
  static std::atomic<int> number{0};
  TestCertificateOptions options;
  options.common_name = absl::StrCat("test authority ", ++number);
  options.is_authority = true;
  certificate_ =
      Make(options, key_, signer != nullptr ? signer->certificate_ : nullptr,
           signer != nullptr ? signer->key_ : key_);
  pem_ = PemOf(certificate_);
}

TestAuthority::~TestAuthority() {
  X509_free(certificate_);
  EVP_PKEY_free(key_);
}

TestIdentity TestAuthority::Issue(const TestCertificateOptions& options) const {
  return IssueBy(options, certificate_, key_);
}

TestIdentity TestAuthority::IssueServer(
    const std::string& subject_alt_name) const {
  TestCertificateOptions options;
  options.subject_alt_name = subject_alt_name;
  options.extended_key_usage = "serverAuth";
  return Issue(options);
}

TestIdentity TestAuthority::IssueClient(const std::string& common_name) const {
  TestCertificateOptions options;
  options.common_name = common_name;
  options.extended_key_usage = "clientAuth";
  return Issue(options);
}

TestIdentity TestAuthority::SelfSigned(const TestCertificateOptions& options) {
  return IssueBy(options, nullptr, nullptr);
}

}  // namespace evkit::net_internal
