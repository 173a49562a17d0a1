// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// What does a selector add to the system calls? Dispatch: one `Select()` with
// 1, 100 or 1000 eventfds that stay readable, every token looked at. Churn: one
// descriptor registered and unregistered. Beside the loop that one would write
// by hand over epoll (Raw).
//
//   $ bazel run -c opt //selectors:selector_benchmark
//
// On a machine that does other things too, compare medians of repetitions:
// --benchmark_enable_random_interleaving=true --benchmark_repetitions=15
// --benchmark_report_aggregates_only=true

#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <vector>

#include "absl/time/time.h"
#include "benchmark/benchmark.h"
#include "evkit/base/unique_fd.h"
#include "evkit/selectors/epoll_selector.h"
#include "evkit/selectors/poll_selector.h"
#include "evkit/selectors/select_selector.h"
#include "evkit/selectors/uring_selector.h"

namespace evkit {
namespace {

std::vector<UniqueFd> ReadableDescriptors(int64_t count) {
  std::vector<UniqueFd> fds;
  for (int64_t i = 0; i < count; ++i) {
    fds.emplace_back(eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC));
  }
  return fds;
}

// 1000 still fits into what select(2) takes.
void Sizes(benchmark::internal::Benchmark* benchmark) {
  benchmark->Arg(1)->Arg(100)->Arg(1000);
}

void BM_RawDispatch(benchmark::State& state) {
  const std::vector<UniqueFd> fds = ReadableDescriptors(state.range(0));
  const UniqueFd epoll_fd(epoll_create1(EPOLL_CLOEXEC));
  for (const UniqueFd& fd : fds) {
    epoll_event event = {};
    event.events = EPOLLIN;
    event.data.u64 = static_cast<uint64_t>(fd.get());
    epoll_ctl(epoll_fd.get(), EPOLL_CTL_ADD, fd.get(), &event);
  }
  std::vector<epoll_event> events(1024);
  for (auto _ : state) {
    const int count = epoll_wait(epoll_fd.get(), events.data(),
                                 static_cast<int>(events.size()), 0);
    uint64_t sum = 0;
    for (int i = 0; i < count; ++i) {
      const epoll_event& event = events[static_cast<size_t>(i)];
      if ((event.events & EPOLLIN) != 0) sum += event.data.u64;
    }
    benchmark::DoNotOptimize(sum);
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_RawDispatch)->Apply(Sizes);

template <typename T>
void BM_Dispatch(benchmark::State& state) {
  const std::vector<UniqueFd> fds = ReadableDescriptors(state.range(0));
  const std::unique_ptr<Selector> selector = *T::Create();
  for (const UniqueFd& fd : fds) {
    const absl::Status status = selector->Register(
        fd.get(), Interest::kRead, static_cast<uint64_t>(fd.get()));
    if (!status.ok()) {
      state.SkipWithError(status.ToString().c_str());
      return;
    }
  }
  std::vector<ReadyEvent> events;
  for (auto _ : state) {
    if (!selector->Select(absl::ZeroDuration(), events).ok()) std::abort();
    uint64_t sum = 0;
    for (const ReadyEvent& event : events) {
      if (Any(event.ready & Interest::kRead)) sum += event.token;
    }
    benchmark::DoNotOptimize(sum);
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK_TEMPLATE(BM_Dispatch, EpollSelector)->Apply(Sizes);
BENCHMARK_TEMPLATE(BM_Dispatch, PollSelector)->Apply(Sizes);
BENCHMARK_TEMPLATE(BM_Dispatch, SelectSelector)->Apply(Sizes);
BENCHMARK_TEMPLATE(BM_Dispatch, UringSelector)->Apply(Sizes);

// The same with a deadline, as when a timer is armed: the price of the clock.
void BM_EpollDispatchWithTimeout(benchmark::State& state) {
  const std::vector<UniqueFd> fds = ReadableDescriptors(1);
  const std::unique_ptr<Selector> selector = *EpollSelector::Create();
  if (!selector->Register(fds[0].get(), Interest::kRead, 1).ok()) std::abort();
  const absl::Duration timeout = absl::Nanoseconds(state.range(0));
  std::vector<ReadyEvent> events;
  for (auto _ : state) {
    if (!selector->Select(timeout, events).ok()) std::abort();
    benchmark::DoNotOptimize(events.data());
  }
}
BENCHMARK(BM_EpollDispatchWithTimeout)
    ->ArgName("ns")
    ->Arg(1'000'000'000)
    ->Arg(1'000'000'001);

void BM_RawChurn(benchmark::State& state) {
  const std::vector<UniqueFd> fds = ReadableDescriptors(1);
  const UniqueFd epoll_fd(epoll_create1(EPOLL_CLOEXEC));
  for (auto _ : state) {
    epoll_event event = {};
    event.events = EPOLLIN;
    event.data.u64 = 1;
    epoll_ctl(epoll_fd.get(), EPOLL_CTL_ADD, fds[0].get(), &event);
    epoll_ctl(epoll_fd.get(), EPOLL_CTL_DEL, fds[0].get(), nullptr);
  }
}
BENCHMARK(BM_RawChurn);

template <typename T>
void BM_Churn(benchmark::State& state) {
  const std::vector<UniqueFd> fds = ReadableDescriptors(1);
  const int fd = fds[0].get();
  const std::unique_ptr<Selector> selector = *T::Create();
  for (auto _ : state) {
    if (!selector->Register(fd, Interest::kRead, 1).ok()) std::abort();
    if (!selector->Unregister(fd).ok()) std::abort();
  }
}
BENCHMARK_TEMPLATE(BM_Churn, EpollSelector);
BENCHMARK_TEMPLATE(BM_Churn, PollSelector);
BENCHMARK_TEMPLATE(BM_Churn, SelectSelector);
BENCHMARK_TEMPLATE(BM_Churn, UringSelector);

}  // namespace
}  // namespace evkit
