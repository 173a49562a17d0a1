// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// The texts that the server makes: heads, short pages, listings.

#ifndef EVKIT_EXAMPLES_HTTP_FILE_SERVER_HTTP_RESPONSE_H_
#define EVKIT_EXAMPLES_HTTP_FILE_SERVER_HTTP_RESPONSE_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"

namespace evkit {

class HttpResponse {
 public:
  explicit HttpResponse(int status_in) : status(status_in) {}
  // A short page that says what the status means.
  static HttpResponse Page(int status);

  void Add(absl::string_view name, absl::string_view value) {
    fields.emplace_back(name, value);
  }
  // The status line and the fields, with the empty line.
  std::string Head() const;

  int status;
  std::vector<std::pair<std::string, std::string>> fields;
  std::string body;  // Of what is not a file.
};

// What a request is answered with that fails like this.
int HttpStatusOf(const absl::Status& status);

// "Wed, 25 Nov 2026 13:24:38 GMT".
std::string FormatHttpDate(absl::Time time);

// "/a%20b/c", for what is a path decoded and cut up; an empty last part gives a
// slash at the end. Never begins with two slashes, which would be a host.
std::string EncodePath(absl::Span<const std::string> path);

// The page of a directory, given what is in it.
std::string ListingPage(absl::Span<const std::string> path,
                        absl::Span<const std::string> names);

}  // namespace evkit

#endif  // EVKIT_EXAMPLES_HTTP_FILE_SERVER_HTTP_RESPONSE_H_
