// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// What does a post from another thread cost, in a flood and there and back?
//
//   bazel run -c opt //loop:posting_benchmark
//
// Each case of the loop stands beside the least that a program without a loop
// could do for the same end; compare times of one run with each other, not with
// those of another run. The machine decides more here than the program does.

#include <sys/epoll.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "benchmark/benchmark.h"
#include "evkit/base/unique_fd.h"
#include "evkit/base/wakeup_fd.h"
#include "evkit/loop/default_event_loop.h"

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
// --- Posts of another thread ------------------------------------------------

// What posting costs where no other thread is in the way: the loop's own.
void BM_PostThenRun_Loop(benchmark::State& state) {
  const auto loop = NewLoop();
  int64_t sum = 0;
  while (state.KeepRunningBatch(1000)) {
    for (int64_t i = 0; i < 1000; ++i) {
      (void)loop->CallSoonThreadsafe([&sum, i] { sum += i; });
    }
    loop->Stop();
    (void)loop->RunForever();
  }
  benchmark::DoNotOptimize(sum);
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_PostThenRun_Loop);

void BM_PostThenRun_MutexAndVector(benchmark::State& state) {
  std::mutex mutex;
  std::vector<std::function<void()>> functions;
  std::vector<std::function<void()>> running;
  int64_t sum = 0;
  while (state.KeepRunningBatch(1000)) {
    for (int64_t i = 0; i < 1000; ++i) {
      const std::lock_guard<std::mutex> lock(mutex);
      functions.push_back([&sum, i] { sum += i; });
    }
    functions.swap(running);
    for (const std::function<void()>& function : running) function();
    running.clear();
  }
  benchmark::DoNotOptimize(sum);
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_PostThenRun_MutexAndVector);

// How many posts may be on their way before the poster waits; without a limit
// the machine's scheduler decides how large the queue becomes.
constexpr int kWindow = 4096;

// Posts `batch` times, with `post`, a callback that counts `arrived` up.
template <typename Post>
void PostBatch(int64_t batch, const std::atomic<int64_t>& arrived,
               const Post& post) {
  for (int64_t i = 0; i < batch; ++i) {
    if (i % 256 == 0) {
      while (i - arrived.load(std::memory_order_acquire) > kWindow) {
        std::this_thread::yield();
      }
    }
    post();
  }
}

constexpr int kFlood = 200'000;

// Posts as fast as it goes while the loop runs them. `make_callback` gives what
// to post, from a callable that counts.
template <typename MakeCallback>
void FloodLoop(benchmark::State& state, const MakeCallback& make_callback) {
  const auto loop = NewLoop();
  std::atomic<int64_t> arrived{0};
  const auto count = [&arrived, &loop = *loop] {
    const int64_t number = arrived.load(std::memory_order_relaxed) + 1;
    arrived.store(number, std::memory_order_release);
    if (number == kFlood) loop.Stop();
  };
  while (state.KeepRunningBatch(kFlood)) {
    arrived.store(0);
    std::thread poster([&] {
      PostBatch(kFlood, arrived,
                [&] { (void)loop->CallSoonThreadsafe(make_callback(count)); });
    });
    (void)loop->RunForever();
    poster.join();
  }
  state.SetItemsProcessed(state.iterations());
}

void BM_Flood_Loop(benchmark::State& state) {
  FloodLoop(state, [](const auto& count) { return count; });
}
BENCHMARK(BM_Flood_Loop)->MeasureProcessCPUTime()->UseRealTime();

// The callable is not one that can be moved by copying its bytes.
void BM_Flood_LoopSharedPtr(benchmark::State& state) {
  const auto shared = std::make_shared<int>();
  FloodLoop(state, [&shared](const auto& count) {
    return [count, shared] { count(); };
  });
}
BENCHMARK(BM_Flood_LoopSharedPtr)->MeasureProcessCPUTime()->UseRealTime();

