// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/executor/thread_pool_executor.h"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <functional>
#include <latch>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "evkit/base/errno_status.h"
#include "evkit/base/fault_injection.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using ::testing::ElementsAre;

ThreadPoolExecutorOptions UpTo(int max_threads) {
  ThreadPoolExecutorOptions options;
  options.max_threads = max_threads;
  return options;
}

ShutdownOptions WithoutWaiting() {
  ShutdownOptions options;
  options.wait = false;
  return options;
}

ShutdownOptions CancellingPending() {
  ShutdownOptions options;
  options.cancel_pending = true;
  return options;
}

bool IsRefused(const absl::Status& status) {
  return status.code() == absl::StatusCode::kFailedPrecondition;
}

// Waits until the pool says `description` of itself.
void AwaitState(const ThreadPoolExecutor& pool, const std::string& state) {
  while (pool.DebugString() != "<ThreadPoolExecutor " + state + ">") {
    std::this_thread::yield();
  }
}

std::string NameOfThisThread() {
  char name[16] = {};
  EXPECT_EQ(pthread_getname_np(pthread_self(), name, sizeof(name)), 0);
  return name;
}

// Calls a function when it is destroyed.
class AtEnd {
 public:
  explicit AtEnd(std::function<void()> function)
      : function_(std::move(function)) {}
  AtEnd(AtEnd&& other) noexcept
      : function_(std::exchange(other.function_, nullptr)) {}
  AtEnd& operator=(AtEnd&&) = delete;
  ~AtEnd() {
    if (function_ != nullptr) function_();
  }

 private:
  std::function<void()> function_;
};

// A job that keeps a thread busy until it is released.
class Occupation {
 public:
  explicit Occupation(ThreadPoolExecutor& pool) {
    EXPECT_TRUE(pool.Submit([state = state_] {
                      state->started.count_down();
                      state->release.wait();
                    })
                    .ok());
    state_->started.wait();
  }
  ~Occupation() { Release(); }
  void Release() {
    if (!std::exchange(released_, true)) state_->release.count_down();
  }

 private:
  struct State {
    std::latch started{1};
    std::latch release{1};
  };
  // Shared by the test and the job.
  const std::shared_ptr<State> state_ = std::make_shared<State>();
  bool released_ = false;
};

TEST(ThreadPoolExecutorTest, JobsRunOnceInOrderOnAnotherThread) {
  std::vector<int> ran;
  std::set<std::thread::id> threads;
  ThreadPoolExecutor pool(UpTo(1));
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(pool.Submit([&, i] {
                      ran.push_back(i);
                      threads.insert(std::this_thread::get_id());
                    })
                    .ok());
  }
  EXPECT_TRUE(pool.Shutdown().ok());
  EXPECT_THAT(ran, ElementsAre(0, 1, 2));
  EXPECT_EQ(threads.size(), 1u);
  EXPECT_EQ(threads.count(std::this_thread::get_id()), 0u);
}

// EXE-02
TEST(ThreadPoolExecutorTest, DefaultSizeIsFourMoreThanTheCpusAtMostThirtyTwo) {
  cpu_set_t cpus;
  ASSERT_EQ(sched_getaffinity(0, sizeof(cpus), &cpus), 0);
  EXPECT_EQ(ThreadPoolExecutorOptions().max_threads,
            std::min(32, CPU_COUNT(&cpus) + 4));
}

TEST(ThreadPoolExecutorTest, DefaultSizeWithoutAffinityIsThatOfTheMachine) {
  FaultInjection faults;
  faults.Fail("sched_getaffinity", EINVAL);
  EXPECT_EQ(
      ThreadPoolExecutorOptions().max_threads,
      std::min(32, static_cast<int>(std::thread::hardware_concurrency()) + 4));
}

// EXE-11
TEST(ThreadPoolExecutorTest, ThreadIsStartedOnlyIfNoneIsIdle) {
  FaultInjection faults;
  ThreadPoolExecutor pool(UpTo(3));
  EXPECT_EQ(faults.Count("pthread_create"), 0);
  for (int i = 0; i < 5; ++i) {
    EXPECT_TRUE(pool.Submit([] {}).ok());
    AwaitState(pool, "threads=1 idle=1 queued=0");
  }
  Occupation first(pool);
  Occupation second(pool);
  EXPECT_EQ(pool.DebugString(),
            "<ThreadPoolExecutor threads=2 idle=0 queued=0>");
  Occupation third(pool);
  EXPECT_TRUE(pool.Submit([] {}).ok());
  EXPECT_EQ(pool.DebugString(),
            "<ThreadPoolExecutor threads=3 idle=0 queued=1>");
  second.Release();
  AwaitState(pool, "threads=3 idle=1 queued=0");
  EXPECT_EQ(faults.Count("pthread_create"), 3);
}

