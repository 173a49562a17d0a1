// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Makes a port of another machine one of this machine.
//
//   $ bazel run //examples/port_forward -- --port=8000
//       --to_host=example.com --to_port=80
//   listening on 127.0.0.1:8000
//   $ curl -H 'Host: example.com' http://127.0.0.1:8000/
//
// Ctrl-C ends it.

#include <iostream>
#include <memory>
#include <string>
#include <utility>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "evkit/evkit.h"
#include "evkit/examples/port_forward/forward.h"
#include "evkit/net/streams/start_server.h"

ABSL_FLAG(std::string, host, "127.0.0.1", "where to listen; empty: everywhere");
ABSL_FLAG(int, port, 8000, "0: any that is free");
ABSL_FLAG(std::string, to_host, "127.0.0.1", "where to connect to");
ABSL_FLAG(std::string, to_port, "80", "a number, or the name of a service");

namespace {

using evkit::Coro;
using evkit::OrReturn;

Coro<void> ForwardAndLog(evkit::StreamReader reader,
                         evkit::StreamWriter writer) {
  const absl::Status status = co_await evkit::Forward(
      std::move(reader), std::move(writer), absl::GetFlag(FLAGS_to_host),
      absl::GetFlag(FLAGS_to_port));
  if (!status.ok()) std::cerr << status << "\n";
  co_return absl::OkStatus();
}

Coro<void> Main() {
  const std::shared_ptr<evkit::Server> server =
      co_await OrReturn(evkit::StartServer(
          ForwardAndLog, absl::GetFlag(FLAGS_host), absl::GetFlag(FLAGS_port)));
  for (const evkit::SocketView& socket : server->Sockets()) {
    const evkit::SocketAddress address =
        co_await OrReturn(socket.LocalAddress());
    std::cout << "listening on " << address.ToString() << std::endl;
  }
  co_return co_await server->ServeForever();
}

}  // namespace

int main(int argc, char** argv) {
  absl::ParseCommandLine(argc, argv);
  const absl::Status status = evkit::Run(Main());
  if (evkit::IsInterrupted(status)) return 0;
  std::cerr << status << "\n";
  return 1;
}
