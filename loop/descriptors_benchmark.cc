// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// What the loop adds to the kernel's price of watching descriptors: each
// BM_Loop* beside the BM_Raw* that does the same with epoll by hand.
//
//   Churn            AddReader and RemoveReader, again and again
//   ChurnWithTurns   the same with a turn of the loop after each
//   Dispatch/n       n descriptors are ready all the time; time is per event
//   Replace          AddReader where there is a reader already
//
// bazel run -c opt //loop:descriptors_benchmark

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <utility>
#include <vector>

#include "benchmark/benchmark.h"
#include "evkit/base/unique_fd.h"
#include "evkit/loop/event_loop.h"
#include "evkit/selectors/epoll_selector.h"

namespace evkit {
namespace {

std::unique_ptr<EventLoop> NewLoop() {
  EventLoopOptions options;
  options.debug = false;
  options.selector = *EpollSelector::Create();
  return *EventLoop::Create(std::move(options));
}

// A descriptor that is readable if `value` is not 0.
UniqueFd NewEventFd(unsigned value) {
  UniqueFd fd(::eventfd(value, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!fd) std::abort();
  return fd;
}

class RawEpoll {
 public:
  // With a wake-up descriptor of its own, as every loop has one.
  RawEpoll() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) { Add(wakeup_.get(), 0); }

  void Add(int fd, uint64_t data) {
    epoll_event event = {};
    event.events = EPOLLIN;
    event.data.u64 = data;
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) std::abort();
  }
  void Remove(int fd) { ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr); }
  int Wait(int timeout_ms) {
    return ::epoll_wait(epoll_.get(), events_.data(),
                        static_cast<int>(events_.size()), timeout_ms);
  }
  const epoll_event& event(int i) const {
    return events_[static_cast<size_t>(i)];
  }

 private:
  const UniqueFd epoll_;
  const UniqueFd wakeup_ = NewEventFd(0);
  std::array<epoll_event, 1024> events_;
};

void BM_RawChurn(benchmark::State& state) {
  RawEpoll epoll;
  const UniqueFd fd = NewEventFd(0);
  for (auto _ : state) {
    epoll.Add(fd.get(), 1);
    epoll.Remove(fd.get());
  }
}
BENCHMARK(BM_RawChurn);

void BM_LoopChurn(benchmark::State& state) {
  const auto loop = NewLoop();
  const UniqueFd fd = NewEventFd(0);
  for (auto _ : state) {
    benchmark::DoNotOptimize(loop->AddReader(fd.get(), [] {}));
    loop->RemoveReader(fd.get());
  }
}
BENCHMARK(BM_LoopChurn);

void BM_RawChurnWithTurns(benchmark::State& state) {
  RawEpoll epoll;
  const UniqueFd fd = NewEventFd(0);
  for (auto _ : state) {
    epoll.Add(fd.get(), 1);
    benchmark::DoNotOptimize(epoll.Wait(0));
    epoll.Remove(fd.get());
    benchmark::DoNotOptimize(epoll.Wait(0));
  }
}
BENCHMARK(BM_RawChurnWithTurns);

void BM_LoopChurnWithTurns(benchmark::State& state) {
  const auto loop = NewLoop();
  const UniqueFd fd = NewEventFd(0);
  // Another one, so that there is something to poll without the first.
  const UniqueFd other = NewEventFd(0);
  benchmark::DoNotOptimize(loop->AddReader(other.get(), [] {}));
  for (auto _ : state) {
    benchmark::DoNotOptimize(loop->AddReader(fd.get(), [] {}));
    loop->Stop();
    benchmark::DoNotOptimize(loop->RunForever());
    loop->RemoveReader(fd.get());
    loop->Stop();
    benchmark::DoNotOptimize(loop->RunForever());
  }
}
BENCHMARK(BM_LoopChurnWithTurns);

void BM_LoopReplace(benchmark::State& state) {
  const auto loop = NewLoop();
  const UniqueFd fd = NewEventFd(0);
  for (auto _ : state) {
    benchmark::DoNotOptimize(loop->AddReader(fd.get(), [] {}));
  }
}
BENCHMARK(BM_LoopReplace);

// One item is one event: all are ready in every turn, and nothing is read.
void BM_RawDispatch(benchmark::State& state) {
  RawEpoll epoll;
  std::vector<UniqueFd> fds;
  std::vector<uint64_t> calls(static_cast<size_t>(state.range(0)) + 1);
  for (int64_t i = 1; i <= state.range(0); ++i) {
    fds.push_back(NewEventFd(1));
    epoll.Add(fds.back().get(), static_cast<uint64_t>(i));
  }
  for (auto _ : state) {
    const int ready = epoll.Wait(-1);
    for (int i = 0; i < ready; ++i) ++calls[epoll.event(i).data.u64];
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_RawDispatch)->Arg(1)->Arg(100)->Arg(1000);

void BM_LoopDispatch(benchmark::State& state) {
  const auto loop = NewLoop();
  std::vector<UniqueFd> fds;
  uint64_t calls = 0;
  uint64_t stop_at = 0;
  for (int64_t i = 0; i < state.range(0); ++i) {
    fds.push_back(NewEventFd(1));
    benchmark::DoNotOptimize(
        loop->AddReader(fds.back().get(), [&loop, &calls, &stop_at] {
          if (++calls == stop_at) loop->Stop();
        }));
  }
  // In bursts of turns: starting and ending a run is not what is measured.
  constexpr int kTurns = 100;
  const uint64_t burst = kTurns * static_cast<uint64_t>(state.range(0));
  for (int warm_up = 0; warm_up < 10; ++warm_up) {
    loop->Stop();
    benchmark::DoNotOptimize(loop->RunForever());
  }
  while (state.KeepRunningBatch(kTurns)) {
    calls = 0;
    stop_at = burst;
    benchmark::DoNotOptimize(loop->RunForever());
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_LoopDispatch)->Arg(1)->Arg(100)->Arg(1000);

}  // namespace
}  // namespace evkit
