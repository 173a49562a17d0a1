// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// From OpenSSL's error queue, which belongs to the thread and not to a
// connection, to an absl::Status.

#ifndef EVKIT_NET_TLS_INTERNAL_OPENSSL_ERROR_H_
#define EVKIT_NET_TLS_INTERNAL_OPENSSL_ERROR_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace evkit::net_internal {

// The first error of this thread's queue, which is emptied: "what: reason". A
// system error keeps its errno; what concerns certificates is kUnauthenticated;
// the rest has the code given.
absl::Status TakeOpensslError(absl::StatusCode code, absl::string_view what);

}  // namespace evkit::net_internal

#endif  // EVKIT_NET_TLS_INTERNAL_OPENSSL_ERROR_H_
