// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/streams/stream_reader_protocol.h"

#include <utility>

#include "evkit/base/check.h"

namespace evkit {

std::shared_ptr<StreamReaderProtocol> StreamReaderProtocol::Create(
    size_t limit, OnConnected on_connected) {
  return std::make_shared<StreamReaderProtocol>(Private(), limit,
                                                std::move(on_connected));
}

StreamReaderProtocol::StreamReaderProtocol(Private, size_t limit,
                                           OnConnected on_connected)
    : reader_(limit), writer_(&reader_) {
  EVKIT_CHECK(limit > 0, "the limit of a stream must be positive");
  if (on_connected) {
    on_connected_ = std::make_unique<OnConnected>(std::move(on_connected));
  }
}

StreamReader StreamReaderProtocol::reader() {
  return StreamReader(
      std::shared_ptr<net_internal::ReaderState>(shared_from_this(), &reader_));
}

StreamWriter StreamReaderProtocol::writer() {
  EVKIT_CHECK(writer_.transport() != nullptr, "not connected yet");
  return StreamWriter(
      std::shared_ptr<net_internal::WriterState>(shared_from_this(), &writer_));
}

void StreamReaderProtocol::ConnectionMade(
    std::shared_ptr<Transport> transport) {
  reader_.set_transport(transport.get());
  writer_.ConnectionMade(std::move(transport));
  if (on_connected_ == nullptr) return;
  const std::unique_ptr<OnConnected> on_connected = std::move(on_connected_);
  std::move (*on_connected)(stream());
}

void StreamReaderProtocol::ConnectionLost(const absl::Status& status) {
  reader_.set_transport(nullptr);
  if (status.ok()) {
    reader_.FeedEof();
  } else {
    reader_.SetError(status);
  }
  writer_.ConnectionLost(status);
}

bool StreamReaderProtocol::EofReceived() {
  reader_.FeedEof();
  return true;
}

}  // namespace evkit
