// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Gets a page over TLS: one request, one connection.

#ifndef EVKIT_EXAMPLES_HTTPS_GET_HTTPS_GET_H_
#define EVKIT_EXAMPLES_HTTPS_GET_HTTPS_GET_H_

#include <cstddef>
#include <memory>
#include <string>

#include "evkit/examples/https_get/https_url.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/net/tls/tls_engine.h"

namespace evkit {

class HttpsPage {
 public:
  HttpsPage() = default;

  TlsInfo tls;
  int status = 0;    // 200.
  std::string head;  // The status line and the fields, with their ends of line.
  std::string body;
};

// Speaks HTTP/1.1; redirections are not followed. The server's certificate must
// be for the host of the URL. There is no time limit but the one round it:
//
//   co_await WaitFor(HttpsGet(url, context), absl::Seconds(30));
//
// What it fails with: as CreateConnection(), where the host is not found, does
// not answer, or is not trusted. Beside that:
//   kDataLoss: the connection was cut; all that came would have looked like a
//     shorter page.
//   kOutOfRange: the server ended before its answer was complete.
//   kResourceExhausted: a head of more than 64 KiB, a body of more than
//     `max_body`.
//   kInvalidArgument: the answer is not HTTP/1.
Coro<HttpsPage> HttpsGet(HttpsUrl url, std::shared_ptr<TlsContext> context,
                         size_t max_body = 64 << 20);

}  // namespace evkit

#endif  // EVKIT_EXAMPLES_HTTPS_GET_HTTPS_GET_H_