// EXE-11
TEST(ThreadPoolExecutorTest, ThreadsAreNamedByPrefixAndIndex) {
  ThreadPoolExecutor pool(UpTo(2));
  std::vector<std::string> names(2);
  std::latch both(2);
  for (std::string& name : names) {
    EXPECT_TRUE(pool.Submit([&] {
                      name = NameOfThisThread();
                      both.arrive_and_wait();
                    })
                    .ok());
  }
  EXPECT_TRUE(pool.Shutdown().ok());
  EXPECT_THAT(names, ::testing::UnorderedElementsAre("evkit_0", "evkit_1"));
}

TEST(ThreadPoolExecutorTest, LongPrefixIsCutAndTheIndexKept) {
  ThreadPoolExecutorOptions options;
  options.thread_name_prefix = "a-prefix-that-is-too-long";
  ThreadPoolExecutor pool(std::move(options));
  std::string name;
  EXPECT_TRUE(pool.Submit([&] { name = NameOfThisThread(); }).ok());
  EXPECT_TRUE(pool.Shutdown().ok());
  EXPECT_EQ(name, "a-prefix-that_0");
}

TEST(ThreadPoolExecutorTest, ThreadThatCannotBeNamedWorksAllTheSame) {
  FaultInjection faults;
  faults.Fail("pthread_setname_np", ERANGE);
  ThreadPoolExecutor pool;
  bool ran = false;
  EXPECT_TRUE(pool.Submit([&] { ran = true; }).ok());
  EXPECT_TRUE(pool.Shutdown().ok());
  EXPECT_TRUE(ran);
}

// --- Cancelling -------------------------------------------------------------

// EXE-04
TEST(ThreadPoolExecutorTest, CancelledBeforeItStartsAJobNeverRuns) {
  ThreadPoolExecutor pool(UpTo(1));
  Occupation occupation(pool);
  bool ran = false;
  std::thread::id destroyed_on;
  absl::StatusOr<JobHandle> job = pool.SubmitCancellable(
      [&, at_end = AtEnd([&] { destroyed_on = std::this_thread::get_id(); })] {
        ran = true;
      });
  ASSERT_TRUE(job.ok());
  EXPECT_TRUE(job->Cancel());
  EXPECT_EQ(destroyed_on, std::this_thread::get_id());
  EXPECT_EQ(pool.DebugString(),
            "<ThreadPoolExecutor threads=1 idle=0 queued=0>");
  EXPECT_TRUE(job->Cancel()) << "it still never ran";
  occupation.Release();
  EXPECT_TRUE(pool.Shutdown().ok());
  EXPECT_FALSE(ran);
}

// EXE-04
TEST(ThreadPoolExecutorTest, JobThatRunsCannotBeCancelled) {
  ThreadPoolExecutor pool(UpTo(1));
  std::latch started(1);
  std::latch release(1);
  bool ran_to_its_end = false;
  absl::StatusOr<JobHandle> job = pool.SubmitCancellable([&] {
    started.count_down();
    release.wait();
    ran_to_its_end = true;
  });
  ASSERT_TRUE(job.ok());
  started.wait();
  EXPECT_FALSE(job->Cancel());
  release.count_down();
  EXPECT_TRUE(pool.Shutdown().ok());
  EXPECT_TRUE(ran_to_its_end);
  EXPECT_FALSE(job->Cancel());
}

