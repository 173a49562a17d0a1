// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Tasks that wait for each other, and ten thousand at once: the second part of
// coro_benchmark.cc.

#include <cstdint>
#include <deque>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "benchmark/benchmark.h"
#include "evkit/bench/coroutine_loops.h"
#include "evkit/bench/raw_coroutines.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/loop/coro/gather.h"
#include "evkit/loop/coro/or_return.h"
#include "evkit/loop/coro/sleep.h"
#include "evkit/loop/coro/task.h"
#include "evkit/loop/event_loop.h"
#include "evkit/loop/sync/queue.h"

namespace evkit {
namespace {

Coro<int64_t> One(int64_t n) { co_return n; }
raw::Coro RawOne(int64_t n) { co_return n; }

// --- A number that goes to another task and back -----------------------------

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
void BM_PingPong_Raw(benchmark::State& state) {
  RunRaw(state, kMessages, RawPingPong);
}
BENCHMARK(BM_PingPong_Evkit);
BENCHMARK(BM_PingPong_Raw);

// --- Ten thousand coroutines at once, and the results of all -----------------

Coro<void> GatherMany(EventLoop&) {
  std::vector<Coro<int64_t>> coroutines;
  for (int64_t i = 0; i < kGathered; ++i) coroutines.push_back(One(i));
  const std::vector<int64_t> results =
      co_await OrReturn(Gather(std::move(coroutines)));
  co_return results.size() == kGathered ? absl::OkStatus()
                                        : absl::InternalError("lost");
}
raw::Coro RawGatherMany(raw::Loop& loop) {
  std::vector<int64_t> results(kGathered);
  std::deque<raw::Task> tasks;
  for (int64_t i = 0; i < kGathered; ++i) tasks.emplace_back(loop, RawOne(i));
  for (int64_t i = 0; i < kGathered; ++i) {
    raw::Task& task = tasks[i];  // g++ 12 copies the result of a call.
    results[i] = co_await task;
  }
  co_return 0;
}

void BM_Gather_Evkit(benchmark::State& state) {
  RunEvkit(state, kGathered, GatherMany);
}
void BM_Gather_Raw(benchmark::State& state) {
  RunRaw(state, kGathered, RawGatherMany);
}
BENCHMARK(BM_Gather_Evkit);
BENCHMARK(BM_Gather_Raw);

// --- Ten thousand sleeping tasks that are cancelled --------------------------

Coro<void> SleepForHours(int64_t hours) {
  co_await OrReturn(Sleep(absl::Hours(hours)));
  co_return absl::OkStatus();
}
raw::Coro RawPark(std::unique_ptr<raw::Parking>& parking, raw::Loop& loop) {
  parking = std::make_unique<raw::Parking>(loop);
  raw::Parking& mine = *parking;  // g++ 12 copies the result of a call.
  co_return co_await mine;
}

Coro<void> CancelMany(EventLoop& loop) {
  std::vector<Task<void>> tasks;
  for (int64_t i = 0; i < kCancelledTasks; ++i) {
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
raw::Coro RawCancelMany(raw::Loop& loop) {
  std::vector<std::unique_ptr<raw::Parking>> parked(kCancelledTasks);
  for (int64_t i = 0; i < kCancelledTasks; ++i) {
    RawPark(parked[i], loop).Detach(loop);
  }
  co_await raw::Yield(loop);
  for (const auto& parking : parked) parking->Cancel();
  co_await raw::Yield(loop);
  co_return 0;
}

void BM_Cancel_Evkit(benchmark::State& state) {
  RunEvkit(state, kCancelledTasks, CancelMany);
}
void BM_Cancel_Raw(benchmark::State& state) {
  RunRaw(state, kCancelledTasks, RawCancelMany);
}
BENCHMARK(BM_Cancel_Evkit);
BENCHMARK(BM_Cancel_Raw);

}  // namespace
}  // namespace evkit
