// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// What does the loop itself cost, apart from the kernel's share?
//
//   bazel run -c opt //loop:event_loop_benchmark
//
// Each case of the loop stands beside the least that a program without a loop
// could do for the same end; compare times of one run with each other, not with
// those of another run. `items_per_second` is what to look at: callbacks,
// posts, round trips, timers. In the cases with two threads the machine decides
// more than the program does.

#include <sys/epoll.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "benchmark/benchmark.h"
#include "evkit/base/unique_fd.h"
#include "evkit/base/wakeup_fd.h"
#include "evkit/loop/default_event_loop.h"
#include "evkit/timers/clock.h"

namespace evkit {
namespace {

std::unique_ptr<EventLoop> NewLoop() { return *NewDefaultEventLoop(); }

// An epoll set with one descriptor that is never ready.
class QuietEpoll {
 public:
  QuietEpoll() : epoll_fd_(epoll_create1(EPOLL_CLOEXEC)) { Add(quiet_); }
  void Add(const WakeupFd& wakeup) {
    epoll_event event = {};
    event.events = EPOLLIN;
    epoll_ctl(epoll_fd_.get(), EPOLL_CTL_ADD, wakeup.fd(), &event);
  }
  int Wait(int timeout) {
    epoll_event events[64];
    return epoll_wait(epoll_fd_.get(), events, 64, timeout);
  }