TEST(ThreadPoolExecutorTest, HandleMayOutliveThePoolAndMayBeEmpty) {
  EXPECT_FALSE(JobHandle().Cancel());
  JobHandle ran;
  JobHandle dropped;
  {
    ThreadPoolExecutor pool(UpTo(1));
    absl::StatusOr<JobHandle> job = pool.SubmitCancellable([] {});
    ASSERT_TRUE(job.ok());
    ran = *job;
    AwaitState(pool, "threads=1 idle=1 queued=0");
    Occupation occupation(pool);
    job = pool.SubmitCancellable([] { FAIL(); });
    ASSERT_TRUE(job.ok());
    dropped = *job;
    occupation.Release();
    EXPECT_TRUE(dropped.Cancel());
  }
  EXPECT_FALSE(ran.Cancel());
  EXPECT_TRUE(dropped.Cancel());
}

TEST(ThreadPoolExecutorTest, DestructorOfACancelledJobMayUseThePool) {
  ThreadPoolExecutor pool(UpTo(1));
  Occupation occupation(pool);
  bool ran = false;
  absl::StatusOr<JobHandle> job = pool.SubmitCancellable(
      [at_end = AtEnd(
           [&] { EXPECT_TRUE(pool.Submit([&] { ran = true; }).ok()); })] {});
  ASSERT_TRUE(job.ok());
  EXPECT_TRUE(job->Cancel());
  occupation.Release();
  EXPECT_TRUE(pool.Shutdown().ok());
  EXPECT_TRUE(ran);
}

// --- Shutting down ----------------------------------------------------------

TEST(ThreadPoolExecutorTest, ShutdownRunsWhatIsQueuedAndRefusesTheRest) {
  ThreadPoolExecutor pool(UpTo(1));
  Occupation occupation(pool);
  int ran = 0;
  for (int i = 0; i < 10; ++i) {
    EXPECT_TRUE(pool.Submit([&] { ++ran; }).ok());
  }
  EXPECT_TRUE(pool.Shutdown(WithoutWaiting()).ok());
  std::thread::id destroyed_on;
  EXPECT_TRUE(IsRefused(pool.Submit([at_end = AtEnd([&] {
                                       destroyed_on =
                                           std::this_thread::get_id();
                                     })] { FAIL(); })));
  EXPECT_EQ(destroyed_on, std::this_thread::get_id());
  EXPECT_TRUE(IsRefused(pool.SubmitCancellable([] { FAIL(); }).status()));
  occupation.Release();
  EXPECT_TRUE(pool.Shutdown().ok());
  EXPECT_EQ(ran, 10);
}

TEST(ThreadPoolExecutorTest, ShutdownDestroysWhatIsQueuedIfTold) {
  ThreadPoolExecutor pool(UpTo(1));
  Occupation occupation(pool);
  std::vector<std::thread::id> destroyed_on;
  std::vector<JobHandle> handles;
  for (int i = 0; i < 3; ++i) {
    absl::StatusOr<JobHandle> job = pool.SubmitCancellable(
        [at_end = AtEnd([&] {
           destroyed_on.push_back(std::this_thread::get_id());
         })] { FAIL(); });
    ASSERT_TRUE(job.ok());
    handles.push_back(*job);
  }
  EXPECT_TRUE(pool.Submit([] { FAIL(); }).ok());
  ShutdownOptions options = CancellingPending();
  options.wait = false;
  EXPECT_TRUE(pool.Shutdown(options).ok());
  EXPECT_EQ(destroyed_on.size(), 3u);
  EXPECT_THAT(destroyed_on, ::testing::Each(std::this_thread::get_id()));
  for (JobHandle& handle : handles) EXPECT_TRUE(handle.Cancel());
  occupation.Release();
  EXPECT_TRUE(pool.Shutdown().ok());
}

TEST(ThreadPoolExecutorTest, DestructorRunsWhatIsQueuedAndWaits) {
  int ran = 0;
  {
    ThreadPoolExecutor pool(UpTo(1));
    for (int i = 0; i < 10; ++i) {
      EXPECT_TRUE(pool.Submit([&] { ++ran; }).ok());
    }
  }
  EXPECT_EQ(ran, 10);
}

TEST(ThreadPoolExecutorTest, AfterShutdownTheThreadsAreReallyGone) {
  static std::atomic<int> alive{0};
  class ThreadLocalObject {
   public:
    ThreadLocalObject() { ++alive; }
    ~ThreadLocalObject() { --alive; }
  };
  ThreadPoolExecutor pool(UpTo(2));
  for (int i = 0; i < 4; ++i) {
    EXPECT_TRUE(pool.Submit([] {
                      static thread_local ThreadLocalObject object;
                      EXPECT_GT(alive.load(), 0);
                      (void)object;
                    })
                    .ok());
  }
  EXPECT_TRUE(pool.Shutdown().ok());
  EXPECT_EQ(alive.load(), 0);
}

