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
#include "evkit/loop/coro/run.h"
#include "evkit/net/connections/server.h"
#include "evkit/net/sendfile.h"
#include "evkit/net/socket.h"
#include "evkit/net/streams/start_server.h"
#include "evkit/net/streams/stream.h"
#include "evkit/net/streams/stream_reader.h"
#include "evkit/net/streams/stream_writer.h"

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

// A task whose connection was reset has failed, which nobody wants to know.
Coro<void> Quietly(Coro<void> serving) {
  (co_await std::move(serving)).IgnoreError();
  co_return absl::OkStatus();
}

Coro<void> Serve(const ServeOptions& options) {
  absl::StatusOr<Socket> socket =
      Socket::Adopt(UniqueFd(ListenAndAnnounce(options)));
  Check(socket.status());
  StartServerOptions server_options;
  server_options.backlog = kBacklog;
  const bool echo = options.name != "sendfile";
  const int64_t size = options.file_size;
  const int file = echo ? -1 : NewPatternFile(size);
  ClientConnected client_connected(
      [echo, file, size](StreamReader reader, StreamWriter writer) {
        Stream stream(std::move(reader), std::move(writer));
        return Quietly(echo ? Echo(std::move(stream))
                            : SendFiles(std::move(stream), file, size));
      });
  std::shared_ptr<Server> server = co_await OrReturn(StartServer(
      std::move(client_connected), *std::move(socket), server_options));
  co_return co_await server->ServeForever();
}

}  // namespace
}  // namespace evkit

int main(int argc, char** argv) {
  using namespace evkit;
  const ServeOptions options(argc, argv);
  if (options.name == "udp") {
    ExitUnavailable("only streams");
  }
  Check(Run(Serve(options)));
}
