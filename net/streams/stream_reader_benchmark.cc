// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// What does reading lines cost, beside looking for newlines in the same bytes
// and copying each line into a string (Memchr), which is the least that gives
// the same? Lines of 10 bytes fit into the string itself, those of 60 do not.
// OneByte: a line of 10 MiB that comes byte by byte; if the search or the
// buffer were not linear, it would not end.
//
//   bazel run -c opt //net/streams:stream_reader_benchmark --
//       --benchmark_enable_random_interleaving=true
//       --benchmark_repetitions=9 --benchmark_report_aggregates_only=true
//
// `items_per_second` counts lines; of OneByte, bytes.

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "benchmark/benchmark.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/loop/coro/or_return.h"
#include "evkit/loop/coro/run_until_complete.h"
#include "evkit/loop/coro/task.h"
#include "evkit/loop/default_event_loop.h"
#include "evkit/net/streams/stream_reader.h"

namespace evkit {
namespace {

constexpr int64_t kLines = 1000;  // In a chunk, as one read(2) brings it.

std::string Chunk(int64_t line_size) {
  const std::string line =
      std::string(static_cast<size_t>(line_size) - 1, 'x') + "\n";
  std::string chunk;
  for (int64_t i = 0; i < kLines; ++i) chunk += line;
  return chunk;
}

Coro<void> ReadLines(StreamReader reader) {
  for (int64_t i = 0; i < kLines; ++i) {
    benchmark::DoNotOptimize(co_await OrReturn(reader.ReadLine()));
  }
  co_return absl::OkStatus();
}

void BM_Lines_Evkit(benchmark::State& state) {
  const auto loop = *NewDefaultEventLoop();
  const std::string chunk = Chunk(state.range(0));
  const StreamReader reader;
  while (state.KeepRunningBatch(kLines)) {
    reader.FeedData(chunk);
    benchmark::DoNotOptimize(RunUntilComplete(*loop, ReadLines(reader)));
  }
  state.SetItemsProcessed(state.iterations());
}

// In place: no copy of the line.
Coro<void> LookAtLines(StreamReader reader) {
  for (int64_t i = 0; i < kLines; ++i) {
    size_t end = reader.buffered().find('\n');
    while (end == absl::string_view::npos) {
      const size_t have = reader.buffered().size();
      co_await OrReturn(reader.WaitForMore(have));
      end = reader.buffered().find('\n', have);
    }
    benchmark::DoNotOptimize(reader.buffered().substr(0, end + 1));
    reader.Consume(end + 1);
  }
  co_return absl::OkStatus();
}

void BM_LinesInPlace_Evkit(benchmark::State& state) {
  const auto loop = *NewDefaultEventLoop();
  const std::string chunk = Chunk(state.range(0));
  const StreamReader reader;
  while (state.KeepRunningBatch(kLines)) {
    reader.FeedData(chunk);
    benchmark::DoNotOptimize(RunUntilComplete(*loop, LookAtLines(reader)));
  }
  state.SetItemsProcessed(state.iterations());
}

void BM_Lines_Memchr(benchmark::State& state) {
  const std::string chunk = Chunk(state.range(0));
  while (state.KeepRunningBatch(kLines)) {
    absl::string_view left = chunk;
    while (!left.empty()) {
      const size_t end = left.find('\n') + 1;
      benchmark::DoNotOptimize(std::string(left.substr(0, end)));
      left.remove_prefix(end);
    }
  }
  state.SetItemsProcessed(state.iterations());
}

BENCHMARK(BM_Lines_Evkit)->Arg(10)->Arg(60);
BENCHMARK(BM_LinesInPlace_Evkit)->Arg(10)->Arg(60);
BENCHMARK(BM_Lines_Memchr)->Arg(10)->Arg(60);

Coro<int64_t> ReadOneLine(StreamReader reader) {
  const std::string line = co_await OrReturn(reader.ReadLine());
  co_return static_cast<int64_t>(line.size());
}

void BM_OneByte_Evkit(benchmark::State& state) {
  constexpr int64_t kBytes = 10 << 20;
  const auto loop = *NewDefaultEventLoop();
  while (state.KeepRunningBatch(kBytes)) {
    const StreamReader reader(kBytes);
    const Task<int64_t> size = CreateTask(*loop, ReadOneLine(reader));
    loop->Stop();
    benchmark::DoNotOptimize(loop->RunForever());
    for (int64_t i = 1; i < kBytes; ++i) reader.FeedData("x");
    reader.FeedData("\n");
    benchmark::DoNotOptimize(RunUntilComplete<int64_t>(*loop, size));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_OneByte_Evkit);

}  // namespace
}  // namespace evkit
