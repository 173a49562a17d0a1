// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// The cases of coro_benchmark.cc and many_tasks_benchmark.cc on asio. Empty
// where asio's coroutines do not compile: without exceptions, and with clang
// before 15 (asio 1.22).

#if defined(__cpp_exceptions)
#include "asio.hpp"
#endif

#if defined(ASIO_HAS_CO_AWAIT)

#include <chrono>
#include <cstdint>
#include <exception>
#include <vector>

#include "asio/experimental/as_tuple.hpp"
#include "asio/experimental/channel.hpp"
#include "benchmark/benchmark.h"
#include "evkit/bench/coroutine_loops.h"

namespace evkit {
namespace {

constexpr auto kUse = asio::use_awaitable;
template <typename T>
using Awaitable = asio::awaitable<T>;

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

Awaitable<int64_t> AsioOne(int64_t n) { co_return n; }
Awaitable<void> AsioSpawn(asio::io_context& context) {
  for (int64_t i = 0; i < kSpawns; ++i) {
    asio::co_spawn(context, AsioOne(i), asio::detached);
    if (i % kSpawnsAtOnce == 0) co_await asio::post(context, kUse);
  }
}
void BM_Spawn_Asio(benchmark::State& state) {
  RunAsio(state, kSpawns, AsioSpawn);
}
BENCHMARK(BM_Spawn_Asio);

Awaitable<void> AsioSpawnAwait(asio::io_context& context) {
  int64_t sum = 0;
  for (int64_t i = 0; i < kSpawns; ++i) {
    sum += co_await asio::co_spawn(context, AsioOne(i), kUse);
  }
  benchmark::DoNotOptimize(sum);
}
void BM_SpawnAwait_Asio(benchmark::State& state) {
  RunAsio(state, kSpawns, AsioSpawnAwait);
}
BENCHMARK(BM_SpawnAwait_Asio);

Awaitable<int64_t> AsioChain(int64_t depth) {
  if (depth == 0) co_return 0;
  co_return (co_await AsioChain(depth - 1)) + 1;
}
Awaitable<void> AsioChains(asio::io_context&) {
  int64_t sum = 0;
  for (int64_t i = 0; i < kChains; ++i) sum += co_await AsioChain(kDepth);
  benchmark::DoNotOptimize(sum);
}
void BM_Chain_Asio(benchmark::State& state) {
  RunAsio(state, kChains * kDepth, AsioChains);
}
BENCHMARK(BM_Chain_Asio);

Awaitable<void> AsioYields(asio::io_context& context) {
  for (int64_t i = 0; i < kYields; ++i) co_await asio::post(context, kUse);
}
Awaitable<void> AsioYield(asio::io_context& context) {
  for (int64_t i = 0; i < kYielding; ++i) {
    asio::co_spawn(context, AsioYields(context), asio::detached);
  }
  co_return;
}
void BM_Yield_Asio(benchmark::State& state) {
  RunAsio(state, kYielding * kYields, AsioYield);
}
BENCHMARK(BM_Yield_Asio);

Awaitable<void> AsioSleepZero(asio::io_context& context) {
  asio::steady_timer timer(context);
  for (int64_t i = 0; i < kTurns; ++i) {
    timer.expires_after(std::chrono::nanoseconds(0));
    co_await timer.async_wait(kUse);
  }
}
void BM_SleepZero_Asio(benchmark::State& state) {
  RunAsio(state, kTurns, AsioSleepZero);
}
BENCHMARK(BM_SleepZero_Asio);

Awaitable<void> AsioSleeps(asio::io_context& context) {
  asio::steady_timer timer(context);
  for (int64_t i = 0; i < kSleeps; ++i) {
    timer.expires_after(kNap);
    co_await timer.async_wait(kUse);
  }
}
Awaitable<void> AsioSleepMany(asio::io_context& context) {
  for (int64_t i = 0; i < kSleepers; ++i) {
    asio::co_spawn(context, AsioSleeps(context), asio::detached);
  }
  co_return;
}
void BM_Sleep_Asio(benchmark::State& state) {
  RunAsio(state, kSleepers * kSleeps, AsioSleepMany);
}
BENCHMARK(BM_Sleep_Asio);

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
void BM_PingPong_Asio(benchmark::State& state) {
  RunAsio(state, kMessages, AsioPingPong);
}
BENCHMARK(BM_PingPong_Asio);

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
void BM_Gather_Asio(benchmark::State& state) {
  RunAsio(state, kGathered, AsioGatherMany);
}
BENCHMARK(BM_Gather_Asio);

Awaitable<void> AsioSleepForHours(asio::io_context& context, int64_t hours) {
  asio::steady_timer timer(context);
  timer.expires_after(std::chrono::hours(hours));
  co_await timer.async_wait(asio::experimental::as_tuple(kUse));
}
Awaitable<void> AsioCancelMany(asio::io_context& context) {
  std::vector<asio::cancellation_signal> signals(kCancelledTasks);
  for (int64_t i = 0; i < kCancelledTasks; ++i) {
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
void BM_Cancel_Asio(benchmark::State& state) {
  RunAsio(state, kCancelledTasks, AsioCancelMany);
}
BENCHMARK(BM_Cancel_Asio);

}  // namespace
}  // namespace evkit

#endif  // defined(ASIO_HAS_CO_AWAIT)
