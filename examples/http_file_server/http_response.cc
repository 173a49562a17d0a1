// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/examples/http_file_server/http_response.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"

namespace evkit {
namespace {

const char* Reason(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 206:
      return "Partial Content";
    case 301:
      return "Moved Permanently";
    case 304:
      return "Not Modified";
    case 400:
      return "Bad Request";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 413:
      return "Content Too Large";
    case 416:
      return "Range Not Satisfiable";
    case 431:
      return "Request Header Fields Too Large";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Internal Server Error";
  }
}

std::string EscapeHtml(absl::string_view text) {
  return absl::StrReplaceAll(text, {{"&", "&amp;"},
                                    {"<", "&lt;"},
                                    {">", "&gt;"},
                                    {"\"", "&quot;"},
                                    {"'", "&#39;"}});
}

std::string EncodePercent(absl::string_view text) {
  std::string encoded;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (absl::ascii_isalnum(byte) ||
        absl::StrContains("-._~", absl::string_view(&c, 1))) {
      encoded.push_back(c);
    } else {
      absl::StrAppendFormat(&encoded, "%%%02X", byte);
    }
  }
  return encoded;
}

}  // namespace

HttpResponse HttpResponse::Page(int status) {
  HttpResponse response(status);
  response.body = absl::StrCat(status, " ", Reason(status), "\n");
  response.Add("Content-Type", "text/plain; charset=utf-8");
  return response;
}

std::string HttpResponse::Head() const {
  std::string head = absl::StrCat("HTTP/1.1 ", status, " ", Reason(status));
  for (const auto& [name, value] : fields) {
    absl::StrAppend(&head, "\r\n", name, ": ", value);
  }
  absl::StrAppend(&head, "\r\n\r\n");
  return head;
}

int HttpStatusOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
      return 400;
    case absl::StatusCode::kNotFound:
      return 404;
    case absl::StatusCode::kPermissionDenied:
      return 403;
    case absl::StatusCode::kDeadlineExceeded:
      return 408;
    case absl::StatusCode::kOutOfRange:
      return 416;
    case absl::StatusCode::kResourceExhausted:
      return 503;
    case absl::StatusCode::kUnimplemented:
      return 505;
    default:
      return 500;
  }
}

std::string FormatHttpDate(absl::Time time) {
  return absl::FormatTime("%a, %d %b %Y %H:%M:%S GMT", time,
                          absl::UTCTimeZone());
}

std::string EncodePath(absl::Span<const std::string> path) {
  std::string encoded;
  for (const std::string& part : path) {
    absl::StrAppend(&encoded, "/", EncodePercent(part));
  }
  return encoded;
}

std::string ListingPage(absl::Span<const std::string> path,
                        absl::Span<const std::string> names) {
  std::string shown = "/";
  for (const std::string& part : path) {
    if (!part.empty()) absl::StrAppend(&shown, EscapeHtml(part), "/");
  }
  std::string page = absl::StrCat("<!DOCTYPE html>\n<title>", shown,
                                  "</title>\n<h1>", shown, "</h1>\n<ul>\n");
  for (absl::string_view name : names) {
    const absl::string_view slash = absl::EndsWith(name, "/") ? "/" : "";
    name.remove_suffix(slash.size());
    // With "./", or "a:b" would be a scheme.
    absl::StrAppend(&page, "<li><a href=\"./", EncodePercent(name), slash,
                    "\">", EscapeHtml(name), slash, "</a>\n");
  }
  absl::StrAppend(&page, "</ul>\n");
  return page;
}

}  // namespace evkit
