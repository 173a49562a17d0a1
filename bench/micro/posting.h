// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// The other thread of the cases in which one posts to a loop, and the queue of
// posts for loops that can only be woken.

#ifndef EVKIT_BENCH_MICRO_POSTING_H_
#define EVKIT_BENCH_MICRO_POSTING_H_

#include <sched.h>
#include <time.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "evkit/bench/micro/micro.h"

namespace evkit {

// Counted up by what is posted, in the loop's thread.
using Arrivals = std::atomic<int64_t>;

inline void CountUp(Arrivals& arrived) {
  arrived.store(arrived.load(std::memory_order_relaxed) + 1,
                std::memory_order_release);
}

inline constexpr int64_t kRoundTrips = 100;
inline constexpr int64_t kFlood = 50'000;
// How many posts may be on their way: without a limit the machine's scheduler
// decides how long the queue becomes.
inline constexpr int64_t kWindow = 4096;

// A post, and a look for its arrival that does not sleep. If `idle`, the loop
// is given the time to fall asleep first. Takes the median of the round trips.
template <typename Post>
void MeasureRoundTrips(Meter& meter, bool idle, const Arrivals& arrived,
                       const Post& post) {
  int64_t posted = 0;
  meter.RunTimed(kRoundTrips, [&] {
    std::vector<int64_t> times;
    for (int64_t i = 0; i < kRoundTrips; ++i) {
      if (idle) {
        const timespec nap = {0, 200'000};
        nanosleep(&nap, nullptr);
      }
      const int64_t start = WallNanos();
      post();
      ++posted;
      for (int looks = 1; arrived.load(std::memory_order_acquire) != posted;
           ++looks) {
        if (looks % 4096 == 0) sched_yield();
      }
      times.push_back(WallNanos() - start);
    }
    std::nth_element(times.begin(), times.begin() + kRoundTrips / 2,
                     times.end());
    return times[kRoundTrips / 2] * kRoundTrips;
  });
}

// Posts as fast as it goes while the loop runs what is posted.
template <typename Post>
void MeasureFlood(Meter& meter, const Arrivals& arrived, const Post& post) {
  int64_t posted = 0;
  meter.Run(kFlood, [&] {
    for (int64_t i = 0; i < kFlood; ++i, ++posted) {
      if (i % 256 == 0) {
        while (posted - arrived.load(std::memory_order_acquire) > kWindow) {
          sched_yield();
        }
      }
      post();
    }
    while (arrived.load(std::memory_order_acquire) != posted) sched_yield();
  });
}

// Measures in a thread of its own while `run` runs the loop; `post` makes the
// loop CountUp(), and `stop`, called in that thread, makes `run` return.
template <typename Post, typename Run, typename Stop>
void MeasurePosts(Meter& meter, Posts what, const Arrivals& arrived,
                  const Post& post, const Run& run, const Stop& stop) {
  std::thread poster([&] {
    if (what == Posts::kFlood) {
      MeasureFlood(meter, arrived, post);
    } else {
      MeasureRoundTrips(meter, what == Posts::kIdleRoundTrips, arrived, post);
    }
    stop();
  });
  run();
  poster.join();
}

// Functions behind a mutex.
class PostQueue {
 public:
  void Push(std::function<void()> function) {
    const std::lock_guard<std::mutex> lock(mutex_);
    functions_.push_back(std::move(function));
  }
  void RunAll() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      functions_.swap(running_);
    }
    for (const std::function<void()>& function : running_) function();
    running_.clear();
  }

 private:
  std::mutex mutex_;
  std::vector<std::function<void()>> functions_;
  std::vector<std::function<void()>> running_;
};

}  // namespace evkit

#endif  // EVKIT_BENCH_MICRO_POSTING_H_
