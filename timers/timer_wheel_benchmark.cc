// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// What a deadline costs, in the wheel and in the best of heaps (TimerHeap),
// with `range(0)` other timers pending:
//
//   StartCancel   a timeout that does not fire, which is nearly all of them
//   Rearm         a timeout that is postponed: a connection showed life;
//                 RearmInALoop adds what the wheel put off by it
//   Turn          what a loop asks each turn when nothing is due
//   Fire          deadlines that do come to pass, spread over a minute
//   Burst         many timers due at the same instant
//   WorstAdvance  the longest single Advance() under hostile input, as max_ms
//                 (of CPU time)
//
//   bazel run -c opt //timers:timer_wheel_benchmark

#include <time.h>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <random>
#include <vector>

#include "absl/time/time.h"
#include "benchmark/benchmark.h"
#include "evkit/timers/clock.h"
#include "evkit/timers/timer_heap.h"
#include "evkit/timers/timer_wheel.h"

namespace evkit {
namespace {

constexpr MonotonicTime kStart = MonotonicTime::FromNanos(1'000'000'000'000);
constexpr int64_t kSecond = 1'000'000'000;

// The same numbers in every run, and cheaper than what is measured.
class Random {
 public:
  explicit Random(uint64_t below) : below_(below) {}
  int64_t Next() {
    state_ += 0x9E3779B97F4A7C15;
    const uint64_t mixed = (state_ ^ (state_ >> 32)) * 0xD6E8FEB86659FD93;
    return static_cast<int64_t>((mixed >> 32) * below_ >> 32);
  }

