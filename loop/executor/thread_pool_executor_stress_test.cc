// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Many jobs, many threads, shutdown at any moment: every job that was taken is
// run or destroyed, once, and nothing waits for ever.

#include <atomic>
#include <cstdint>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "evkit/loop/executor/thread_pool_executor.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
constexpr int kScale = 1;
#elif defined(__has_feature)
constexpr int kScale =
    __has_feature(thread_sanitizer) || __has_feature(address_sanitizer) ? 1
                                                                        : 10;
#else
constexpr int kScale = 10;
#endif

class Counts {
 public:
  std::atomic<int> alive{0};
  std::atomic<int> ran{0};
};

// A job that counts itself, and knows whether it has run before.
class CountedJob {
 public:
  explicit CountedJob(Counts& counts) : counts_(&counts) { ++counts.alive; }
  CountedJob(CountedJob&& other) noexcept
      : counts_(std::exchange(other.counts_, nullptr)) {}
  CountedJob& operator=(CountedJob&&) = delete;
  ~CountedJob() {
    if (counts_ != nullptr) --counts_->alive;
  }
  void operator()() {
    EXPECT_FALSE(std::exchange(has_run_, true));
    ++counts_->ran;
  }

 private:
  Counts* counts_;
  bool has_run_ = false;
};

ThreadPoolExecutorOptions UpTo(int max_threads) {
  ThreadPoolExecutorOptions options;
  options.max_threads = max_threads;
  return options;
}

TEST(ThreadPoolExecutorStressTest, bug_L5_NoJobIsLostAsThePoolGrows) {
  constexpr int kJobs = 20'000 * kScale;  // A million in all.
  for (const int threads : {1, 2, 3, 8, 64}) {
    Counts counts;
    {
      ThreadPoolExecutor pool(UpTo(threads));
      std::vector<std::thread> submitters;
      for (int i = 0; i < 4; ++i) {
        submitters.emplace_back([&] {
          for (int job = 0; job < kJobs / 4; ++job) {
            ASSERT_TRUE(pool.Submit(CountedJob(counts)).ok());
          }
        });
      }
      for (std::thread& submitter : submitters) submitter.join();
    }
    EXPECT_EQ(counts.ran.load(), kJobs);
    EXPECT_EQ(counts.alive.load(), 0);
  }
}

// A job that never finds all threads busy is never left waiting: each of these
// needs all the others to run at the same time.
TEST(ThreadPoolExecutorStressTest, bug_L5_JobsThatNeedEachOtherFindThreads) {
  constexpr int kThreads = 16;
  for (int round = 0; round < 20 * kScale; ++round) {
    ThreadPoolExecutor pool(UpTo(kThreads));
    for (int wave = 0; wave < 3; ++wave) {
      std::atomic<int> met{0};
      std::atomic<int> left{0};
      for (int i = 0; i < kThreads; ++i) {
        ASSERT_TRUE(pool.Submit([&] {
                          ++met;
                          while (met.load() < kThreads) {
                            std::this_thread::yield();
                          }
                          ++left;
                        })
                        .ok());
      }
      while (left.load() < kThreads) std::this_thread::yield();
    }
  }
}

TEST(ThreadPoolExecutorStressTest, bug_L5_ShutdownAtAnyMomentLosesNothing) {
  std::mt19937 random(5);
  for (int round = 0; round < 50 * kScale; ++round) {
    const int threads = 1 + static_cast<int>(random() % 64);
    const bool cancel_pending = random() % 2 == 0;
    const bool wait = random() % 2 == 0;
    const bool asynchronous = random() % 2 == 0;
    const uint32_t submit_before_shutdown = random() % 400;
    Counts counts;
    std::atomic<int> taken{0};
    std::atomic<int> withdrawn{0};
    std::atomic<int> on_ended_calls{0};
    {
      ThreadPoolExecutor pool(UpTo(threads));
      std::vector<std::thread> submitters;
      for (int i = 0; i < 2; ++i) {
        submitters.emplace_back([&] {
          for (int job = 0;; ++job) {
            if (job % 3 != 0) {
              if (!pool.Submit(CountedJob(counts)).ok()) return;
              ++taken;
              continue;
            }
            absl::StatusOr<JobHandle> handle =
                pool.SubmitCancellable(CountedJob(counts));
            if (!handle.ok()) return;
            ++taken;
            // What shutdown has destroyed counts as cancelled as well.
            if (handle->Cancel()) ++withdrawn;
          }
        });
      }
      while (taken.load() < static_cast<int>(submit_before_shutdown)) {
        std::this_thread::yield();
      }
      ShutdownOptions options;
      options.cancel_pending = cancel_pending;
      options.wait = wait;
      if (asynchronous) {
        EXPECT_TRUE(
            pool.ShutdownAsync([&] { ++on_ended_calls; }, cancel_pending).ok());
      }
      EXPECT_TRUE(pool.Shutdown(options).ok());
      for (std::thread& submitter : submitters) submitter.join();
      EXPECT_TRUE(pool.Shutdown().ok());
    }
    EXPECT_EQ(counts.alive.load(), 0);
    EXPECT_EQ(on_ended_calls.load(), asynchronous ? 1 : 0);
    EXPECT_LE(counts.ran.load() + withdrawn.load(), taken.load());
    if (!cancel_pending) {
      EXPECT_EQ(counts.ran.load() + withdrawn.load(), taken.load());
    }
  }
}

}  // namespace
}  // namespace evkit
