// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// The head of an HTTP/1 request, as far as a file server needs it: strict, and
// without a socket.

#ifndef EVKIT_EXAMPLES_HTTP_FILE_SERVER_HTTP_REQUEST_H_
#define EVKIT_EXAMPLES_HTTP_FILE_SERVER_HTTP_REQUEST_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace evkit {

class HttpRequest {
 public:
  HttpRequest() = default;

  // The value of the first field of this name, in any case of letters.
  std::optional<absl::string_view> Field(absl::string_view name) const;
  // Whether the list that the field is has this element: Connection: a, close.
  bool FieldHas(absl::string_view name, absl::string_view element) const;
  // Whether the connection stays open after the answer.
  bool WantsKeepAlive() const;
  // Whether something follows the head.
  bool HasBody() const;

  std::string method;
  // Decoded, and cut into its parts: "/a%20b//c/?q" is {"a b", "c", ""}, "/" is
  // {""}. The last is empty if the path ends with a slash. None is "." or "..",
  // none has a slash or a NUL.
  std::vector<std::string> path;
  int minor_version = 1;  // HTTP/1.0 or HTTP/1.1.
  std::vector<std::pair<std::string, std::string>> fields;
};

// Reads `head`, which ends with the empty line.
//   kInvalidArgument: it is not HTTP (400).
//   kUnimplemented: it is of another version (505).
//   kNotFound: the path leads out of the root, or can name no file (404).
absl::StatusOr<HttpRequest> ParseHttpRequest(absl::string_view head);

// "%41" is "A". kInvalidArgument if a '%' is not followed by two digits.
absl::StatusOr<std::string> DecodePercent(absl::string_view text);

// Which bytes of `size` a Range field asks for.
class ByteRange {
 public:
  ByteRange(uint64_t begin_in, uint64_t end_in)
      : begin(begin_in), end(end_in) {}
  friend bool operator==(const ByteRange& a, const ByteRange& b) {
    return a.begin == b.begin && a.end == b.end;
  }

  uint64_t begin;
  uint64_t end;  // The first that is not asked for.
};

// "bytes=0-99", "bytes=100-", "bytes=-100". Nullopt for what is to be ignored,
// and answered with the whole: other units, nonsense, several ranges.
//   kOutOfRange: there is no such byte (416).
absl::StatusOr<std::optional<ByteRange>> ParseRange(absl::string_view field,
                                                    uint64_t size);

}  // namespace evkit

#endif  // EVKIT_EXAMPLES_HTTP_FILE_SERVER_HTTP_REQUEST_H_
