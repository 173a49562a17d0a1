// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// From an error of getaddrinfo(3) or getnameinfo(3), one of EAI_NONAME and its
// kin, to an absl::Status and back.

#ifndef EVKIT_NET_DNS_GAI_STATUS_H_
#define EVKIT_NET_DNS_GAI_STATUS_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace evkit {

// The status for `code`, which is not 0, from doing `what`. Its text names
// all (DNS-02):
//
//   StatusFromGaiError(EAI_NONAME, 0, "getaddrinfo(no.such, 80)")
//       -> NOT_FOUND: getaddrinfo(no.such, 80): Name or service not known
//          (EAI_NONAME)
//
//   kNotFound: EAI_NONAME, EAI_NODATA, EAI_ADDRFAMILY, EAI_SERVICE.
//   kUnavailable: EAI_AGAIN, no answer this time.
//   kInternal: EAI_FAIL, a server refuses or fails for good.
//   kInvalidArgument: EAI_BADFLAGS, EAI_FAMILY, EAI_SOCKTYPE.
//   kResourceExhausted: EAI_MEMORY. kOutOfRange: EAI_OVERFLOW.
//   As StatusFromErrno(error): EAI_SYSTEM; `error` is used for no other.
//   kUnknown: any other number.
// The code itself is kept as a payload. Thread-safe.
absl::Status StatusFromGaiError(int code, int error, absl::string_view what);

// The code that `status` was made from; 0 if it was not made from one.
// Thread-safe.
int GaiErrorFromStatus(const absl::Status& status);

}  // namespace evkit

#endif  // EVKIT_NET_DNS_GAI_STATUS_H_
