// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/examples/http_file_server/http_request.h"

#include <algorithm>
#include <cstddef>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace evkit {
namespace {

constexpr size_t kMaxFields = 100;

bool IsTokenCharacter(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
         absl::StrContains("!#$%&'*+-.^_`|~", absl::string_view(&c, 1));
}
bool IsToken(absl::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), IsTokenCharacter);
}
// Of a field's value, or of a path before it is decoded.
bool HasControlCharacter(absl::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    return c != '\t' && absl::ascii_iscntrl(static_cast<unsigned char>(c));
  });
}

absl::StatusOr<std::vector<std::string>> ParsePath(absl::string_view target) {
  // A proxy is asked by "http://host/path".
  if (absl::StartsWithIgnoreCase(target, "http://")) {
    const size_t slash = target.find('/', 7);
    target = slash == absl::string_view::npos ? "/" : target.substr(slash);
  }
  if (!absl::ConsumePrefix(&target, "/") || HasControlCharacter(target)) {
    return absl::InvalidArgumentError("not a path");
  }
  target = target.substr(0, target.find_first_of("?#"));
  absl::StatusOr<std::string> decoded = DecodePercent(target);
  if (!decoded.ok()) return std::move(decoded).status();
  // A "%2f" has become a slash like any other, a "%2e" a dot.
  std::vector<std::string> parts;
  for (const absl::string_view part : absl::StrSplit(*decoded, '/')) {
    if (part == ".." || absl::StrContains(part, absl::string_view("\0", 1))) {
      return absl::NotFoundError("not below the root");
    }
    if (!part.empty() && part != ".") parts.emplace_back(part);
  }
  const absl::string_view whole = *decoded;
  if (whole.empty() || absl::EndsWith(whole, "/") || whole == "." ||
      absl::EndsWith(whole, "/.")) {
    parts.emplace_back();
  }
  return parts;
}

absl::Status ParseRequestLine(absl::string_view line, HttpRequest* request) {
  const std::vector<absl::string_view> words = absl::StrSplit(line, ' ');
  if (words.size() != 3 || !IsToken(words[0])) {
    return absl::InvalidArgumentError("not a request line");
  }
  request->method = std::string(words[0]);
  if (words[2] == "HTTP/1.0") {
    request->minor_version = 0;
  } else if (words[2] != "HTTP/1.1") {
    return absl::StartsWith(words[2], "HTTP/")
               ? absl::UnimplementedError("not HTTP/1")
               : absl::InvalidArgumentError("not a request line");
  }
  absl::StatusOr<std::vector<std::string>> path = ParsePath(words[1]);
  if (!path.ok()) return std::move(path).status();
  request->path = *std::move(path);
  return absl::OkStatus();
}

absl::Status ParseField(absl::string_view line, HttpRequest* request) {
  const size_t colon = line.find(':');
  const absl::string_view name = line.substr(0, colon);
  // This refuses lines that continue the one before, and "Name :", both of
  // which others may read otherwise.
  if (colon == absl::string_view::npos || !IsToken(name)) {
    return absl::InvalidArgumentError("not a header field");
  }
  const absl::string_view value =
      absl::StripAsciiWhitespace(line.substr(colon + 1));
  if (HasControlCharacter(value)) {
    return absl::InvalidArgumentError("not the value of a field");
  }
  if (request->fields.size() == kMaxFields) {
    return absl::InvalidArgumentError("too many header fields");
  }
  request->fields.emplace_back(std::string(name), std::string(value));
  return absl::OkStatus();
}

// Decimal digits and nothing else.
bool ParseNumber(absl::string_view text, uint64_t* number) {
  return std::all_of(
             text.begin(), text.end(),
             [](char c) {
               return absl::ascii_isdigit(static_cast<unsigned char>(c));
             }) &&
         absl::SimpleAtoi(text, number);
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

absl::StatusOr<HttpRequest> ParseHttpRequest(absl::string_view head) {
  // An empty line or two before a request are put up with, as RFC 9112 asks.
  while (absl::ConsumePrefix(&head, "\r\n")) {
  }
  if (!absl::ConsumeSuffix(&head, "\r\n\r\n")) {
    return absl::InvalidArgumentError("no empty line at the end");
  }
  HttpRequest request;
  bool is_first = true;
  for (const absl::string_view line : absl::StrSplit(head, "\r\n")) {
    absl::Status status = is_first ? ParseRequestLine(line, &request)
                                   : ParseField(line, &request);
    if (!status.ok()) return status;
    is_first = false;
  }
  if (request.minor_version == 1 && !request.Field("Host").has_value()) {
    return absl::InvalidArgumentError("HTTP/1.1 needs a Host");
  }
  return request;
}

std::optional<absl::string_view> HttpRequest::Field(
    absl::string_view name) const {
  for (const auto& [field, value] : fields) {
    if (absl::EqualsIgnoreCase(field, name)) return value;
  }
  return std::nullopt;
}

bool HttpRequest::FieldHas(absl::string_view name,
                           absl::string_view element) const {
  for (const auto& [field, value] : fields) {
    if (!absl::EqualsIgnoreCase(field, name)) continue;
    for (const absl::string_view one : absl::StrSplit(value, ',')) {
      if (absl::EqualsIgnoreCase(absl::StripAsciiWhitespace(one), element)) {
        return true;
      }
    }
  }
  return false;
}

bool HttpRequest::WantsKeepAlive() const {
  if (FieldHas("Connection", "close")) return false;
  return minor_version == 1 || FieldHas("Connection", "keep-alive");
}

bool HttpRequest::HasBody() const {
  if (Field("Transfer-Encoding").has_value()) return true;
  for (const auto& [field, value] : fields) {
    if (absl::EqualsIgnoreCase(field, "Content-Length") && value != "0") {
      return true;
    }
  }
  return false;
}

absl::StatusOr<std::string> DecodePercent(absl::string_view text) {
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded.push_back(text[i]);
      continue;
    }
    const int high = i + 2 < text.size() ? HexDigit(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? HexDigit(text[i + 2]) : -1;
    if (high < 0 || low < 0) return absl::InvalidArgumentError("bad percent");
    decoded.push_back(static_cast<char>(16 * high + low));
    i += 2;
  }
  return decoded;
}

absl::StatusOr<std::optional<ByteRange>> ParseRange(absl::string_view field,
                                                    uint64_t size) {
  const std::vector<absl::string_view> parts =
      absl::StrSplit(field, absl::MaxSplits('-', 1));
  absl::string_view first = parts[0];
  if (parts.size() != 2 || !absl::ConsumePrefix(&first, "bytes=")) {
    return std::nullopt;
  }
  uint64_t begin = 0;
  uint64_t last = 0;
  if (first.empty()) {  // The last so many.
    uint64_t count = 0;
    if (!ParseNumber(parts[1], &count)) return std::nullopt;
    if (count == 0 || size == 0) return absl::OutOfRangeError("no bytes");
    return ByteRange(size - std::min(count, size), size);
  }
  if (!ParseNumber(first, &begin)) return std::nullopt;
  if (parts[1].empty()) {
    last = UINT64_MAX;
  } else if (!ParseNumber(parts[1], &last) || last < begin) {
    return std::nullopt;
  }
  if (begin >= size) return absl::OutOfRangeError("beyond the end");
  return ByteRange(begin, last >= size ? size : last + 1);
}

}  // namespace evkit
