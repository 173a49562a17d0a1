// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// What a file probably is, by its name.

#ifndef EVKIT_EXAMPLES_HTTP_FILE_SERVER_CONTENT_TYPE_H_
#define EVKIT_EXAMPLES_HTTP_FILE_SERVER_CONTENT_TYPE_H_

#include "absl/strings/string_view.h"

namespace evkit {

// "text/html; charset=utf-8"; "application/octet-stream" if it is not known.
absl::string_view ContentType(absl::string_view file_name);

}  // namespace evkit

#endif  // EVKIT_EXAMPLES_HTTP_FILE_SERVER_CONTENT_TYPE_H_
