// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/examples/https_get/https_get.h"

#include <cstdint>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "evkit/loop/coro/or_return.h"
#include "evkit/net/streams/open_connection.h"
#include "evkit/net/streams/stream.h"
#include "evkit/net/tls/tls_layer.h"
#include "evkit/net/tls/tls_options.h"

namespace evkit {
namespace {

absl::Status NotHttp(absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("not HTTP/1: ", what));
}

absl::Status TooLarge(size_t max_body) {
  return absl::ResourceExhaustedError(
      absl::StrCat("the body has more than ", max_body, " bytes"));
}

absl::StatusOr<int> StatusOfHead(absl::string_view head) {
  int status = 0;
  if (!absl::StartsWith(head, "HTTP/1.") ||
      !absl::SimpleAtoi(head.substr(8, 4), &status) || status < 100) {
    return NotHttp(head.substr(0, head.find('\r')));
  }
  return status;
}

// The last field of that name.
std::optional<std::string> Field(absl::string_view head,
                                 absl::string_view name) {
  std::optional<std::string> value;
  for (const absl::string_view line : absl::StrSplit(head, "\r\n")) {
    const std::pair<absl::string_view, absl::string_view> field =
        absl::StrSplit(line, absl::MaxSplits(':', 1));
    if (!absl::EqualsIgnoreCase(field.first, name)) continue;
    value = std::string(absl::StripAsciiWhitespace(field.second));
  }
  return value;
}

Coro<std::string> ReadChunks(StreamReader reader, size_t max_body) {
  std::string body;
  for (;;) {
    const std::string line = co_await OrReturn(reader.ReadUntil("\r\n"));
    const absl::string_view digits =
        absl::string_view(line).substr(0, line.find_first_of(";\r \t"));
    uint64_t size = 0;
    if (!absl::SimpleHexAtoi(digits, &size)) {
      co_return NotHttp(absl::StrCat("a chunk of ", digits, " bytes"));
    }
    if (size == 0) break;
    if (size > max_body - body.size()) co_return TooLarge(max_body);
    body += co_await OrReturn(reader.ReadExactly(size));
    const std::string end = co_await OrReturn(reader.ReadExactly(2));
    if (end != "\r\n") co_return NotHttp("a chunk without an end");
  }
  // Fields may follow, and an empty line does.
  std::string line;
  while (line != "\r\n") {
    line = co_await OrReturn(reader.ReadUntil("\r\n"));
  }
  co_return body;
}

Coro<std::string> ReadToTheEnd(StreamReader reader, size_t max_body) {
  std::string body;
  while (!reader.AtEof()) {
    body += co_await OrReturn(reader.Read(65536));
    if (body.size() > max_body) co_return TooLarge(max_body);
  }
  co_return body;
}

// RFC 9112 section 6.3.
Coro<std::string> ReadBody(StreamReader reader, int status, std::string head,
                           size_t max_body) {
  if (status == 204 || status == 304) co_return std::string();
  if (const auto coding = Field(head, "Transfer-Encoding")) {
    if (!absl::EqualsIgnoreCase(*coding, "chunked")) {
      co_return NotHttp(absl::StrCat("a coding not asked for, ", *coding));
    }
    co_return co_await ReadChunks(std::move(reader), max_body);
  }
  const auto length = Field(head, "Content-Length");
  if (!length.has_value()) {
    co_return co_await ReadToTheEnd(std::move(reader), max_body);
  }
  uint64_t size = 0;
  if (!absl::SimpleAtoi(*length, &size)) {
    co_return NotHttp(absl::StrCat("a body of ", *length, " bytes"));
  }
  if (size > max_body) co_return TooLarge(max_body);
  co_return co_await reader.ReadExactly(size);
}

}  // namespace

Coro<HttpsPage> HttpsGet(HttpsUrl url, std::shared_ptr<TlsContext> context,
                         size_t max_body) {
  OpenConnectionOptions options;
  options.tls.emplace(std::move(context));
  const Stream stream =
      co_await OrReturn(OpenConnection(url.host, url.port, options));
  co_await OrReturn(stream.writer.Write(
      absl::StrCat("GET ", url.target, " HTTP/1.1\r\nHost: ", url.HostField(),
                   "\r\nUser-Agent: evkit-https-get\r\nAccept: */*\r\n"
                   "Connection: close\r\n\r\n")));
  HttpsPage page;
  page.tls = *stream.writer.GetExtraInfo(kTlsInfo);
  do {
    page.head = co_await OrReturn(stream.reader.ReadUntil("\r\n\r\n"));
    page.status = co_await OrReturn(StatusOfHead(page.head));
  } while (page.status < 200);  // "103 Early Hints".
  page.body = co_await OrReturn(
      ReadBody(stream.reader, page.status, page.head, max_body));
  stream.writer.Close();
  co_return page;
}

}  // namespace evkit
