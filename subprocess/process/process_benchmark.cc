// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// A child under a loop: started, read to the end, its exit heard; beside libuv.
// "cpu_us" is the CPU time of parent and child together, on one core: see
// subprocess/spawn_benchmark.cc. asyncio's is printed by asyncio_process.py.
//
//   bazel run -c opt //subprocess/process:process_benchmark --
//       --benchmark_repetitions=9 --benchmark_enable_random_interleaving=true

#include <uv.h>

#include <cstdlib>
#include <memory>
#include <utility>

#include "benchmark/benchmark.h"
#include "evkit/loop/coro/or_return.h"
#include "evkit/loop/coro/run_until_complete.h"
#include "evkit/loop/default_event_loop.h"
#include "evkit/loop/event_loop.h"
#include "evkit/subprocess/internal/spawn_benchmarking.h"
#include "evkit/subprocess/process/process.h"
#include "evkit/subprocess/process/subprocess_transport.h"

namespace evkit {
namespace {

using subprocess_internal::Ballast;
using subprocess_internal::CpuTime;
using subprocess_internal::Sizes;

constexpr char kProgram[] = "/bin/true";

// Stops the loop at the end.
class StopAtTheEnd final : public SubprocessProtocol {
 public:
  explicit StopAtTheEnd(EventLoop& loop) : loop_(loop) {}
  void ProcessExited(ExitStatus status) override {
    if (!status.ok()) abort();
  }
  void ConnectionLost(const absl::Status&) override { loop_.Stop(); }

 private:
  EventLoop& loop_;
};

void RunTransport(benchmark::State& state, bool piped) {
  const Ballast ballast(state.range(0));
  const auto loop = *NewDefaultEventLoop();
  SubprocessOptions options;
  options.argv = {kProgram};
  if (piped) options.stdout_to = Stdio::Pipe();
  const CpuTime cpu_time(state);
  for (auto _ : state) {
    const auto made = SubprocessExec(
        *loop, [&] { return std::make_shared<StopAtTheEnd>(*loop); }, options);
    if (!made.ok() || !loop->RunForever().ok()) abort();
  }
}

void BM_Transport(benchmark::State& state) { RunTransport(state, false); }
void BM_TransportWithPipe(benchmark::State& state) {
  RunTransport(state, true);
}

Coro<void> Communicate() {
  ProcessOptions options;
  options.argv = {kProgram};
  options.stdout_to = Stdio::Pipe();
  Process process = co_await OrReturn(CreateSubprocessExec(std::move(options)));
  const ProcessOutput output = co_await OrReturn(process.Communicate());
  if (!output.status.ok()) abort();
  co_return absl::OkStatus();
}

void BM_ProcessWithPipe(benchmark::State& state) {
  const Ballast ballast(state.range(0));
  const auto loop = *NewDefaultEventLoop();
  const CpuTime cpu_time(state);
  for (auto _ : state) {
    if (!RunUntilComplete(*loop, Communicate()).ok()) abort();
  }
}

void UvExit(uv_process_t* process, int64_t status, int signal) {
  if (status != 0 || signal != 0) abort();
  uv_close(reinterpret_cast<uv_handle_t*>(process), nullptr);
}

void UvAlloc(uv_handle_t*, size_t, uv_buf_t* buffer) {
  static char memory[65536];
  *buffer = uv_buf_init(memory, sizeof(memory));
}

void UvRead(uv_stream_t* stream, ssize_t size, const uv_buf_t*) {
  if (size < 0) uv_close(reinterpret_cast<uv_handle_t*>(stream), nullptr);
}

void RunUv(benchmark::State& state, bool piped) {
  const Ballast ballast(state.range(0));
  uv_loop_t loop;
  if (uv_loop_init(&loop) != 0) abort();
  char program[] = "/bin/true";
  char* argv[] = {program, nullptr};
  {
    const CpuTime cpu_time(state);
    for (auto _ : state) {
      uv_process_t process;
      uv_pipe_t pipe;
      uv_stdio_container_t stdio[3] = {};
      for (int fd = 0; fd < 3; ++fd) {
        stdio[fd].flags = UV_INHERIT_FD;
        stdio[fd].data.fd = fd;
      }
      if (piped) {
        if (uv_pipe_init(&loop, &pipe, 0) != 0) abort();
        stdio[1].flags =
            static_cast<uv_stdio_flags>(UV_CREATE_PIPE | UV_WRITABLE_PIPE);
        stdio[1].data.stream = reinterpret_cast<uv_stream_t*>(&pipe);
      }
      uv_process_options_t options = {};
      options.file = program;
      options.args = argv;
      options.stdio = stdio;
      options.stdio_count = 3;
      options.exit_cb = UvExit;
      if (uv_spawn(&loop, &process, &options) != 0) abort();
      if (piped) {
        uv_read_start(reinterpret_cast<uv_stream_t*>(&pipe), UvAlloc, UvRead);
      }
      uv_run(&loop, UV_RUN_DEFAULT);
    }
  }
  uv_loop_close(&loop);
}

void BM_Uv(benchmark::State& state) { RunUv(state, false); }
void BM_UvWithPipe(benchmark::State& state) { RunUv(state, true); }

BENCHMARK(BM_Transport)->Apply(Sizes);
BENCHMARK(BM_Uv)->Apply(Sizes);
BENCHMARK(BM_TransportWithPipe)->Apply(Sizes);
BENCHMARK(BM_ProcessWithPipe)->Apply(Sizes);
BENCHMARK(BM_UvWithPipe)->Apply(Sizes);

}  // namespace
}  // namespace evkit
