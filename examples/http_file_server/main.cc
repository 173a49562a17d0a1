// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Serves a directory by HTTP, until Ctrl-C or SIGTERM: then it takes no more
// connections, closes those that are idle, and gives the others some time. A
// second signal ends it at once.
//
//   $ bazel run -c opt //examples/http_file_server -- "$PWD" 8080
//   $ curl http://127.0.0.1:8080/
//
// With TLS if it has a certificate:
//
//   $ bazel run -c opt //examples/http_file_server -- "$PWD" 8443
//       --certificate=cert.pem --key=key.pem

#include <signal.h>

#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "evkit/evkit.h"
#include "evkit/examples/http_file_server/file_tree.h"
#include "evkit/examples/http_file_server/http_file_server.h"
#include "evkit/net/streams/start_server.h"
#include "evkit/net/tls/openssl_context.h"
#include "evkit/net/tls/tls_options.h"

ABSL_FLAG(std::string, certificate, "",
          "a file with the server's certificate and what leads from it to an "
          "authority, PEM; without one there is no TLS");
ABSL_FLAG(std::string, key, "", "a file with its key, PEM");

namespace {

using evkit::Coro;
using evkit::OrReturn;

constexpr absl::Duration kDrainTime = absl::Seconds(10);

// How to encrypt, if at all.
absl::StatusOr<std::optional<evkit::TlsOptions>> Tls() {
  evkit::OpensslOptions options;
  options.certificate_chain_file = absl::GetFlag(FLAGS_certificate);
  options.private_key_file = absl::GetFlag(FLAGS_key);
  if (options.certificate_chain_file.empty() &&
      options.private_key_file.empty()) {
    return std::nullopt;
  }
  options.alpn_protocols = {"http/1.1"};
  auto context = evkit::NewOpensslContext(std::move(options));
  if (!context.ok()) return std::move(context).status();
  evkit::TlsOptions tls(*std::move(context));
  // Peers that are slow to begin, or that do not stop.
  tls.handshake_timeout = absl::Seconds(10);
  tls.shutdown_timeout = absl::Seconds(2);
  return tls;
}

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
  server_options.tls = co_await OrReturn(Tls());
  const std::shared_ptr<evkit::Server> server =
      co_await OrReturn(evkit::StartServer(
          serve, "127.0.0.1", evkit::Service(port), server_options));
  std::cout << "serving " << root << " at "
            << (server_options.tls.has_value() ? "https://" : "http://")
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
  const std::vector<char*> words = absl::ParseCommandLine(argc, argv);
  if (words.size() < 2 || words.size() > 3) {
    std::cerr << "usage: " << words[0]
              << " DIRECTORY [PORT] [--certificate=FILE --key=FILE]\n";
    return 2;
  }
  const absl::Status status =
      evkit::Run(Main(words[1], words.size() == 3 ? words[2] : "8080"));
  if (!status.ok()) std::cerr << status << "\n";
  return status.ok() ? 0 : 1;
}
