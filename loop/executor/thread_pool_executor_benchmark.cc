// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// What does it cost to have something done elsewhere, one thing at a time and
// in a flood?
//
//   bazel run -c opt //loop/executor:thread_pool_executor_benchmark
//
// Each case of the pool stands beside the least that a program could write
// itself: a queue of functions behind a mutex and a condition variable, whose
// threads are there from the start. Compare times of one run with each other,
// not with those of another run.

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "benchmark/benchmark.h"
#include "evkit/loop/default_event_loop.h"
#include "evkit/loop/executor/call_in_executor.h"
#include "evkit/loop/executor/thread_pool_executor.h"

namespace evkit {
namespace {

class Pool {
 public:
  explicit Pool(int threads) : executor_(Options(threads)) {}
  template <typename F>
  void Submit(F work) {
    (void)executor_.Submit(std::move(work));
  }

 private:
  static ThreadPoolExecutorOptions Options(int threads) {
    ThreadPoolExecutorOptions options;
    options.max_threads = threads;
    return options;
  }

  ThreadPoolExecutor executor_;
};

class MutexAndDeque {
 public:
  explicit MutexAndDeque(int threads) {
    for (int i = 0; i < threads; ++i) {
      threads_.emplace_back([this] { Run(); });
    }
  }
  ~MutexAndDeque() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      stop_ = true;
    }
    changed_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }
  void Submit(std::function<void()> work) {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      queue_.push_back(std::move(work));
    }
    changed_.notify_one();
  }

 private:
  void Run() {
    std::unique_lock<std::mutex> lock(mutex_);
    while (true) {
      changed_.wait(lock, [this] { return !queue_.empty() || stop_; });
      if (queue_.empty()) return;
      const std::function<void()> work = std::move(queue_.front());
      queue_.pop_front();
      lock.unlock();
      work();
      lock.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> queue_;
  bool stop_ = false;
  std::vector<std::thread> threads_;
};

// --- One at a time ----------------------------------------------------------

// The submitter sleeps until the work is done.
template <typename Executor>
void BM_RoundTrip(benchmark::State& state) {
  Executor executor(1);
  std::mutex mutex;
  std::condition_variable changed;
  bool done = false;
  for (auto _ : state) {
    executor.Submit([&] {
      const std::lock_guard<std::mutex> lock(mutex);
      done = true;
      changed.notify_one();
    });
    std::unique_lock<std::mutex> lock(mutex);
    changed.wait(lock, [&] { return done; });
    done = false;
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK_TEMPLATE(BM_RoundTrip, Pool)->MeasureProcessCPUTime()->UseRealTime();
BENCHMARK_TEMPLATE(BM_RoundTrip, MutexAndDeque)
    ->MeasureProcessCPUTime()
    ->UseRealTime();

// A loop sleeps until the work is done.
void BM_RoundTrip_Loop(benchmark::State& state) {
  const std::unique_ptr<EventLoop> loop = *NewDefaultEventLoop();
  ThreadPoolExecutorOptions options;
  options.max_threads = 1;
  ThreadPoolExecutor executor(options);
  for (auto _ : state) {
    (void)CallInExecutor(
        *loop, &executor, [] {},
        [&loop](const ExecutorOutcome&) { loop->Stop(); });
    (void)loop->RunForever();
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_RoundTrip_Loop)->MeasureProcessCPUTime()->UseRealTime();

// --- A flood ----------------------------------------------------------------

constexpr int kFlood = 100'000;
// How many jobs may be on their way before the submitter waits; without a limit
// the machine's scheduler decides how long the queue becomes.
constexpr int64_t kWindow = 4096;

// Submits as fast as it goes, to as many threads as the argument says.
template <typename Executor>
void BM_Flood(benchmark::State& state) {
  Executor executor(static_cast<int>(state.range(0)));
  std::atomic<int64_t> ended{0};
  while (state.KeepRunningBatch(kFlood)) {
    ended.store(0);
    for (int64_t i = 0; i < kFlood; ++i) {
      if (i % 256 == 0) {
        while (i - ended.load() > kWindow) std::this_thread::yield();
      }
      executor.Submit([&ended] { ended.fetch_add(1); });
    }
    while (ended.load() < kFlood) std::this_thread::yield();
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK_TEMPLATE(BM_Flood, Pool)
    ->Arg(1)
    ->Arg(8)
    ->MeasureProcessCPUTime()
    ->UseRealTime();
BENCHMARK_TEMPLATE(BM_Flood, MutexAndDeque)
    ->Arg(1)
    ->Arg(8)
    ->MeasureProcessCPUTime()
    ->UseRealTime();

// The same from a loop, each job with its callback.
void BM_Flood_Loop(benchmark::State& state) {
  const std::unique_ptr<EventLoop> loop = *NewDefaultEventLoop();
  ThreadPoolExecutorOptions options;
  options.max_threads = static_cast<int>(state.range(0));
  ThreadPoolExecutor executor(options);
  int64_t submitted = 0;
  int64_t ended = 0;
  std::function<void()> submit_one = [&] {
    ++submitted;
    (void)CallInExecutor(
        *loop, &executor, [] {},
        [&](const ExecutorOutcome&) {
          if (submitted < kFlood) submit_one();
          if (++ended == kFlood) loop->Stop();
        });
  };
  while (state.KeepRunningBatch(kFlood)) {
    submitted = 0;
    ended = 0;
    for (int64_t i = 0; i < kWindow; ++i) submit_one();
    (void)loop->RunForever();
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_Flood_Loop)
    ->Arg(1)
    ->Arg(8)
    ->MeasureProcessCPUTime()
    ->UseRealTime();

}  // namespace
}  // namespace evkit
