// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Makes a reader and a writer of any transport: the protocol behind
// OpenConnection() and StartServer(), for transports that come from elsewhere.
//
//   auto protocol = StreamReaderProtocol::Create();
//   auto transport = NewStreamTransport(loop, std::move(socket), protocol);
//   ...                          // ConnectionMade() has been called
//   Stream stream = protocol->stream();
//
// One object, with the reader's buffer, for a connection. It receives by
// DataReceived(), and copies, rather than into memory of its own: a connection
// that is idle then has no buffer at all, and what a read takes whole is handed
// over without another copy.
//
// Lifetime: shared by the transport, until the connection is lost, and by the
// handles that were made of it.

#ifndef EVKIT_NET_STREAMS_STREAM_READER_PROTOCOL_H_
#define EVKIT_NET_STREAMS_STREAM_READER_PROTOCOL_H_

#include <cstddef>
#include <memory>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "evkit/net/protocol.h"
#include "evkit/net/streams/internal/reader_state.h"
#include "evkit/net/streams/internal/writer_state.h"
#include "evkit/net/streams/stream.h"
#include "evkit/net/streams/stream_reader.h"
#include "evkit/net/streams/stream_writer.h"
#include "evkit/net/transport.h"

namespace evkit {

class StreamReaderProtocol final
    : public Protocol,
      public std::enable_shared_from_this<StreamReaderProtocol> {
  class Private {
   public:
    Private() {}
  };

 public:
  using OnConnected = absl::AnyInvocable<void(Stream) &&>;

  // `on_connected` is called by ConnectionMade(). A `limit` of 0 is a bug
  // (checked).
  static std::shared_ptr<StreamReaderProtocol> Create(
      size_t limit = kDefaultStreamLimit, OnConnected on_connected = nullptr);
  StreamReaderProtocol(Private, size_t limit, OnConnected on_connected);

  StreamReader reader();
  // Both only once the connection is made (checked).
  StreamWriter writer();
  Stream stream() { return Stream(reader(), writer()); }

  void ConnectionMade(std::shared_ptr<Transport> transport) override;
  void ConnectionLost(const absl::Status& status) override;
  void DataReceived(absl::string_view data) override { reader_.Feed(data); }
  // Leaves the connection open for writing (STR-17).
  bool EofReceived() override;
  void PauseWriting() override { writer_.Pause(); }
  void ResumeWriting() override { writer_.Resume(); }

 private:
  net_internal::ReaderState reader_;
  net_internal::WriterState writer_;
  std::unique_ptr<OnConnected> on_connected_;
};

}  // namespace evkit

#endif  // EVKIT_NET_STREAMS_STREAM_READER_PROTOCOL_H_
