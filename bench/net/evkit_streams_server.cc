// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// evkit with coroutines that read and write streams.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "evkit/base/unique_fd.h"
#include "evkit/bench/net/command_line.h"
#include "evkit/bench/net/serve.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/loop/coro/or_return.h"
#include "evkit/loop/coro/task.h"
#include "evkit/loop/default_event_loop.h"
#include "evkit/loop/event_loop.h"
#include "evkit/net/connections/listener.h"
#include "evkit/net/sendfile.h"
#include "evkit/net/socket.h"
#include "evkit/net/socket_address.h"
#include "evkit/net/stream_transport.h"
#include "evkit/net/streams/stream.h"
#include "evkit/net/streams/stream_reader.h"
#include "evkit/net/streams/stream_reader_protocol.h"

namespace evkit {
namespace {

void Check(const absl::Status& status) {
  if (!status.ok()) {
    Die(status.ToString());
  }
}

Coro<void> Echo(Stream stream) {
  while (true) {
    const std::string data = co_await OrReturn(stream.reader.Read(kReadSize));
    if (data.empty()) {
      stream.writer.Close();
      co_return absl::OkStatus();
    }
    co_await OrReturn(stream.writer.Write(data));
    co_await OrReturn(stream.writer.Drain());
  }
}

// For every byte received, the file.
Coro<void> SendFiles(Stream stream, int file, int64_t file_size) {
  SendfileOptions whole;
  whole.count = static_cast<size_t>(file_size);
  while (true) {
    const std::string wanted = co_await OrReturn(stream.reader.Read(kReadSize));
    if (wanted.empty()) {
      stream.writer.Close();
      co_return absl::OkStatus();
    }
    for (size_t i = 0; i < wanted.size(); ++i) {
      co_await OrReturn(Sendfile(stream.writer.transport(), file, whole));
    }
  }
}

// A task whose connection was reset has failed, and nobody asks it why.
Coro<void> Quietly(Coro<void> serving) {
  (co_await std::move(serving)).IgnoreError();
  co_return absl::OkStatus();
}

// `serve_stream(stream)` is what is done for a connection.
template <typename ServeStream>
void Serve(EventLoop& loop, const ServeOptions& options,
           ServeStream serve_stream) {
  absl::StatusOr<Socket> socket =
      Socket::Adopt(UniqueFd(ListenAndAnnounce(options)));
  Check(socket.status());
  ListenerOptions listener_options;
  listener_options.backlog = kBacklog;
  Listener listener(
      loop, *std::move(socket), listener_options,
      [&loop, &serve_stream](Socket peer, SocketAddress from) {
        StreamTransportOptions transport_options;
        transport_options.peername = std::move(from);
        NewStreamTransport(
            loop, std::move(peer),
            StreamReaderProtocol::Create(
                kDefaultStreamLimit,
                [&loop, &serve_stream](Stream stream) {
                  CreateTask(loop, Quietly(serve_stream(std::move(stream))));
                }),
            std::move(transport_options));
      });
  Check(listener.Start());
  Check(loop.RunForever());
}

}  // namespace
}  // namespace evkit

int main(int argc, char** argv) {
  using namespace evkit;
  const ServeOptions options(argc, argv);
  if (options.name == "udp") {
    ExitUnavailable("only streams");
  }
  absl::StatusOr<std::unique_ptr<EventLoop>> loop = NewDefaultEventLoop();
  Check(loop.status());
  if (options.name == "sendfile") {
    const int file = NewPatternFile(options.file_size);
    Serve(**loop, options, [&options, file](Stream stream) {
      return SendFiles(std::move(stream), file, options.file_size);
    });
  } else {
    Serve(**loop, options, Echo);
  }
}
