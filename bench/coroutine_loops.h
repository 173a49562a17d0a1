// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// What runs a case on evkit's loop and on the hand-written one; on asio's see
// loop/coro/asio_coro_benchmark.cc.

#ifndef EVKIT_BENCH_COROUTINE_LOOPS_H_
#define EVKIT_BENCH_COROUTINE_LOOPS_H_

#include <cstdint>

#include "benchmark/benchmark.h"
#include "evkit/bench/coroutine_sizes.h"
#include "evkit/bench/raw_coroutines.h"
#include "evkit/loop/coro/run_until_complete.h"
#include "evkit/loop/default_event_loop.h"

namespace evkit {

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
void RunRaw(benchmark::State& state, int64_t count, F main) {
  raw::Loop loop;
  while (state.KeepRunningBatch(count)) {
    main(loop).Detach(loop);
    loop.Run();
  }
  state.SetItemsProcessed(state.iterations());
}

}  // namespace evkit

#endif  // EVKIT_BENCH_COROUTINE_LOOPS_H_
