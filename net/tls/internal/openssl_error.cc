// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/tls/internal/openssl_error.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/tls1.h>

#include "absl/strings/str_cat.h"
#include "evkit/base/errno_status.h"

namespace evkit::net_internal {
namespace {

// Whether the peer, or OpenSSL about the peer, complains of a certificate.
bool ConcernsCertificate(int reason) {
  switch (reason) {
    case SSL_R_CERTIFICATE_VERIFY_FAILED:
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
    case SSL_AD_REASON_OFFSET + SSL_AD_BAD_CERTIFICATE:
    case SSL_AD_REASON_OFFSET + SSL_AD_UNSUPPORTED_CERTIFICATE:
    case SSL_AD_REASON_OFFSET + SSL_AD_CERTIFICATE_REVOKED:
    case SSL_AD_REASON_OFFSET + SSL_AD_CERTIFICATE_EXPIRED:
    case SSL_AD_REASON_OFFSET + SSL_AD_CERTIFICATE_UNKNOWN:
    case SSL_AD_REASON_OFFSET + SSL_AD_UNKNOWN_CA:
    case SSL_AD_REASON_OFFSET + SSL_AD_CERTIFICATE_REQUIRED:
      return true;
    default:
      return false;
  }
}

}  // namespace

absl::Status TakeOpensslError(absl::StatusCode code, absl::string_view what) {
  const unsigned long error = ERR_get_error();
  ERR_clear_error();
  if (error == 0) return absl::Status(code, absl::StrCat(what, ": failed"));
  if (ERR_SYSTEM_ERROR(error)) {
    return StatusFromErrno(ERR_GET_REASON(error), what);
  }
  if (ERR_GET_LIB(error) == ERR_LIB_SSL &&
      ConcernsCertificate(ERR_GET_REASON(error))) {
    code = absl::StatusCode::kUnauthenticated;
  }
  const char* const reason = ERR_reason_error_string(error);
  return absl::Status(
      code,
      absl::StrCat(what, ": ", reason != nullptr ? reason : "unknown reason",
                   " (OpenSSL error ", absl::Hex(error), ")"));
}

}  // namespace evkit::net_internal
