// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Connects, and gives both directions of the connection (STR-01).
//
//   auto [reader, writer] =
//       co_await OrReturn(OpenConnection("example.com", 80));
//   co_await OrReturn(writer.Write("GET / HTTP/1.0\r\n\r\n"));
//   std::string page = co_await OrReturn(reader.ReadAll());
//   writer.Close();
//
// Cancelled, they leave nothing open; see create_connection.h, on which they
// are built, also for what they fail with. Beside that:
//   kInvalidArgument: the limit is 0.

#ifndef EVKIT_NET_STREAMS_OPEN_CONNECTION_H_
#define EVKIT_NET_STREAMS_OPEN_CONNECTION_H_

#include <cstddef>
#include <string>

#include "evkit/loop/coro/coro.h"
#include "evkit/net/connections/create_connection.h"
#include "evkit/net/dns/resolver.h"
#include "evkit/net/socket.h"
#include "evkit/net/streams/stream.h"
#include "evkit/net/streams/stream_reader.h"

namespace evkit {

// Fill in a named object.
class OpenConnectionOptions : public ConnectionOptions {
 public:
  OpenConnectionOptions() = default;

  // The reader's.
  size_t limit = kDefaultStreamLimit;
};

Coro<Stream> OpenConnection(
    std::string host, Service service,
    OpenConnectionOptions options = OpenConnectionOptions());

// Of a stream socket that is connected already; it is taken over.
Coro<Stream> OpenConnection(Socket socket, size_t limit = kDefaultStreamLimit);

// To a path of the file system, or, beginning with a NUL byte, an abstract
// name.
Coro<Stream> OpenUnixConnection(std::string path,
                                size_t limit = kDefaultStreamLimit);

}  // namespace evkit

#endif  // EVKIT_NET_STREAMS_OPEN_CONNECTION_H_
