// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// The room of chat_room.h, at a port.
//
//   $ bazel run //examples/chat -- 8888      # and in other terminals:
//   $ nc 127.0.0.1 8888

#include <signal.h>

#include <iostream>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "evkit/evkit.h"
#include "evkit/examples/chat/chat_room.h"
#include "evkit/net/streams/start_server.h"

namespace {

using evkit::Coro;
using evkit::OrReturn;

Coro<void> Main(std::string port) {
  const auto room = std::make_shared<evkit::ChatRoom>();
  const auto serve = [room](evkit::StreamReader reader,
                            evkit::StreamWriter writer) {
    return evkit::ChatRoom::Serve(room, std::move(reader), std::move(writer));
  };
  const std::shared_ptr<evkit::Server> server = co_await OrReturn(
      evkit::StartServer(serve, "127.0.0.1", evkit::Service(port)));
  std::cout << server->DebugString() << std::endl;
  co_return co_await server->ServeForever();
}

}  // namespace

// Ends by Ctrl-C: that cancels Main(), and with it the server and the members.
int main(int argc, char** argv) {
  const absl::Status status = evkit::Run(Main(argc > 1 ? argv[1] : "8888"));
  if (evkit::IsInterrupted(status)) return 0;
  std::cerr << status << "\n";
  return 1;
}
