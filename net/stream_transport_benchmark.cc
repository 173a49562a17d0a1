// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// What does an echo cost through transports and protocols? Both ends on one
// loop, 64 bytes to and fro, over a Unix socket pair or TCP on the loopback.
//
//   bazel run -c opt //net:stream_transport_benchmark
//
// An iteration is a request and its answer: two sends, two receives, and what
// the loop waits in between. Most of it is the kernel's: BM_Raw does the same
// four calls without a loop.

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "benchmark/benchmark.h"
#include "evkit/loop/default_event_loop.h"
#include "evkit/net/protocol.h"
#include "evkit/net/socket.h"
#include "evkit/net/socket_address.h"
#include "evkit/net/stream_transport.h"
#include "evkit/net/transport.h"

namespace evkit {
namespace {

std::pair<Socket, Socket> TcpPair() {
  Socket listener = *Socket::Create(AF_INET, SOCK_STREAM);
  listener.Bind(SocketAddress::LoopbackIPv4(0)).IgnoreError();
  listener.Listen(1).IgnoreError();
  Socket client = *Socket::Create(AF_INET, SOCK_STREAM);
  benchmark::DoNotOptimize(client.Connect(*listener.LocalAddress()));
  return std::pair(std::move(client), std::move((*listener.Accept())->first));
}

std::pair<Socket, Socket> NewPair(benchmark::State& state) {
  state.SetLabel(state.range(1) != 0 ? "tcp" : "unix");
  return state.range(1) != 0 ? TcpPair() : *Socket::Pair();
}

class EchoProtocol final : public Protocol {
 public:
  void ConnectionMade(std::shared_ptr<Transport> transport) override {
    transport_ = std::move(transport);
  }
  void DataReceived(absl::string_view data) override {
    transport_->Write(data).IgnoreError();
  }
  void ConnectionLost(const absl::Status&) override { transport_ = nullptr; }

 private:
  std::shared_ptr<Transport> transport_;
};

// Asks again when the answer is there, as long as there are iterations.
class AskingProtocol final : public Protocol {
 public:
  explicit AskingProtocol(benchmark::State& state)
      : state_(state), request_(static_cast<size_t>(state.range(0)), 'x') {}

  void ConnectionMade(std::shared_ptr<Transport> transport) override {
    transport_ = std::move(transport);
    Ask();
  }
  void DataReceived(absl::string_view data) override {
    missing_ -= data.size();
    if (missing_ == 0) Ask();
  }
  void ConnectionLost(const absl::Status&) override {
    transport_->loop().Stop();
    transport_ = nullptr;
  }

 private:
  void Ask() {
    if (!state_.KeepRunning()) {
      transport_->Close();
      return;
    }
    missing_ = request_.size();
    transport_->Write(request_).IgnoreError();
  }

  benchmark::State& state_;
  const std::string request_;
  size_t missing_ = 0;
  std::shared_ptr<Transport> transport_;
};

void BM_Echo(benchmark::State& state) {
  const auto loop = *NewDefaultEventLoop();
  auto [client, server] = NewPair(state);
  NewStreamTransport(*loop, std::move(server),
                     std::make_shared<EchoProtocol>());
  NewStreamTransport(*loop, std::move(client),
                     std::make_shared<AskingProtocol>(state));
  loop->RunForever().IgnoreError();
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_Echo)->ArgsProduct({{64, 16384}, {0, 1}});

void BM_Raw(benchmark::State& state) {
  auto [client, server] = NewPair(state);
  if (state.range(1) != 0) {
    for (Socket* const socket : {&client, &server}) {
      socket->SetOption(IPPROTO_TCP, 1, 1).IgnoreError();  // TCP_NODELAY.
    }
  }
  const std::string request(static_cast<size_t>(state.range(0)), 'x');
  std::string buffer(65536, '\0');
  const auto pass = [&](Socket& from, Socket& to) {
    benchmark::DoNotOptimize(from.Send(request));
    for (size_t got = 0; got < request.size();) {
      const IoResult received = to.Recv(absl::MakeSpan(buffer));
      if (received.ok()) got += received.bytes();
    }
  };
  for (auto _ : state) {
    pass(client, server);
    pass(server, client);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_Raw)->ArgsProduct({{64, 16384}, {0, 1}});

}  // namespace
}  // namespace evkit
