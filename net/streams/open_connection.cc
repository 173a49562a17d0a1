// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/streams/open_connection.h"

#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "evkit/loop/coro/or_return.h"
#include "evkit/net/protocol.h"
#include "evkit/net/streams/stream_reader_protocol.h"

namespace evkit {
namespace {

absl::Status CheckLimit(size_t limit) {
  if (limit > 0) return absl::OkStatus();
  return absl::InvalidArgumentError("Limit cannot be <= 0");
}

ProtocolFactory Always(std::shared_ptr<Protocol> protocol) {
  return [protocol = std::move(protocol)] { return protocol; };
}

}  // namespace

Coro<Stream> OpenConnection(std::string host, Service service,
                            OpenConnectionOptions options) {
  co_await OrReturn(CheckLimit(options.limit));
  const auto protocol = StreamReaderProtocol::Create(options.limit);
  co_await OrReturn(CreateConnection(Always(protocol), std::move(host),
                                     std::move(service), std::move(options)));
  co_return protocol->stream();
}

Coro<Stream> OpenConnection(Socket socket, size_t limit) {
  co_await OrReturn(CheckLimit(limit));
  const auto protocol = StreamReaderProtocol::Create(limit);
  co_await OrReturn(CreateConnection(Always(protocol), std::move(socket)));
  co_return protocol->stream();
}

Coro<Stream> OpenUnixConnection(std::string path, size_t limit) {
  co_await OrReturn(CheckLimit(limit));
  const auto protocol = StreamReaderProtocol::Create(limit);
  co_await OrReturn(CreateUnixConnection(Always(protocol), std::move(path)));
  co_return protocol->stream();
}

}  // namespace evkit
