// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// What an executor, its threads and the handles of its jobs share: the queue.

#ifndef EVKIT_LOOP_EXECUTOR_INTERNAL_THREAD_POOL_H_
#define EVKIT_LOOP_EXECUTOR_INTERNAL_THREAD_POOL_H_

#include <pthread.h>

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"

namespace evkit::executor_internal {

using Work = absl::AnyInvocable<void() &&>;

struct JobPlace;

struct Job {
  Work work;
  std::shared_ptr<JobPlace> place;  // Null: nobody can withdraw it.
};

// A list, so that a job is put in, taken out and withdrawn without allocating,
// moving or destroying anything of the user's under the lock.
using JobQueue = std::list<Job>;

// Where a job is. Guarded by the pool's mutex.
struct JobPlace {
  enum class Phase { kQueued, kTaken, kWithdrawn };
  Phase phase = Phase::kQueued;
  JobQueue::iterator position;  // While it is queued.
};

// Thread-safe. Always held by shared_ptr: of the executor, of each thread, and
// of the handles.
//
// Every thread is busy with a job or idle, which one that is just starting, or
// waking up, counts as. More queued jobs than idle threads is what makes a new
// thread, so that no job waits for another while a thread could be had.
class ThreadPool : public std::enable_shared_from_this<ThreadPool> {
 public:
  ThreadPool(int max_threads, std::string name_prefix);

  // Takes the one job in `job`, unless it fails.
  absl::Status Submit(JobQueue& job);

  // Whether the job has never started and never will.
  bool Withdraw(JobPlace& place);

  // `on_ended` may be null.
  absl::Status BeginShutdown(bool cancel_pending, Work on_ended);

  // Requires that shutdown has begun, and a thread that is none of the pool's.
  void Join();

  // No destructor of an executor waits from now on.
  void Abandon();
  bool IsAbandoned();

  // Nobody will join the threads.
  void Detach();

  std::string DebugString();

  bool CalledByOwnThread() const;

  // Whether this is a forked child, in which the lock may be taken for ever and
  // the queue half changed.
  bool IsInherited() const;

  // Keeps an inherited pool, which cannot be destroyed, for ever.
  static void Keep(std::shared_ptr<ThreadPool> inherited);

 private:
  class ThreadStart;

  // Returns 0 or an errno. Requires the lock.
  int StartThread();
  void RunThread() noexcept;

  const size_t max_threads_;
  const std::string name_prefix_;
  const uint32_t fork_generation_;

  // One joiner at a time, so that each returns only when all is done. Taken
  // before the other.
  std::mutex join_mutex_;
  std::mutex mutex_;  // Guards all that follows.
  std::condition_variable job_or_shutdown_;
  std::condition_variable all_ended_;
  JobQueue queue_;
  std::vector<pthread_t> threads_;  // Neither joined nor detached.
  size_t started_ = 0;              // Threads ever.
  size_t live_ = 0;                 // Threads that have not ended.
  size_t idle_ = 0;                 // Those of them that are not in a job.
  bool shutdown_ = false;
  bool abandoned_ = false;
  std::vector<Work> on_ended_;
};

}  // namespace evkit::executor_internal

#endif  // EVKIT_LOOP_EXECUTOR_INTERNAL_THREAD_POOL_H_
