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
// What the numbers do not say: evkit's tasks can be cancelled, named, awaited
// by many and printed, and keep their context; asio's `awaitable` can be
// cancelled; the raw ones (coro_benchmark_raw.h) can do nothing of this.

#include <chrono>
#include <cstdint>
#include <deque>
#include <exception>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "asio.hpp"
#include "asio/experimental/as_tuple.hpp"
#include "asio/experimental/channel.hpp"
#include "benchmark/benchmark.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/loop/coro/coro_benchmark_raw.h"
#include "evkit/loop/coro/gather.h"
#include "evkit/loop/coro/or_return.h"
#include "evkit/loop/coro/run_until_complete.h"
#include "evkit/loop/coro/sleep.h"
#include "evkit/loop/coro/task.h"
#include "evkit/loop/default_event_loop.h"
#include "evkit/loop/sync/queue.h"

namespace evkit {
namespace {

constexpr auto kUse = asio::use_awaitable;
template <typename T>
using Awaitable = asio::awaitable<T>;

// Runs `main` over and over; each time does `count` of what is measured.
template <typename F>
void RunEvkit(benchmark::State& state, int64_t count, F main) {
  const auto loop = *NewDefaultEventLoop();
  while (state.KeepRunningBatch(count)) {
    benchmark::DoNotOptimize(RunUntilComplete(*loop, main(*loop)));
  }
  state.SetItemsProcessed(state.iterations());
}
template <typename F>
void RunAsio(benchmark::State& state, int64_t count, F main) {
  asio::io_context context(1);
  while (state.KeepRunningBatch(count)) {
    asio::co_spawn(context, main(context), asio::detached);
    context.run();
    context.restart();
  }
  state.SetItemsProcessed(state.iterations());
}
template <typename F>
void RunRaw(benchmark::State& state, int64_t count, F main) {
  raw::Loop loop;
  while (state.KeepRunningBatch(count)) {
    main(loop).Detach(loop);
    loop.Run();
  }
  state.SetItemsProcessed(state.iterations());
}

// --- Tasks that are begun, a hundred at a time, and end ----------------------

constexpr int64_t kSpawns = 10'000;
constexpr int64_t kSpawnsAtOnce = 100;

Coro<int64_t> One(int64_t n) { co_return n; }
Awaitable<int64_t> AsioOne(int64_t n) { co_return n; }
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
Awaitable<void> AsioSpawn(asio::io_context& context) {
  for (int64_t i = 0; i < kSpawns; ++i) {
    asio::co_spawn(context, AsioOne(i), asio::detached);
    if (i % kSpawnsAtOnce == 0) co_await asio::post(context, kUse);
  }
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
void BM_Spawn_Asio(benchmark::State& state) {
  RunAsio(state, kSpawns, AsioSpawn);
}
void BM_Spawn_Raw(benchmark::State& state) {
  RunRaw(state, kSpawns, RawSpawn);
}
BENCHMARK(BM_Spawn_Evkit);
BENCHMARK(BM_Spawn_Asio);
BENCHMARK(BM_Spawn_Raw);

// --- A task that is begun and awaited, one after the other -------------------

Coro<int64_t> SpawnAwait(EventLoop& loop) {
  int64_t sum = 0;
  for (int64_t i = 0; i < kSpawns; ++i) {
    sum += co_await OrReturn(CreateTask(loop, One(i)));
  }
  co_return sum;
}
Awaitable<void> AsioSpawnAwait(asio::io_context& context) {
  int64_t sum = 0;
  for (int64_t i = 0; i < kSpawns; ++i) {
    sum += co_await asio::co_spawn(context, AsioOne(i), kUse);
  }
  benchmark::DoNotOptimize(sum);
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
void BM_SpawnAwait_Asio(benchmark::State& state) {
  RunAsio(state, kSpawns, AsioSpawnAwait);
}
void BM_SpawnAwait_Raw(benchmark::State& state) {
  RunRaw(state, kSpawns, RawSpawnAwait);
}
BENCHMARK(BM_SpawnAwait_Evkit);
BENCHMARK(BM_SpawnAwait_Asio);
BENCHMARK(BM_SpawnAwait_Raw);

// --- A coroutine that calls a coroutine that calls ... ------------------------

constexpr int64_t kDepth = 100;

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
Awaitable<int64_t> AsioChain(int64_t depth) {
  if (depth == 0) co_return 0;
  co_return (co_await AsioChain(depth - 1)) + 1;
}
raw::Coro RawChain(int64_t depth) {
  if (depth == 0) co_return 0;
  co_return (co_await RawChain(depth - 1)) + 1;
}

constexpr int64_t kChains = 100;

template <Coro<int64_t> (*kCall)(int64_t)>
Coro<int64_t> Chains(EventLoop&) {
  int64_t sum = 0;
  for (int64_t i = 0; i < kChains; ++i) {
    sum += co_await OrReturn(kCall(kDepth));
  }
  co_return sum;
}
Awaitable<void> AsioChains(asio::io_context&) {
  int64_t sum = 0;
  for (int64_t i = 0; i < kChains; ++i) sum += co_await AsioChain(kDepth);
  benchmark::DoNotOptimize(sum);
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
void BM_Chain_Asio(benchmark::State& state) {
  RunAsio(state, kChains * kDepth, AsioChains);
}
void BM_Chain_Raw(benchmark::State& state) {
  RunRaw(state, kChains * kDepth, RawChains);
}
BENCHMARK(BM_Chain_Evkit);
BENCHMARK(BM_Chain_EvkitStatusOr);
BENCHMARK(BM_Chain_Asio);
BENCHMARK(BM_Chain_Raw);

// --- A hundred tasks that take turns ------------------------------------------

constexpr int64_t kYielding = 100;
constexpr int64_t kYields = 100;

Coro<void> Yields() {
  for (int64_t i = 0; i < kYields; ++i) {
    co_await OrReturn(Sleep(absl::ZeroDuration()));
  }
  co_return absl::OkStatus();
}
Awaitable<void> AsioYields(asio::io_context& context) {
  for (int64_t i = 0; i < kYields; ++i) co_await asio::post(context, kUse);
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
Awaitable<void> AsioYield(asio::io_context& context) {
  for (int64_t i = 0; i < kYielding; ++i) {
    asio::co_spawn(context, AsioYields(context), asio::detached);
  }
  co_return;
}
raw::Coro RawYield(raw::Loop& loop) {
  for (int64_t i = 0; i < kYielding; ++i) RawYields(loop).Detach(loop);
  co_return 0;
}

void BM_Yield_Evkit(benchmark::State& state) {
  RunEvkit(state, kYielding * kYields, Yield);
}
void BM_Yield_Asio(benchmark::State& state) {
  RunAsio(state, kYielding * kYields, AsioYield);
}
void BM_Yield_Raw(benchmark::State& state) {
  RunRaw(state, kYielding * kYields, RawYield);
}
BENCHMARK(BM_Yield_Evkit);
BENCHMARK(BM_Yield_Asio);
BENCHMARK(BM_Yield_Raw);

// --- One task that sleeps for no time: a turn of the loop each ----------------

constexpr int64_t kTurns = 10'000;

Coro<void> SleepZero(EventLoop&) {
  for (int64_t i = 0; i < kTurns; ++i) {
    co_await OrReturn(Sleep(absl::ZeroDuration()));
  }
  co_return absl::OkStatus();
}
Awaitable<void> AsioSleepZero(asio::io_context& context) {
  asio::steady_timer timer(context);
  for (int64_t i = 0; i < kTurns; ++i) {
    timer.expires_after(std::chrono::nanoseconds(0));
    co_await timer.async_wait(kUse);
  }
}
raw::Coro RawSleepZero(raw::Loop& loop) {
  for (int64_t i = 0; i < kTurns; ++i) co_await raw::Yield(loop);
  co_return 0;
}

void BM_SleepZero_Evkit(benchmark::State& state) {
  RunEvkit(state, kTurns, SleepZero);
}
void BM_SleepZero_Asio(benchmark::State& state) {
  RunAsio(state, kTurns, AsioSleepZero);
}
void BM_SleepZero_Raw(benchmark::State& state) {
  RunRaw(state, kTurns, RawSleepZero);
}
BENCHMARK(BM_SleepZero_Evkit);
BENCHMARK(BM_SleepZero_Asio);
BENCHMARK(BM_SleepZero_Raw);

// --- A thousand tasks that sleep for a microsecond, over and over -------------
//
// All have slept long enough when the last has begun to, so hardly any time is
// spent in waiting.

constexpr int64_t kSleepers = 1'000;
constexpr int64_t kSleeps = 20;
constexpr auto kNap = std::chrono::microseconds(1);

Coro<void> Sleeps() {
  for (int64_t i = 0; i < kSleeps; ++i) {
    co_await OrReturn(Sleep(absl::FromChrono(kNap)));
  }
  co_return absl::OkStatus();
}
Awaitable<void> AsioSleeps(asio::io_context& context) {
  asio::steady_timer timer(context);
  for (int64_t i = 0; i < kSleeps; ++i) {
    timer.expires_after(kNap);
    co_await timer.async_wait(kUse);
  }
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
Awaitable<void> AsioSleepMany(asio::io_context& context) {
  for (int64_t i = 0; i < kSleepers; ++i) {
    asio::co_spawn(context, AsioSleeps(context), asio::detached);
  }
  co_return;
}
raw::Coro RawSleepMany(raw::Loop& loop) {
  for (int64_t i = 0; i < kSleepers; ++i) RawSleeps(loop).Detach(loop);
  co_return 0;
}

void BM_Sleep_Evkit(benchmark::State& state) {
  RunEvkit(state, kSleepers * kSleeps, SleepMany);
}
void BM_Sleep_Asio(benchmark::State& state) {
  RunAsio(state, kSleepers * kSleeps, AsioSleepMany);
}
void BM_Sleep_Raw(benchmark::State& state) {
  RunRaw(state, kSleepers * kSleeps, RawSleepMany);
}
BENCHMARK(BM_Sleep_Evkit);
BENCHMARK(BM_Sleep_Asio);
BENCHMARK(BM_Sleep_Raw);

// --- A number that goes to another task and back ------------------------------

constexpr int64_t kMessages = 10'000;

Coro<void> Echo(Queue<int64_t>& requests, Queue<int64_t>& replies) {
  for (int64_t i = 0; i < kMessages; ++i) {
    const int64_t message = co_await OrReturn(requests.Get());
    co_await OrReturn(replies.Put(message));
  }
  co_return absl::OkStatus();
}
Coro<void> PingPong(EventLoop& loop) {
  Queue<int64_t> requests(1);
  Queue<int64_t> replies(1);
  const Task<void> echo = CreateTask(loop, Echo(requests, replies));
  for (int64_t i = 0; i < kMessages; ++i) {
    co_await OrReturn(requests.Put(i));
    co_await OrReturn(replies.Get());
  }
  co_return co_await echo;
}

using AsioChannel =
    asio::experimental::channel<void(asio::error_code, int64_t)>;
Awaitable<void> AsioEcho(AsioChannel& requests, AsioChannel& replies) {
  for (int64_t i = 0; i < kMessages; ++i) {
    const int64_t message = co_await requests.async_receive(kUse);
    co_await replies.async_send(asio::error_code(), message, kUse);
  }
}
Awaitable<void> AsioPingPong(asio::io_context& context) {
  AsioChannel requests(context, 1);
  AsioChannel replies(context, 1);
  asio::co_spawn(context, AsioEcho(requests, replies), asio::detached);
  for (int64_t i = 0; i < kMessages; ++i) {
    co_await requests.async_send(asio::error_code(), i, kUse);
    co_await replies.async_receive(kUse);
  }
}

raw::Coro RawEcho(raw::Channel& requests, raw::Channel& replies) {
  for (int64_t i = 0; i < kMessages; ++i) replies.Send(co_await requests);
  co_return 0;
}
raw::Coro RawPingPong(raw::Loop& loop) {
  raw::Channel requests(loop);
  raw::Channel replies(loop);
  raw::Task echo(loop, RawEcho(requests, replies));
  for (int64_t i = 0; i < kMessages; ++i) {
    requests.Send(i);
    co_await replies;
  }
  co_return co_await echo;
}

void BM_PingPong_Evkit(benchmark::State& state) {
  RunEvkit(state, kMessages, PingPong);
}
void BM_PingPong_Asio(benchmark::State& state) {
  RunAsio(state, kMessages, AsioPingPong);
}
void BM_PingPong_Raw(benchmark::State& state) {
  RunRaw(state, kMessages, RawPingPong);
}
BENCHMARK(BM_PingPong_Evkit);
BENCHMARK(BM_PingPong_Asio);
BENCHMARK(BM_PingPong_Raw);

// --- Ten thousand coroutines at once, and the results of all ------------------

constexpr int64_t kGathered = 10'000;

Coro<void> GatherMany(EventLoop&) {
  std::vector<Coro<int64_t>> coroutines;
  for (int64_t i = 0; i < kGathered; ++i) coroutines.push_back(One(i));
  const std::vector<int64_t> results =
      co_await OrReturn(Gather(std::move(coroutines)));
  co_return results.size() == kGathered ? absl::OkStatus()
                                        : absl::InternalError("lost");
}
// asio 1.22 has nothing for a number that is known at run time only.
Awaitable<void> AsioGatherMany(asio::io_context& context) {
  std::vector<int64_t> results(kGathered);
  int64_t left = kGathered;
  AsioChannel all_done(context, 1);
  for (int64_t i = 0; i < kGathered; ++i) {
    asio::co_spawn(context, AsioOne(i),
                   [&, i](const std::exception_ptr&, int64_t result) {
                     results[i] = result;
                     if (--left == 0) all_done.try_send(asio::error_code(), 0);
                   });
  }
  co_await all_done.async_receive(kUse);
}
raw::Coro RawGatherMany(raw::Loop& loop) {
  std::vector<int64_t> results(kGathered);
  std::deque<raw::Task> tasks;
  for (int64_t i = 0; i < kGathered; ++i) tasks.emplace_back(loop, RawOne(i));
  for (int64_t i = 0; i < kGathered; ++i) results[i] = co_await tasks[i];
  co_return 0;
}

void BM_Gather_Evkit(benchmark::State& state) {
  RunEvkit(state, kGathered, GatherMany);
}
void BM_Gather_Asio(benchmark::State& state) {
  RunAsio(state, kGathered, AsioGatherMany);
}
void BM_Gather_Raw(benchmark::State& state) {
  RunRaw(state, kGathered, RawGatherMany);
}
BENCHMARK(BM_Gather_Evkit);
BENCHMARK(BM_Gather_Asio);
BENCHMARK(BM_Gather_Raw);

// --- Ten thousand sleeping tasks that are cancelled ---------------------------

constexpr int64_t kCancelled = 10'000;

Coro<void> SleepForHours(int64_t hours) {
  co_await OrReturn(Sleep(absl::Hours(hours)));
  co_return absl::OkStatus();
}
Awaitable<void> AsioSleepForHours(asio::io_context& context, int64_t hours) {
  asio::steady_timer timer(context);
  timer.expires_after(std::chrono::hours(hours));
  co_await timer.async_wait(asio::experimental::as_tuple(kUse));
}
raw::Coro RawPark(std::unique_ptr<raw::Parking>& parking, raw::Loop& loop) {
  parking = std::make_unique<raw::Parking>(loop);
  co_return co_await *parking;
}

Coro<void> CancelMany(EventLoop& loop) {
  std::vector<Task<void>> tasks;
  for (int64_t i = 0; i < kCancelled; ++i) {
    tasks.push_back(CreateTask(loop, SleepForHours(i + 1)));
  }
  co_await OrReturn(Sleep(absl::ZeroDuration()));
  for (const Task<void>& task : tasks) task.Cancel();
  for (const Task<void>& task : tasks) {
    const absl::Status status = co_await task;
    if (!absl::IsCancelled(status)) co_return absl::InternalError("late");
  }
  co_return absl::OkStatus();
}
Awaitable<void> AsioCancelMany(asio::io_context& context) {
  std::vector<asio::cancellation_signal> signals(kCancelled);
  for (int64_t i = 0; i < kCancelled; ++i) {
    asio::co_spawn(
        context, AsioSleepForHours(context, i + 1),
        asio::bind_cancellation_slot(signals[i].slot(), asio::detached));
  }
  co_await asio::post(context, kUse);
  for (asio::cancellation_signal& signal : signals) {
    signal.emit(asio::cancellation_type::terminal);
  }
  // The signals must outlive those who listen.
  co_await asio::post(context, kUse);
  co_await asio::post(context, kUse);
}
raw::Coro RawCancelMany(raw::Loop& loop) {
  std::vector<std::unique_ptr<raw::Parking>> parked(kCancelled);
  for (int64_t i = 0; i < kCancelled; ++i) {
    RawPark(parked[i], loop).Detach(loop);
  }
  co_await raw::Yield(loop);
  for (const auto& parking : parked) parking->Cancel();
  co_await raw::Yield(loop);
  co_return 0;
}

void BM_Cancel_Evkit(benchmark::State& state) {
  RunEvkit(state, kCancelled, CancelMany);
}
void BM_Cancel_Asio(benchmark::State& state) {
  RunAsio(state, kCancelled, AsioCancelMany);
}
void BM_Cancel_Raw(benchmark::State& state) {
  RunRaw(state, kCancelled, RawCancelMany);
}
BENCHMARK(BM_Cancel_Evkit);
BENCHMARK(BM_Cancel_Asio);
BENCHMARK(BM_Cancel_Raw);

}  // namespace
}  // namespace evkit
