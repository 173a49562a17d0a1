// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// evkit with coroutines that read and write streams.

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
#include "evkit/net/socket.h"
#include "evkit/net/streams/start_server.h"
#include "evkit/net/streams/stream_reader.h"
#include "evkit/net/streams/stream_writer.h"

namespace evkit {
namespace {

Coro<void> Echo(StreamReader reader, StreamWriter writer) {
  while (true) {
    const std::string data = co_await OrReturn(reader.Read(kReadSize));
    if (data.empty()) {
      co_return absl::OkStatus();
    }
    co_await OrReturn(writer.Write(data));
    co_await OrReturn(writer.Drain());
  }
}

// A connection that is reset is no error to report.
Coro<void> EchoQuietly(StreamReader reader, StreamWriter writer) {
  (co_await Echo(std::move(reader), std::move(writer))).IgnoreError();
  co_return absl::OkStatus();
}

Coro<void> Serve(ServeOptions options) {
  Socket socket =
      co_await OrReturn(Socket::Adopt(UniqueFd(ListenAndAnnounce(options))));
  StartServerOptions server_options;
  server_options.backlog = kBacklog;
  const std::shared_ptr<Server> server = co_await OrReturn(
      StartServer(EchoQuietly, std::move(socket), server_options));
  co_return co_await server->ServeForever();
}

}  // namespace
}  // namespace evkit

int main(int argc, char** argv) {
  using namespace evkit;
  const ServeOptions options(argc, argv);
  if (options.name != "echo") {
    ExitUnavailable("only streams");
  }
  Die(Run(Serve(options)).ToString());
}