TEST(ThreadPoolExecutorTest, EveryoneWhoWaitsForShutdownWaitsForAllOfIt) {
  std::atomic<bool> ran{false};
  ThreadPoolExecutor pool(UpTo(1));
  Occupation occupation(pool);
  EXPECT_TRUE(pool.Submit([&] { ran = true; }).ok());
  std::latch all_are_there(3);
  std::vector<std::thread> waiting;
  for (int i = 0; i < 3; ++i) {
    waiting.emplace_back([&] {
      all_are_there.count_down();
      EXPECT_TRUE(pool.Shutdown().ok());
      EXPECT_TRUE(ran.load());
    });
  }
  all_are_there.wait();
  occupation.Release();
  for (std::thread& thread : waiting) thread.join();
}

TEST(ThreadPoolExecutorTest, ShutdownWithoutThreadsIsShutdownToo) {
  ThreadPoolExecutor pool;
  EXPECT_TRUE(pool.Shutdown().ok());
  EXPECT_TRUE(IsRefused(pool.Submit([] { FAIL(); })));
  int calls = 0;
  EXPECT_TRUE(pool.ShutdownAsync([&] { ++calls; }).ok());
  EXPECT_EQ(calls, 1);
}

TEST(ThreadPoolExecutorTest, AsynchronousShutdownCallsWhenTheLastJobHasEnded) {
  ThreadPoolExecutor pool(UpTo(2));
  std::atomic<int> jobs_ended{0};
  std::latch told(2);
  std::optional<Occupation> first(std::in_place, pool);
  std::optional<Occupation> second(std::in_place, pool);
  EXPECT_TRUE(pool.Submit([&] { ++jobs_ended; }).ok());
  const std::thread::id here = std::this_thread::get_id();
  const auto on_ended = [&] {
    EXPECT_EQ(jobs_ended.load(), 1);
    EXPECT_NE(std::this_thread::get_id(), here);
    told.count_down();
  };
  EXPECT_TRUE(pool.ShutdownAsync(on_ended).ok());
  EXPECT_TRUE(pool.ShutdownAsync(on_ended).ok());
  EXPECT_TRUE(IsRefused(pool.Submit([] { FAIL(); })));
  EXPECT_FALSE(told.try_wait());
  first.reset();
  second.reset();
  told.wait();
  EXPECT_TRUE(pool.Shutdown().ok());
}

TEST(ThreadPoolExecutorTest, AsynchronousShutdownCanCancelWhatIsQueued) {
  ThreadPoolExecutor pool(UpTo(1));
  Occupation occupation(pool);
  std::latch told(1);
  EXPECT_TRUE(pool.Submit([] { FAIL(); }).ok());
  EXPECT_TRUE(pool.ShutdownAsync([&] { told.count_down(); },
                                 /*cancel_pending=*/true)
                  .ok());
  EXPECT_EQ(pool.DebugString(),
            "<ThreadPoolExecutor threads=1 idle=0 queued=0>");
  occupation.Release();
  told.wait();
}

TEST(ThreadPoolExecutorTest, bug_L3_ThreadsThatAreStuckAreLeftBehind) {
  std::latch started(1);
  std::latch release(1);
  std::latch ended(1);
  std::atomic<bool> queued_job_ran{false};
  auto pool = std::make_unique<ThreadPoolExecutor>(UpTo(1));
  EXPECT_TRUE(pool->Submit([&] {
                    started.count_down();
                    release.wait();
                  })
                  .ok());
  started.wait();
  EXPECT_TRUE(pool->Submit([&] { queued_job_ran = true; }).ok());
  EXPECT_TRUE(pool->ShutdownAsync([&] { ended.count_down(); }).ok());
  EXPECT_TRUE(pool->Shutdown(WithoutWaiting()).ok());
  pool.reset();
  EXPECT_FALSE(ended.try_wait());
  // Not stuck for ever after all: it goes on without its executor.
  release.count_down();
  ended.wait();
  EXPECT_TRUE(queued_job_ran.load());
}

// --- From the pool's own jobs -----------------------------------------------

