// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// What does an echo cost through the awaits of sockets? Two tasks of one loop,
// a Unix socket pair between them, 64 bytes to and fro.
//
//   bazel run -c opt //net/sockets:sockets_benchmark
//
// An iteration is a request and its answer: two receives that wait, two sends
// that do not. Most of it is the kernel's, and half of the rest the client's.
// What evkit adds is seen in the instructions outside of the kernel: those that
// callgrind counts in a long run less those in a short one, by the difference
// of the iterations, which is half that of the calls of SockSendAll's
// Attempt():
//
//   valgrind --tool=callgrind bazel-bin/net/sockets/sockets_benchmark
//       --benchmark_filter=/64 --benchmark_min_time=0.2

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "benchmark/benchmark.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/loop/coro/or_return.h"
#include "evkit/loop/coro/run_until_complete.h"
#include "evkit/loop/coro/task.h"
#include "evkit/loop/default_event_loop.h"
#include "evkit/net/socket.h"
#include "evkit/net/sockets/sock_recv.h"
#include "evkit/net/sockets/sock_send.h"

namespace evkit {
namespace {

Coro<void> Echo(Socket& socket) {
  char buffer[65536];
  for (;;) {
    const size_t size =
        co_await OrReturn(SockRecvInto(socket, absl::MakeSpan(buffer)));
    if (size == 0) co_return absl::OkStatus();
    co_await OrReturn(SockSendAll(socket, absl::string_view(buffer, size)));
  }
}

Coro<void> Ask(Socket& socket, benchmark::State& state) {
  const std::string request(static_cast<size_t>(state.range(0)), 'x');
  char buffer[65536];
  for (auto _ : state) {
    co_await OrReturn(SockSendAll(socket, request));
    size_t received = 0;
    while (received < request.size()) {
      received +=
          co_await OrReturn(SockRecvInto(socket, absl::MakeSpan(buffer)));
    }
  }
  co_return absl::OkStatus();
}

void BM_SockEcho(benchmark::State& state) {
  const auto loop = *NewDefaultEventLoop();
  auto [client, server] = *Socket::Pair();
  const auto echo = CreateTask(*loop, Echo(server));
  benchmark::DoNotOptimize(RunUntilComplete(*loop, Ask(client, state)));
  client.Close();
  benchmark::DoNotOptimize(RunUntilComplete<void>(*loop, echo));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_SockEcho)->Arg(64)->Arg(16384);

}  // namespace
}  // namespace evkit
