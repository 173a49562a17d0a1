// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/executor/internal/thread_pool.h"

#include <cerrno>
#include <iterator>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "evkit/base/errno_status.h"
#include "evkit/base/fork_generation.h"
#include "evkit/base/syscalls.h"

namespace evkit::executor_internal {
namespace {

constexpr size_t kLongestName = 15;  // What Linux takes, without the zero.

constinit thread_local const ThreadPool* pool_of_this_thread = nullptr;

std::string ThreadName(absl::string_view prefix, size_t index) {
  const std::string suffix = absl::StrCat("_", index);
  return absl::StrCat(prefix.substr(0, kLongestName - suffix.size()), suffix);
}

absl::Status RefusedAfterFork() {
  return absl::FailedPreconditionError(
      "ThreadPoolExecutor: its threads are in the parent process");
}

}  // namespace

// What a thread is told at its start.
class ThreadPool::ThreadStart {
 public:
  ThreadStart(std::shared_ptr<ThreadPool> pool, std::string name)
      : pool_(std::move(pool)), name_(std::move(name)) {}

  static void* Run(void* argument) {
    const auto self = absl::WrapUnique(static_cast<ThreadStart*>(argument));
    // A thread without a name works as well.
    (void)sys::pthread_setname_np(pthread_self(), self->name_.c_str());
    pool_of_this_thread = self->pool_.get();
    self->pool_->RunThread();
    return nullptr;
  }

 private:
  const std::shared_ptr<ThreadPool> pool_;
  const std::string name_;
};

ThreadPool::ThreadPool(int max_threads, std::string name_prefix)
    : max_threads_(static_cast<size_t>(max_threads)),
      name_prefix_(std::move(name_prefix)),
      fork_generation_(ForkGeneration()) {}

absl::Status ThreadPool::Submit(JobQueue& job) {
  if (IsInherited()) return RefusedAfterFork();
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (shutdown_) {
      return absl::FailedPreconditionError(
          "ThreadPoolExecutor: Submit after Shutdown");
    }
    queue_.splice(queue_.end(), job);
    if (queue_.size() > idle_ && live_ < max_threads_) {
      const int error = StartThread();
      if (error != 0 && live_ == 0) {
        job.splice(job.end(), queue_, std::prev(queue_.end()));
        return StatusFromErrno(error, "pthread_create");
      }
    }
  }
  job_or_shutdown_.notify_one();
  return absl::OkStatus();
}

int ThreadPool::StartThread() {
  auto start = std::make_unique<ThreadStart>(
      shared_from_this(), ThreadName(name_prefix_, started_));
  pthread_t thread;
  if (sys::pthread_create(&thread, nullptr, &ThreadStart::Run, start.get()) <
      0) {
    return errno;
  }
  (void)start.release();
  threads_.push_back(thread);
  ++started_;
  ++live_;
  ++idle_;
  return 0;
}

void ThreadPool::RunThread() noexcept {
  std::unique_lock<std::mutex> lock(mutex_);
  while (true) {
    job_or_shutdown_.wait(lock,
                          [this] { return !queue_.empty() || shutdown_; });
    if (queue_.empty()) break;
    JobQueue job;
    job.splice(job.end(), queue_, queue_.begin());
    if (JobPlace* const place = job.front().place.get(); place != nullptr) {
      place->phase = JobPlace::Phase::kTaken;
    }
    --idle_;
    lock.unlock();
    std::move(job.front().work)();
    job.clear();
    lock.lock();
    ++idle_;
  }
  --idle_;
  std::vector<Work> on_ended;
  if (--live_ == 0) {
    on_ended.swap(on_ended_);
    all_ended_.notify_all();
  }
  lock.unlock();
  for (Work& call : on_ended) std::move(call)();
}

bool ThreadPool::Withdraw(JobPlace& place) {
  if (IsInherited()) return false;
  JobQueue withdrawn;  // Destroyed without the lock.
  const std::lock_guard<std::mutex> lock(mutex_);
  if (place.phase == JobPlace::Phase::kQueued) {
    place.phase = JobPlace::Phase::kWithdrawn;
    withdrawn.splice(withdrawn.end(), queue_, place.position);
  }
  return place.phase == JobPlace::Phase::kWithdrawn;
}

absl::Status ThreadPool::BeginShutdown(bool cancel_pending, Work on_ended) {
  if (IsInherited()) return RefusedAfterFork();
  JobQueue cancelled;  // Destroyed without the lock.
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    shutdown_ = true;
    if (cancel_pending) {
      cancelled.swap(queue_);
      for (const Job& job : cancelled) {
        if (job.place == nullptr) continue;
        job.place->phase = JobPlace::Phase::kWithdrawn;
      }
    }
    if (on_ended != nullptr && live_ > 0) {
      on_ended_.push_back(std::move(on_ended));
      on_ended = nullptr;
    }
  }
  job_or_shutdown_.notify_all();
  cancelled.clear();
  if (on_ended != nullptr) std::move(on_ended)();
  return absl::OkStatus();
}

void ThreadPool::Join() {
  const std::lock_guard<std::mutex> one_joiner(join_mutex_);
  std::vector<pthread_t> threads;
  {
    std::unique_lock<std::mutex> lock(mutex_);
    all_ended_.wait(lock, [this] { return live_ == 0; });
    threads.swap(threads_);
  }
  for (const pthread_t thread : threads) pthread_join(thread, nullptr);
}

void ThreadPool::Abandon() {
  const std::lock_guard<std::mutex> lock(mutex_);
  abandoned_ = true;
}

bool ThreadPool::IsAbandoned() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return abandoned_;
}

void ThreadPool::Detach() {
  const std::lock_guard<std::mutex> lock(mutex_);
  for (const pthread_t thread : threads_) pthread_detach(thread);
  threads_.clear();
}

std::string ThreadPool::DebugString() {
  if (IsInherited()) return "<ThreadPoolExecutor of the parent process>";
  const std::lock_guard<std::mutex> lock(mutex_);
  return absl::StrCat("<ThreadPoolExecutor threads=", live_, " idle=", idle_,
                      " queued=", queue_.size(), ">");
}

bool ThreadPool::CalledByOwnThread() const {
  return pool_of_this_thread == this;
}

bool ThreadPool::IsInherited() const {
  return fork_generation_ != ForkGeneration();
}

void ThreadPool::Keep(std::shared_ptr<ThreadPool> inherited) {
  static auto* const mutex = new std::mutex();
  static auto* const kept = new std::vector<std::shared_ptr<ThreadPool>>();
  const std::lock_guard<std::mutex> lock(*mutex);
  kept->push_back(std::move(inherited));
}

}  // namespace evkit::executor_internal