 private:
  uint64_t below_;
  uint64_t state_ = 1;
};

MonotonicTime After(MonotonicTime t, int64_t nanos) {
  return MonotonicTime::FromNanos(t.ToNanos() + nanos);
}

// Of this thread: what others do on the machine is no fault of an Advance().
double CpuMilliseconds() {
  timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e3 +
         static_cast<double>(time.tv_nsec) * 1e-6;
}

// Arms `all` with deadlines all over the minute after kStart.
template <typename Timers>
void ArmOverAMinute(Timers& timers, std::deque<typename Timers::Timer>& all) {
  std::mt19937_64 random(1);
  for (auto& timer : all) {
    timers.Arm(timer, After(kStart, random() % (60 * kSecond)));
  }
}

template <typename Timers>
void BM_StartCancel(benchmark::State& state) {
  Timers timers(kStart);
  std::deque<typename Timers::Timer> others(state.range(0));
  ArmOverAMinute(timers, others);
  Random delays(60'000'000);
  typename Timers::Timer timer;
  for (auto _ : state) {
    timers.Arm(timer, After(kStart, delays.Next() * 1000));
    timers.Disarm(timer);
  }
}
BENCHMARK_TEMPLATE(BM_StartCancel, TimerWheel)
    ->Arg(0)
    ->Arg(10'000)
    ->Arg(1'000'000);
BENCHMARK_TEMPLATE(BM_StartCancel, TimerHeap)
    ->Arg(0)
    ->Arg(10'000)
    ->Arg(1'000'000);

template <typename Timers>
void BM_Rearm(benchmark::State& state) {
  Timers timers(kStart);
  std::deque<typename Timers::Timer> all(state.range(0));
  ArmOverAMinute(timers, all);
  Random choices(all.size());
  int64_t later = 60 * kSecond;
  for (auto _ : state) {
    timers.Arm(all[choices.Next()], After(kStart, later += 1000));
  }
}
BENCHMARK_TEMPLATE(BM_Rearm, TimerWheel)->Arg(10'000)->Arg(1'000'000);
BENCHMARK_TEMPLATE(BM_Rearm, TimerHeap)->Arg(10'000)->Arg(1'000'000);

// All in one: time goes on by 10 us a turn, each turn postpones one timer by 30
// s, asks when to wake, and advances; the wheel pays what it put off.
template <typename Timers>
void BM_RearmInALoop(benchmark::State& state) {
  Timers timers(kStart);
  std::deque<typename Timers::Timer> all(state.range(0));
  ArmOverAMinute(timers, all);
  Random choices(all.size());
  MonotonicTime now = kStart;
  int64_t expired = 0;
  for (auto _ : state) {
    now = After(now, 10'000);
    timers.Arm(all[choices.Next()], After(now, 30 * kSecond));
    benchmark::DoNotOptimize(timers.NextWakeup());
    expired += timers.Advance(now, [](typename Timers::Timer&) {});
  }
  state.counters["expired"] = static_cast<double>(expired);
}
BENCHMARK_TEMPLATE(BM_RearmInALoop, TimerWheel)
    ->Arg(1)
    ->Arg(100)
    ->Arg(10'000)
    ->Iterations(10'000'000);
BENCHMARK_TEMPLATE(BM_RearmInALoop, TimerHeap)
    ->Arg(1)
    ->Arg(100)
    ->Arg(10'000)
    ->Iterations(10'000'000);

template <typename Timers>
void BM_Turn(benchmark::State& state) {
  Timers timers(kStart);
  std::deque<typename Timers::Timer> all(state.range(0));
  for (auto& timer : all) timers.Arm(timer, After(kStart, int64_t{1} << 60));
  MonotonicTime now = kStart;
  for (auto _ : state) {
    now = After(now, 1000);
    benchmark::DoNotOptimize(timers.NextWakeup());
    benchmark::DoNotOptimize(
        timers.Advance(now, [](typename Timers::Timer&) {}));
  }
}
BENCHMARK_TEMPLATE(BM_Turn, TimerWheel)->Arg(0)->Arg(1)->Arg(10'000);
BENCHMARK_TEMPLATE(BM_Turn, TimerHeap)->Arg(0)->Arg(1)->Arg(10'000);

// Armed and fired: over a minute, in turns of 1 ms or more.
template <typename Timers>
void BM_Fire(benchmark::State& state) {
  std::deque<typename Timers::Timer> all(state.range(0));
  Random delays(60'000'000);
  MonotonicTime now = kStart;
  Timers timers(now);
  for (auto _ : state) {
    for (auto& timer : all) timers.Arm(timer, After(now, delays.Next() * 1000));
    while (!timers.empty()) {
      now = After(std::max(now, *timers.NextWakeup()), 1'000'000);
      timers.Advance(now, [](typename Timers::Timer&) {});
    }
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK_TEMPLATE(BM_Fire, TimerWheel)->Arg(10)->Arg(1'000)->Arg(1'000'000);
BENCHMARK_TEMPLATE(BM_Fire, TimerHeap)->Arg(10)->Arg(1'000)->Arg(1'000'000);

template <typename Timers>
void BM_Burst(benchmark::State& state) {
  Timers timers(kStart);
  std::deque<typename Timers::Timer> all(state.range(0));
  MonotonicTime now = kStart;
  for (auto _ : state) {
    now = After(now, 1'000'000);
    for (auto& timer : all) timers.Arm(timer, now);
    timers.Advance(now, [](typename Timers::Timer&) {});
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK_TEMPLATE(BM_Burst, TimerWheel)->Arg(1)->Arg(100)->Arg(10'000);
BENCHMARK_TEMPLATE(BM_Burst, TimerHeap)->Arg(1)->Arg(100)->Arg(10'000);

// `range(0)` timers in one slot of 1.07 s, in random order both in time and in
// memory. kBoundary: the Advance() in which the slot is spread and nothing is
// due. kStall: they are all due in one Advance(). kNanoseconds: all within 4
// us, due at once.
enum Input { kBoundary, kStall, kNanoseconds };

template <typename Timers, Input input>
void BM_WorstAdvance(benchmark::State& state) {
  std::vector<typename Timers::Timer> all(state.range(0));
  std::vector<typename Timers::Timer*> order;
  for (auto& timer : all) order.push_back(&timer);
  std::shuffle(order.begin(), order.end(), std::mt19937_64(2));
  constexpr int64_t kSlot = int64_t{1} << 30;
  const auto start = MonotonicTime::FromNanos(kSlot * 64);
  const MonotonicTime slot = After(start, kSlot * 10);
  std::mt19937_64 random(3);
  double longest = 0;
  for (auto _ : state) {
    Timers timers(start);
    for (auto* timer : order) {
      timers.Arm(*timer, After(slot, 1 + random() % (input == kNanoseconds
                                                         ? 4096
                                                         : kSlot - 1)));
    }
    MonotonicTime now = After(slot, input == kBoundary ? 0 : kSlot);
    while (!timers.empty()) {
      const double begin = CpuMilliseconds();
      timers.Advance(now, [](typename Timers::Timer&) {});
      longest = std::max(longest, CpuMilliseconds() - begin);
      if (input == kBoundary) break;
    }
  }
  state.counters["max_ms"] = longest;
}
#define EVKIT_WORST(Timers, input)                   \
  BENCHMARK_TEMPLATE(BM_WorstAdvance, Timers, input) \
      ->Arg(10'000)                                  \
      ->Arg(1'000'000)                               \
      ->Iterations(5)                                \
      ->Unit(benchmark::kMillisecond)
EVKIT_WORST(TimerWheel, kBoundary);
EVKIT_WORST(TimerHeap, kBoundary);
EVKIT_WORST(TimerWheel, kStall);
EVKIT_WORST(TimerHeap, kStall);
EVKIT_WORST(TimerWheel, kNanoseconds);
EVKIT_WORST(TimerHeap, kNanoseconds);

}  // namespace
}  // namespace evkit
