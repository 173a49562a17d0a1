// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/examples/https_get/https_url.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace evkit {
namespace {

// Whatever else could end the request's line early, or begin another.
bool IsVisible(char c) { return c > ' ' && c < 0x7f; }

}  // namespace

absl::StatusOr<HttpsUrl> HttpsUrl::Parse(absl::string_view text) {
  const absl::Status bad =
      absl::InvalidArgumentError(absl::StrCat("not an https URL: ", text));
  absl::string_view rest = text;
  if (!absl::ConsumePrefix(&rest, "https://") ||
      !std::all_of(rest.begin(), rest.end(), IsVisible)) {
    return bad;
  }
  rest = rest.substr(0, rest.find('#'));
  const size_t end = rest.find_first_of("/?");
  absl::string_view authority = rest.substr(0, end);
  HttpsUrl url;
  if (end != absl::string_view::npos) {
    url.target = absl::StrCat(rest[end] == '/' ? "" : "/", rest.substr(end));
  }
  const bool in_brackets = absl::ConsumePrefix(&authority, "[");
  const size_t host_end =
      std::min(authority.find(in_brackets ? ']' : ':'), authority.size());
  url.host = std::string(authority.substr(0, host_end));
  authority.remove_prefix(host_end);
  if (in_brackets && !absl::ConsumePrefix(&authority, "]")) return bad;
  int port = url.port;
  if (!authority.empty() &&
      (!absl::ConsumePrefix(&authority, ":") ||
       !absl::SimpleAtoi(authority, &port) || port < 1 || port > 65535)) {
    return bad;
  }
  url.port = static_cast<uint16_t>(port);
  if (url.host.empty() || absl::StrContains(url.host, '@')) return bad;
  return url;
}

std::string HttpsUrl::HostField() const {
  const bool is_v6 = absl::StrContains(host, ':');
  return absl::StrCat(is_v6 ? "[" : "", host, is_v6 ? "]" : "",
                      port == 443 ? "" : absl::StrCat(":", port));
}

}  // namespace evkit
