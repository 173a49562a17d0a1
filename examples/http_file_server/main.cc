// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Serves a directory by HTTP, until Ctrl-C or SIGTERM: then it takes no more
// connections, closes those that are idle, and gives the others some time. A
// second signal ends it at once.
//
//   $ bazel run -c opt //examples/http_file_server -- "$PWD" 8080
//   $ curl http://127.0.0.1:8080/

#include <signal.h>

#include <iostream>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "evkit/evkit.h"
#include "evkit/examples/http_file_server/file_tree.h"
#include "evkit/examples/http_file_server/http_file_server.h"
#include "evkit/net/streams/start_server.h"

namespace {

using evkit::Coro;
using evkit::OrReturn;

constexpr absl::Duration kDrainTime = absl::Seconds(10);

Coro<void> Main(std::string root, std::string port) {
  evkit::FileTree files = co_await OrReturn(evkit::FileTree::Open(root));
  const evkit::HttpFileServerOptions options;
  const auto http =
      std::make_shared<evkit::HttpFileServer>(std::move(files), options);
  const auto serve = [http](evkit::StreamReader reader,
                            evkit::StreamWriter writer) {
    return evkit::HttpFileServer::Serve(http, std::move(reader),
                                        std::move(writer));
  };
  evkit::AbstractEventLoop& loop = **evkit::GetRunningLoop();
  const auto stop = evkit::CreateFuture<void>(loop);
  const auto on_signal = [stop] {
    if (!stop.SetResult().ok()) _exit(1);
  };
  co_await OrReturn(evkit::AddSignalHandler(loop, SIGINT, on_signal));
  co_await OrReturn(evkit::AddSignalHandler(loop, SIGTERM, on_signal));

  evkit::StartServerOptions server_options;
  server_options.limit = options.max_head;
  server_options.backlog = 1024;
  const std::shared_ptr<evkit::Server> server =
      co_await OrReturn(evkit::StartServer(
          serve, "127.0.0.1", evkit::Service(port), server_options));
  std::cout << "serving " << root << " at http://"
            << server->Sockets()[0].LocalAddress()->ToString() << "/"
            << std::endl;

  co_await OrReturn(stop);
  server->Close();
  http->Shutdown();
  const absl::Status drained =
      co_await evkit::WaitFor(server->WaitClosed(), kDrainTime);
  if (!drained.ok()) server->AbortClients();
  std::cout << (drained.ok() ? "all answers are sent" : "some were cut off")
            << std::endl;
  co_return absl::OkStatus();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2 || argc > 3) {
    std::cerr << "usage: " << argv[0] << " DIRECTORY [PORT]\n";
    return 2;
  }
  const absl::Status status =
      evkit::Run(Main(argv[1], argc == 3 ? argv[2] : "8080"));
  if (!status.ok()) std::cerr << status << "\n";
  return status.ok() ? 0 : 1;
}
