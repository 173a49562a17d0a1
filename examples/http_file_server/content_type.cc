// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/examples/http_file_server/content_type.h"

#include <cstddef>

#include "absl/strings/match.h"

namespace evkit {
namespace {

class Known {
 public:
  constexpr Known(absl::string_view extension_in, absl::string_view type_in)
      : extension(extension_in), type(type_in) {}
  absl::string_view extension;
  absl::string_view type;
};

constexpr Known kTypes[] = {
    {"css", "text/css; charset=utf-8"},
    {"gif", "image/gif"},
    {"htm", "text/html; charset=utf-8"},
    {"html", "text/html; charset=utf-8"},
    {"jpeg", "image/jpeg"},
    {"jpg", "image/jpeg"},
    {"js", "text/javascript; charset=utf-8"},
    {"json", "application/json"},
    {"md", "text/markdown; charset=utf-8"},
    {"mp4", "video/mp4"},
    {"pdf", "application/pdf"},
    {"png", "image/png"},
    {"svg", "image/svg+xml"},
    {"txt", "text/plain; charset=utf-8"},
    {"wasm", "application/wasm"},
    {"webp", "image/webp"},
    {"xml", "application/xml"},
};

}  // namespace

absl::string_view ContentType(absl::string_view file_name) {
  const size_t dot = file_name.rfind('.');
  if (dot != absl::string_view::npos) {
    for (const Known& known : kTypes) {
      if (absl::EqualsIgnoreCase(file_name.substr(dot + 1), known.extension)) {
        return known.type;
      }
    }
  }
  return "application/octet-stream";
}

}  // namespace evkit
