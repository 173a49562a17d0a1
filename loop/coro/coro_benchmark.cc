// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// What do coroutines and tasks cost, beside asio's and beside the least that a
// loop with coroutines can do?
//
//   bazel run -c opt //loop/coro:coro_benchmark --
//       --benchmark_enable_random_interleaving=true
//       --benchmark_repetitions=9 --benchmark_report_aggregates_only=true
//
// The same cases run on asyncio in bench/asyncio_coro.py, and
// bench/coro_ratios.py prints the ratios of both programs. Compare only what
// one run has measured. `items_per_second` counts what the case is named after.
//
// The cases with many tasks are in many_tasks_benchmark.cc, of the same
// program.
//
// What the numbers do not say: evkit's tasks can be cancelled, named, awaited
// by many and printed, and keep their context; asio's `awaitable` can be
// cancelled; the raw ones (bench/raw_coroutines.h) can do nothing of this.

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "benchmark/benchmark.h"
#include "evkit/bench/coroutine_loops.h"
#include "evkit/bench/raw_coroutines.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/loop/coro/or_return.h"
#include "evkit/loop/coro/sleep.h"
#include "evkit/loop/coro/task.h"
#include "evkit/loop/event_loop.h"

namespace evkit {
namespace {

// --- Tasks that are begun, a hundred at a time, and end ----------------------

Coro<int64_t> One(int64_t n) { co_return n; }
raw::Coro RawOne(int64_t n) { co_return n; }

Coro<void> Spawn(EventLoop& loop) {
  for (int64_t i = 0; i < kSpawns; ++i) {
    CreateTask(loop, One(i));
    if (i % kSpawnsAtOnce == 0) {
      co_await OrReturn(Sleep(absl::ZeroDuration()));
    }
  }
  co_return absl::OkStatus();
}
raw::Coro RawSpawn(raw::Loop& loop) {
  for (int64_t i = 0; i < kSpawns; ++i) {
    RawOne(i).Detach(loop);
    if (i % kSpawnsAtOnce == 0) co_await raw::Yield(loop);
  }
  co_return 0;
}

void BM_Spawn_Evkit(benchmark::State& state) {
  RunEvkit(state, kSpawns, Spawn);
}
void BM_Spawn_Raw(benchmark::State& state) { RunRaw(state, kSpawns, RawSpawn); }
BENCHMARK(BM_Spawn_Evkit);
BENCHMARK(BM_Spawn_Raw);

// --- A task that is begun and awaited, one after the other -------------------

Coro<int64_t> SpawnAwait(EventLoop& loop) {
  int64_t sum = 0;
  for (int64_t i = 0; i < kSpawns; ++i) {
    sum += co_await OrReturn(CreateTask(loop, One(i)));
  }
  co_return sum;
}
raw::Coro RawSpawnAwait(raw::Loop& loop) {
  int64_t sum = 0;
  for (int64_t i = 0; i < kSpawns; ++i) {
    raw::Task task(loop, RawOne(i));
    sum += co_await task;
  }
  co_return sum;
}

void BM_SpawnAwait_Evkit(benchmark::State& state) {
  RunEvkit(state, kSpawns, SpawnAwait);
}
void BM_SpawnAwait_Raw(benchmark::State& state) {
  RunRaw(state, kSpawns, RawSpawnAwait);
}
BENCHMARK(BM_SpawnAwait_Evkit);
BENCHMARK(BM_SpawnAwait_Raw);

// --- A coroutine that calls a coroutine that calls ... -----------------------

Coro<int64_t> Chain(int64_t depth) {
  if (depth == 0) co_return 0;
  const int64_t below = co_await OrReturn(Chain(depth - 1));
  co_return below + 1;
}
Coro<int64_t> ChainOfStatusOr(int64_t depth) {
  if (depth == 0) co_return 0;
  const absl::StatusOr<int64_t> below = co_await ChainOfStatusOr(depth - 1);
  co_return *below + 1;
}
raw::Coro RawChain(int64_t depth) {
  if (depth == 0) co_return 0;
  co_return (co_await RawChain(depth - 1)) + 1;
}

template <Coro<int64_t> (*kCall)(int64_t)>
Coro<int64_t> Chains(EventLoop&) {
  int64_t sum = 0;
  for (int64_t i = 0; i < kChains; ++i) {
    sum += co_await OrReturn(kCall(kDepth));
  }
  co_return sum;
}
raw::Coro RawChains(raw::Loop&) {
  int64_t sum = 0;
  for (int64_t i = 0; i < kChains; ++i) sum += co_await RawChain(kDepth);
  co_return sum;
}

void BM_Chain_Evkit(benchmark::State& state) {
  RunEvkit(state, kChains * kDepth, Chains<Chain>);
}
void BM_Chain_EvkitStatusOr(benchmark::State& state) {
  RunEvkit(state, kChains * kDepth, Chains<ChainOfStatusOr>);
}
void BM_Chain_Raw(benchmark::State& state) {
  RunRaw(state, kChains * kDepth, RawChains);
}
BENCHMARK(BM_Chain_Evkit);
BENCHMARK(BM_Chain_EvkitStatusOr);
BENCHMARK(BM_Chain_Raw);

// --- A hundred tasks that take turns -----------------------------------------

Coro<void> Yields() {
  for (int64_t i = 0; i < kYields; ++i) {
    co_await OrReturn(Sleep(absl::ZeroDuration()));
  }
  co_return absl::OkStatus();
}
raw::Coro RawYields(raw::Loop& loop) {
  for (int64_t i = 0; i < kYields; ++i) co_await raw::Yield(loop);
  co_return 0;
}

Coro<void> Yield(EventLoop& loop) {
  std::vector<Task<void>> tasks;
  for (int64_t i = 1; i < kYielding; ++i) {
    tasks.push_back(CreateTask(loop, Yields()));
  }
  co_await OrReturn(Yields());
  for (const Task<void>& task : tasks) co_await OrReturn(task);
  co_return absl::OkStatus();
}
raw::Coro RawYield(raw::Loop& loop) {
  for (int64_t i = 0; i < kYielding; ++i) RawYields(loop).Detach(loop);
  co_return 0;
}

void BM_Yield_Evkit(benchmark::State& state) {
  RunEvkit(state, kYielding * kYields, Yield);
}
void BM_Yield_Raw(benchmark::State& state) {
  RunRaw(state, kYielding * kYields, RawYield);
}
BENCHMARK(BM_Yield_Evkit);
BENCHMARK(BM_Yield_Raw);

// --- One task that sleeps for no time: a turn of the loop each ---------------

Coro<void> SleepZero(EventLoop&) {
  for (int64_t i = 0; i < kTurns; ++i) {
    co_await OrReturn(Sleep(absl::ZeroDuration()));
  }
  co_return absl::OkStatus();
}
raw::Coro RawSleepZero(raw::Loop& loop) {
  for (int64_t i = 0; i < kTurns; ++i) co_await raw::Yield(loop);
  co_return 0;
}

void BM_SleepZero_Evkit(benchmark::State& state) {
  RunEvkit(state, kTurns, SleepZero);
}
void BM_SleepZero_Raw(benchmark::State& state) {
  RunRaw(state, kTurns, RawSleepZero);
}
BENCHMARK(BM_SleepZero_Evkit);
BENCHMARK(BM_SleepZero_Raw);

// --- A thousand tasks that sleep for a microsecond, over and over ------------
//
// All have slept long enough when the last has begun to, so hardly any time is
// spent in waiting.

Coro<void> Sleeps() {
  for (int64_t i = 0; i < kSleeps; ++i) {
    co_await OrReturn(Sleep(absl::FromChrono(kNap)));
  }
  co_return absl::OkStatus();
}
raw::Coro RawSleeps(raw::Loop& loop) {
  for (int64_t i = 0; i < kSleeps; ++i) co_await raw::Sleep(loop, kNap);
  co_return 0;
}

Coro<void> SleepMany(EventLoop& loop) {
  std::vector<Task<void>> tasks;
  for (int64_t i = 0; i < kSleepers; ++i) {
    tasks.push_back(CreateTask(loop, Sleeps()));
  }
  for (const Task<void>& task : tasks) co_await OrReturn(task);
  co_return absl::OkStatus();
}
raw::Coro RawSleepMany(raw::Loop& loop) {
  for (int64_t i = 0; i < kSleepers; ++i) RawSleeps(loop).Detach(loop);
  co_return 0;
}

void BM_Sleep_Evkit(benchmark::State& state) {
  RunEvkit(state, kSleepers * kSleeps, SleepMany);
}
void BM_Sleep_Raw(benchmark::State& state) {
  RunRaw(state, kSleepers * kSleeps, RawSleepMany);
}
BENCHMARK(BM_Sleep_Evkit);
BENCHMARK(BM_Sleep_Raw);

}  // namespace
}  // namespace evkit