TEST(ThreadPoolExecutorTest, JobsMaySubmitJobs) {
  ThreadPoolExecutor pool(UpTo(1));
  std::latch ran(1);
  EXPECT_TRUE(pool.Submit([&] {
                    EXPECT_TRUE(pool.Submit([&] { ran.count_down(); }).ok());
                  })
                  .ok());
  ran.wait();
}

TEST(ThreadPoolExecutorTest, JobThatWaitsForShutdownIsTold) {
  ThreadPoolExecutor pool(UpTo(1));
  absl::Status status;
  EXPECT_TRUE(pool.Submit([&] { status = pool.Shutdown(); }).ok());
  AwaitState(pool, "threads=0 idle=0 queued=0");
  EXPECT_TRUE(pool.Shutdown().ok());
  EXPECT_TRUE(IsRefused(status));
}

TEST(ThreadPoolExecutorTest, JobMayDestroyItsExecutor) {
  auto pool = std::make_unique<ThreadPoolExecutor>(UpTo(1));
  ThreadPoolExecutor* const raw = pool.get();
  std::latch ended(1);
  std::latch all_set(1);
  std::atomic<bool> queued_job_ran{false};
  EXPECT_TRUE(raw->Submit([&, pool = std::move(pool)]() mutable {
                   all_set.wait();
                   pool.reset();
                 })
                  .ok());
  EXPECT_TRUE(raw->Submit([&] { queued_job_ran = true; }).ok());
  EXPECT_TRUE(raw->ShutdownAsync([&] { ended.count_down(); }).ok());
  all_set.count_down();
  ended.wait();
  EXPECT_TRUE(queued_job_ran.load());
}

// --- When things go wrong ---------------------------------------------------

TEST(ThreadPoolExecutorTest, WithoutAnyThreadAJobIsRefused) {
  FaultInjection faults;
  faults.Fail("pthread_create", EAGAIN, 1);
  ThreadPoolExecutor pool;
  std::thread::id destroyed_on;
  const absl::Status status = pool.Submit(
      [at_end = AtEnd([&] { destroyed_on = std::this_thread::get_id(); })] {
        FAIL();
      });
  EXPECT_EQ(ErrnoFromStatus(status), EAGAIN);
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(destroyed_on, std::this_thread::get_id());
  EXPECT_EQ(pool.DebugString(),
            "<ThreadPoolExecutor threads=0 idle=0 queued=0>");
  bool ran = false;
  EXPECT_TRUE(pool.Submit([&] { ran = true; }).ok());
  EXPECT_TRUE(pool.Shutdown().ok());
  EXPECT_TRUE(ran);
}

TEST(ThreadPoolExecutorTest, WithoutAnotherThreadAJobWaitsForTheOnesThereAre) {
  FaultInjection faults;
  ThreadPoolExecutor pool(UpTo(2));
  Occupation occupation(pool);
  faults.Fail("pthread_create", EAGAIN, 1);
  bool ran = false;
  std::latch also_ran(1);
  EXPECT_TRUE(pool.Submit([&] { ran = true; }).ok());
  EXPECT_EQ(pool.DebugString(),
            "<ThreadPoolExecutor threads=1 idle=0 queued=1>");
  // The next job tries again, and its thread serves both.
  EXPECT_TRUE(pool.Submit([&] { also_ran.count_down(); }).ok());
  also_ran.wait();
  EXPECT_TRUE(ran);
  EXPECT_EQ(faults.Count("pthread_create"), 3);
}

TEST(ThreadPoolExecutorDeathTest, NonsenseIsABug) {
  EXPECT_DEATH(ThreadPoolExecutor(UpTo(0)), "at least one thread");
  ThreadPoolExecutor pool;
  EXPECT_DEATH((void)pool.Submit(nullptr), "work is null");
  EXPECT_DEATH((void)pool.ShutdownAsync(nullptr), "on_ended is null");
}

#if defined(__cpp_exceptions)
TEST(ThreadPoolExecutorDeathTest, WhatAJobThrowsEndsTheProgram) {
  EXPECT_DEATH(
      {
        ThreadPoolExecutor pool;
        (void)pool.Submit([] { throw std::runtime_error("thrown by a job"); });
        (void)pool.Shutdown();
      },
      "thrown by a job");
}
#endif

}  // namespace
}  // namespace evkit
