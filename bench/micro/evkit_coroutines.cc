// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// The same as in //loop/coro:coro_benchmark, where more cases are.

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "evkit/bench/coroutine_sizes.h"
#include "evkit/bench/micro/evkit_cases.h"
#include "evkit/bench/micro/micro.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/loop/coro/or_return.h"
#include "evkit/loop/coro/run_until_complete.h"
#include "evkit/loop/coro/sleep.h"
#include "evkit/loop/coro/task.h"

namespace evkit {
namespace {

template <typename F>
void Measure(Meter& meter, int64_t count, EventLoop& loop, F main) {
  meter.Run(count, [&] { CheckOk(RunUntilComplete(loop, main(loop))); });
}

Coro<int64_t> One(int64_t n) { co_return n; }
Coro<void> Spawn(EventLoop& loop) {
  for (int64_t i = 0; i < kSpawns; ++i) {
    CreateTask(loop, One(i));
    if (i % kSpawnsAtOnce == 0) {
      co_await OrReturn(Sleep(absl::ZeroDuration()));
    }
  }
  co_return absl::OkStatus();
}

Coro<int64_t> Chain(int64_t depth) {
  if (depth == 0) co_return 0;
  const int64_t below = co_await OrReturn(Chain(depth - 1));
  co_return below + 1;
}
Coro<int64_t> Chains(EventLoop&) {
  int64_t sum = 0;
  for (int64_t i = 0; i < kChains; ++i) {
    sum += co_await OrReturn(Chain(kDepth));
  }
  co_return sum;
}

Coro<void> Yields() {
  for (int64_t i = 0; i < kYields; ++i) {
    co_await OrReturn(Sleep(absl::ZeroDuration()));
  }
  co_return absl::OkStatus();
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

Coro<void> Sleeps() {
  for (int64_t i = 0; i < kSleeps; ++i) {
    co_await OrReturn(Sleep(absl::FromChrono(kNap)));
  }
  co_return absl::OkStatus();
}
Coro<void> SleepMany(EventLoop& loop) {
  std::vector<Task<void>> tasks;
  for (int64_t i = 0; i < kSleepers; ++i) {
    tasks.push_back(CreateTask(loop, Sleeps()));
  }
  for (const Task<void>& task : tasks) co_await OrReturn(task);
  co_return absl::OkStatus();
}

template <typename F>
Case CaseOf(const char* name, int64_t count, F main) {
  return Case(name, [count, main](Meter& meter) {
    Measure(meter, count, *NewMeasuredLoop(EvkitOptions()), main);
  });
}

}  // namespace

void MeasureYields(Meter& meter, EventLoop& loop) {
  Measure(meter, kYielding * kYields, loop, Yield);
}

std::vector<Case> CoroutineCases() {
  return {
      CaseOf("coro_spawn", kSpawns, Spawn),
      CaseOf("coro_chain", kChains * kDepth, Chains),
      CaseOf("coro_yield", kYielding * kYields, Yield),
      CaseOf("coro_sleep", kSleepers * kSleeps, SleepMany),
  };
}

}  // namespace evkit
