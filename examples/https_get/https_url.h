// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Where a page is.

#ifndef EVKIT_EXAMPLES_HTTPS_GET_HTTPS_URL_H_
#define EVKIT_EXAMPLES_HTTPS_GET_HTTPS_URL_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace evkit {

class HttpsUrl {
 public:
  HttpsUrl() = default;

  // "https://a.example", "https://[::1]:8443/path?query#fragment".
  //   kInvalidArgument: anything else, user names and passwords too.
  static absl::StatusOr<HttpsUrl> Parse(absl::string_view text);

  // For the request's Host field.
  std::string HostField() const;

  std::string host;  // A name or an address, without brackets.
  uint16_t port = 443;
  std::string target = "/";  // The path and the query.
};

}  // namespace evkit

#endif  // EVKIT_EXAMPLES_HTTPS_GET_HTTPS_URL_H_