// A vector of functions behind a mutex, an eventfd written when it was empty.
class MutexQueue {
 public:
  MutexQueue() { epoll_.Add(wakeup_); }
  void Post(std::function<void()> function) {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      functions_.push_back(std::move(function));
      if (functions_.size() > 1) return;
    }
    wakeup_.Wake();
  }
  // Waits, and runs what there is.
  void RunOnce() {
    epoll_.Wait(-1);
    wakeup_.Dispatch();
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      functions_.swap(running_);
    }
    for (const std::function<void()>& function : running_) function();
    running_.clear();
  }

 private:
  QuietEpoll epoll_;
  WakeupFd wakeup_ = *WakeupFd::Create();
  std::mutex mutex_;
  std::vector<std::function<void()>> functions_;
  std::vector<std::function<void()>> running_;
};

void BM_Flood_MutexAndVector(benchmark::State& state) {
  MutexQueue queue;
  std::atomic<int64_t> arrived{0};
  const auto count = [&arrived, &queue] {
    benchmark::DoNotOptimize(&queue);
    arrived.store(arrived.load(std::memory_order_relaxed) + 1,
                  std::memory_order_release);
  };
  while (state.KeepRunningBatch(kFlood)) {
    arrived.store(0);
    std::thread poster(
        [&] { PostBatch(kFlood, arrived, [&] { queue.Post(count); }); });
    while (arrived.load(std::memory_order_relaxed) < kFlood) queue.RunOnce();
    poster.join();
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_Flood_MutexAndVector)->MeasureProcessCPUTime()->UseRealTime();

// --- There and back ---------------------------------------------------------

// Another loop, in a thread of its own.
class OtherLoop {
 public:
  OtherLoop() : thread_([this] { (void)loop_->RunForever(); }) {}
  ~OtherLoop() {
    (void)loop_->CallSoonThreadsafe([this] { loop_->Stop(); });
    thread_.join();
  }
  EventLoop& loop() { return *loop_; }

 private:
  const std::unique_ptr<EventLoop> loop_ = NewLoop();
  std::thread thread_;
};

constexpr int kRoundTrips = 1000;

// Both loops sleep until the other one posts.
void BM_RoundTrip_IdleLoops(benchmark::State& state) {
  const auto loop = NewLoop();
  OtherLoop other;
  int left = 0;
  std::function<void()> there = [&] {
    (void)other.loop().CallSoonThreadsafe([&] {
      (void)loop->CallSoonThreadsafe([&] {
        if (--left > 0) {
          there();
        } else {
          loop->Stop();
        }
      });
    });
  };
  while (state.KeepRunningBatch(kRoundTrips)) {
    left = kRoundTrips;
    there();
    (void)loop->RunForever();
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_RoundTrip_IdleLoops)->MeasureProcessCPUTime()->UseRealTime();

void BM_RoundTrip_IdleEventfds(benchmark::State& state) {
  const WakeupFd there = *WakeupFd::Create();
  const WakeupFd back = *WakeupFd::Create();
  std::atomic<bool> stop{false};
  std::thread thread([&] {
    QuietEpoll epoll;
    epoll.Add(there);
    while (true) {
      epoll.Wait(-1);
      there.Dispatch();
      if (stop.load()) return;
      back.Wake();
    }
  });
  QuietEpoll epoll;
  epoll.Add(back);
  while (state.KeepRunningBatch(kRoundTrips)) {
    for (int i = 0; i < kRoundTrips; ++i) {
      there.Wake();
      epoll.Wait(-1);
      back.Dispatch();
    }
  }
  stop.store(true);
  there.Wake();
  thread.join();
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_RoundTrip_IdleEventfds)->MeasureProcessCPUTime()->UseRealTime();

// The other loop has always something to do and never sleeps.
void BM_RoundTrip_BusyLoop(benchmark::State& state) {
  OtherLoop other;
  std::atomic<bool> stop{false};
  std::function<void()> spin = [&] {
    if (!stop.load(std::memory_order_relaxed)) other.loop().CallSoon(spin);
  };
  (void)other.loop().CallSoonThreadsafe(spin);
  std::atomic<int> answers{0};
  int asked = 0;
  while (state.KeepRunningBatch(kRoundTrips)) {
    for (int i = 0; i < kRoundTrips; ++i) {
      (void)other.loop().CallSoonThreadsafe(
          [&answers] { answers.fetch_add(1, std::memory_order_release); });
      ++asked;
      while (answers.load(std::memory_order_acquire) != asked) {
      }
    }
  }
  stop.store(true);
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_RoundTrip_BusyLoop)->MeasureProcessCPUTime()->UseRealTime();

}  // namespace
}  // namespace evkit
