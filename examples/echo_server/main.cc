// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// An echo server in three styles.
//
//   $ bazel run -c opt //examples/echo_server -- --mode=streams --port=8888
//   listening on 127.0.0.1:8888
//   $ nc 127.0.0.1 8888                           # in another window
//
// protocol   Callbacks: the transport says what came. The fastest.
// streams    A coroutine for each connection. The easiest to read.
// per_core   A thread with a loop of its own for each core; the kernel spreads
//            the connections over them (SO_REUSEPORT).
//
// SIGTERM and Ctrl-C end it: what is being sent is sent, then the connections
// are closed.

#include <signal.h>

#include <algorithm>
#include <iostream>
#include <latch>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "evkit/evkit.h"
#include "evkit/net/connections/create_server.h"
#include "evkit/net/streams/start_server.h"

ABSL_FLAG(std::string, mode, "protocol", "protocol, streams or per_core");
ABSL_FLAG(std::string, host, "127.0.0.1", "where to listen; empty: everywhere");
ABSL_FLAG(int, port, 8888, "0: any that is free");

namespace {

using evkit::Coro;
using evkit::OrReturn;
using ServerPtr = std::shared_ptr<evkit::Server>;

class EchoProtocol : public evkit::Protocol {
 public:
  void ConnectionMade(std::shared_ptr<evkit::Transport> transport) override {
    transport_ = std::move(transport);
  }
  void DataReceived(absl::string_view data) override {
    // An error of the connection comes to ConnectionLost().
    transport_->Write(data).IgnoreError();
  }
  // Who does not read what he gets is not listened to either.
  void PauseWriting() override { transport_->PauseReading(); }
  void ResumeWriting() override { transport_->ResumeReading(); }
  void ConnectionLost(const absl::Status&) override { transport_ = nullptr; }

 private:
  std::shared_ptr<evkit::Transport> transport_;
};

Coro<ServerPtr> ProtocolServer(std::string host, int port, bool reuse_port) {
  evkit::ServerOptions options;
  options.reuse_port = reuse_port;
  evkit::ProtocolFactory factory = [] {
    return std::make_shared<EchoProtocol>();
  };
  co_return co_await evkit::CreateServer(std::move(factory), std::move(host),
                                         port, options);
}

Coro<void> Echo(evkit::StreamReader reader, evkit::StreamWriter writer) {
  while (true) {
    const absl::StatusOr<std::string> data = co_await reader.Read(65536);
    // That peers come, go and break off is their affair.
    if (!data.ok() || data->empty()) co_return absl::OkStatus();
    writer.Write(*data).IgnoreError();
    const absl::Status drained = co_await writer.Drain();
    if (!drained.ok()) co_return absl::OkStatus();
  }
}

Coro<ServerPtr> StreamServer(std::string host, int port) {
  co_return co_await evkit::StartServer(Echo, std::move(host), port);
}

// From now on a signal, of which every loop is told, cancels the task that
// called this.
absl::Status EndOnSignals(evkit::AbstractEventLoop& loop) {
  const evkit::AnyTask me = evkit::CurrentTask();
  absl::Status status;
  for (const int signal : {SIGINT, SIGTERM}) {
    status.Update(evkit::AddSignalHandler(loop, signal, [me] { me.Cancel(); }));
  }
  return status;
}

Coro<void> ServeUntilCancelled(ServerPtr server) {
  const absl::Status ended = co_await server->ServeForever();
  co_return absl::IsCancelled(ended) ? absl::OkStatus() : ended;
}

Coro<void> ServeHere(Coro<ServerPtr> create) {
  const ServerPtr server = co_await OrReturn(std::move(create));
  co_await OrReturn(EndOnSignals(server->loop()));
  for (const evkit::SocketView& socket : server->Sockets()) {
    const evkit::SocketAddress address =
        co_await OrReturn(socket.LocalAddress());
    std::cout << "listening on " << address.ToString() << std::endl;
  }
  co_return co_await ServeUntilCancelled(server);
}

// What the thread of each other core runs.
Coro<void> ServeThere(evkit::SocketAddress address, std::latch* started) {
  const absl::StatusOr<ServerPtr> server = co_await ProtocolServer(
      address.host(), address.port(), /*reuse_port=*/true);
  const absl::Status status =
      server.ok() ? EndOnSignals((*server)->loop()) : server.status();
  started->count_down();
  co_await OrReturn(status);
  co_return co_await ServeUntilCancelled(*server);
}

// The first loop finds out which port it is, if that was not said; the others
// join it there.
Coro<void> ServePerCore(std::string host, int port) {
  const ServerPtr first =
      co_await OrReturn(ProtocolServer(host, port, /*reuse_port=*/true));
  co_await OrReturn(EndOnSignals(first->loop()));
  const evkit::SocketAddress address =
      co_await OrReturn(first->Sockets()[0].LocalAddress());
  const int cores = std::max(2, static_cast<int>(  // One would prove nothing.
                                    std::thread::hardware_concurrency()));
  std::latch started(cores - 1);
  std::vector<std::thread> others;
  for (int core = 1; core < cores; ++core) {
    others.emplace_back([address, &started] {
      const absl::Status status = evkit::Run(ServeThere(address, &started));
      if (!status.ok()) std::cerr << status << "\n";
    });
  }
  started.wait();
  std::cout << "listening on " << address.ToString() << " with " << cores
            << " loops" << std::endl;
  const absl::Status status = co_await ServeUntilCancelled(first);
  for (std::thread& other : others) other.join();
  co_return status;
}

}  // namespace

int main(int argc, char** argv) {
  absl::ParseCommandLine(argc, argv);
  const std::string mode = absl::GetFlag(FLAGS_mode);
  const std::string host = absl::GetFlag(FLAGS_host);
  const int port = absl::GetFlag(FLAGS_port);
  absl::Status status = absl::InvalidArgumentError("no such mode: " + mode);
  if (mode == "protocol") {
    status =
        evkit::Run(ServeHere(ProtocolServer(host, port, /*reuse_port=*/false)));
  } else if (mode == "streams") {
    status = evkit::Run(ServeHere(StreamServer(host, port)));
  } else if (mode == "per_core") {
    status = evkit::Run(ServePerCore(host, port));
  }
  if (status.ok()) {
    std::cout << "done" << std::endl;
  } else {
    std::cerr << status << "\n";
  }
  return status.ok() ? 0 : 1;
}