 private:
  UniqueFd epoll_fd_;
  WakeupFd quiet_ = *WakeupFd::Create();
};

// --- A callback that always schedules itself --------------------------------

constexpr int kChain = 10'000;

void RunChain(benchmark::State& state, EventLoop& loop) {
  int left = 0;
  struct Next {
    EventLoop& loop;
    int& left;
    void operator()() const {
      if (--left > 0) {
        loop.CallSoon(*this);
      } else {
        loop.Stop();
      }
    }
  };
  while (state.KeepRunningBatch(kChain)) {
    left = kChain;
    loop.CallSoon(Next{loop, left});
    (void)loop.RunForever();
  }
  state.SetItemsProcessed(state.iterations());
}

void BM_Chain_Loop(benchmark::State& state) {
  const auto loop = NewLoop();
  RunChain(state, *loop);
}
BENCHMARK(BM_Chain_Loop);

void BM_Chain_LoopWithDescriptor(benchmark::State& state) {
  const auto loop = NewLoop();
  const WakeupFd quiet = *WakeupFd::Create();
  (void)loop->AddReader(quiet.fd(), [] {});
  RunChain(state, *loop);
}
BENCHMARK(BM_Chain_LoopWithDescriptor);

// Polls before every `kPollEvery`-th callback.
template <int kPollEvery>
void BM_Chain_DequeOfFunctions(benchmark::State& state) {
  QuietEpoll epoll;
  std::deque<std::function<void()>> queue;
  int left = 0;
  std::function<void()> next = [&] {
    if (--left > 0) queue.push_back(next);
  };
  int until_poll = kPollEvery;
  while (state.KeepRunningBatch(kChain)) {
    left = kChain;
    queue.push_back(next);
    while (!queue.empty()) {
      if (kPollEvery > 0 && --until_poll == 0) {
        epoll.Wait(0);
        until_poll = kPollEvery;
      }
      const std::function<void()> callback = std::move(queue.front());
      queue.pop_front();
      callback();
    }
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_Chain_DequeOfFunctions<0>)->Name("BM_Chain_DequeWithoutPoll");
BENCHMARK(BM_Chain_DequeOfFunctions<61>)->Name("BM_Chain_DequePollEvery61");
BENCHMARK(BM_Chain_DequeOfFunctions<1>)->Name("BM_Chain_DequePollEach");

// --- Many callbacks at once -------------------------------------------------

void BM_Burst_Loop(benchmark::State& state) {
  const auto loop = NewLoop();
  int64_t sum = 0;
  int64_t* const a = &sum;
  const int64_t burst = state.range(0);
  while (state.KeepRunningBatch(burst)) {
    for (int64_t i = 0; i < burst; ++i) {
      loop->CallSoon([a, i, &loop] {
        *a += i;
        benchmark::DoNotOptimize(&loop);
      });
    }
    loop->Stop();
    (void)loop->RunForever();
  }
  benchmark::DoNotOptimize(sum);
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_Burst_Loop)->Arg(100)->Arg(10'000);

void BM_Burst_DequeOfFunctions(benchmark::State& state) {
  std::deque<std::function<void()>> queue;
  int64_t sum = 0;
  int64_t* const a = &sum;
  const int64_t burst = state.range(0);
  while (state.KeepRunningBatch(burst)) {
    for (int64_t i = 0; i < burst; ++i) {
      queue.push_back([a, i, &queue] {
        *a += i;
        benchmark::DoNotOptimize(&queue);
      });
    }
    while (!queue.empty()) {
      const std::function<void()> callback = std::move(queue.front());
      queue.pop_front();
      callback();
    }
  }
  benchmark::DoNotOptimize(sum);
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_Burst_DequeOfFunctions)->Arg(100)->Arg(10'000);

// A ring of function pointers with two words each: neither closures nor
// cancellable.
void BM_Burst_RawRing(benchmark::State& state) {
  struct Slot {
    void (*function)(void*, int64_t);
    void* object;
    int64_t number;
  };
  std::vector<Slot> ring(16'384);
  const size_t mask = ring.size() - 1;
  size_t head = 0;
  size_t tail = 0;
  int64_t sum = 0;
  const int64_t burst = state.range(0);
  while (state.KeepRunningBatch(burst)) {
    for (int64_t i = 0; i < burst; ++i) {
      ring[tail++ & mask] = {[](void* object, int64_t number) {
                               *static_cast<int64_t*>(object) += number;
                             },
                             &sum, i};
    }
    while (head != tail) {
      const Slot& slot = ring[head++ & mask];
      slot.function(slot.object, slot.number);
    }
  }
  benchmark::DoNotOptimize(sum);
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_Burst_RawRing)->Arg(100)->Arg(10'000);

// --- Timers that are cancelled ----------------------------------------------

absl::Duration RandomDelay(std::mt19937_64& random) {
  return absl::Nanoseconds(static_cast<int64_t>(random() % 60'000'000'000) +
                           1'000'000'000);
}

void BM_StartAndCancel_Loop(benchmark::State& state) {
  const auto loop = NewLoop();
  std::mt19937_64 random(1);
  for (int64_t i = 0; i < state.range(0); ++i) {
    loop->CallLater(RandomDelay(random), [] {});
  }
  std::vector<absl::Duration> delays(1024);
  for (absl::Duration& delay : delays) delay = RandomDelay(random);
  size_t next = 0;
  for (auto _ : state) {
    loop->CallLater(delays[next++ % delays.size()],
                    [&state] { benchmark::DoNotOptimize(&state); })
        .Cancel();
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_StartAndCancel_Loop)->Arg(0)->Arg(10'000)->Arg(1'000'000);

// The deadline is given, so that no clock is read.
void BM_StartAtAndCancel_Loop(benchmark::State& state) {
  const auto loop = NewLoop();
  std::mt19937_64 random(1);
  for (int64_t i = 0; i < state.range(0); ++i) {
    loop->CallLater(RandomDelay(random), [] {});
  }
  std::vector<MonotonicTime> times(1024);
  for (MonotonicTime& time : times) time = loop->Time() + RandomDelay(random);
  size_t next = 0;
  for (auto _ : state) {
    loop->CallAt(times[next++ % times.size()],
                 [&state] { benchmark::DoNotOptimize(&state); })
        .Cancel();
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_StartAtAndCancel_Loop)->Arg(0)->Arg(10'000)->Arg(1'000'000);

// What the clock alone costs.
void BM_ReadTheClock(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(Clock::Real().Now());
}
BENCHMARK(BM_ReadTheClock);

void BM_StartAndCancel_Multimap(benchmark::State& state) {
  std::multimap<MonotonicTime, std::function<void()>> timers;
  std::mt19937_64 random(1);
  for (int64_t i = 0; i < state.range(0); ++i) {
    timers.emplace(Clock::Real().Now() + RandomDelay(random), [] {});
  }
  std::vector<absl::Duration> delays(1024);
  for (absl::Duration& delay : delays) delay = RandomDelay(random);
  size_t next = 0;
  for (auto _ : state) {
    timers.erase(
        timers.emplace(Clock::Real().Now() + delays[next++ % delays.size()],
                       [&state] { benchmark::DoNotOptimize(&state); }));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_StartAndCancel_Multimap)->Arg(0)->Arg(10'000)->Arg(1'000'000);

}  // namespace
}  // namespace evkit
