// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/executor/thread_pool_executor.h"

#include <sched.h>

#include <algorithm>
#include <thread>

#include "evkit/base/check.h"
#include "evkit/base/syscalls.h"
#include "evkit/loop/executor/internal/thread_pool.h"

namespace evkit {
namespace {

using executor_internal::JobPlace;
using executor_internal::JobQueue;
using executor_internal::ThreadPool;
using executor_internal::Work;

// How many CPUs this process may use.
int CpuCount() {
  cpu_set_t cpus;
  if (sys::sched_getaffinity(0, sizeof(cpus), &cpus) == 0) {
    return CPU_COUNT(&cpus);
  }
  // More CPUs than the set has room for, or a sandbox.
  return static_cast<int>(std::thread::hardware_concurrency());
}

}  // namespace

ThreadPoolExecutorOptions::ThreadPoolExecutorOptions()
    : max_threads(std::min(32, CpuCount() + 4)) {}

bool JobHandle::Cancel() {
  return pool_ != nullptr && pool_->Withdraw(*place_);
}

ThreadPoolExecutor::ThreadPoolExecutor(ThreadPoolExecutorOptions options)
    : pool_(std::make_shared<ThreadPool>(
          options.max_threads, std::move(options.thread_name_prefix))) {
  EVKIT_CHECK(options.max_threads > 0, "a pool needs at least one thread");
}

ThreadPoolExecutor::~ThreadPoolExecutor() {
  if (!pool_->BeginShutdown(/*cancel_pending=*/false, nullptr).ok()) {
    ThreadPool::Keep(std::move(pool_));
  } else if (pool_->IsAbandoned() || pool_->CalledByOwnThread()) {
    pool_->Detach();
  } else {
    pool_->Join();
  }
}

absl::Status ThreadPoolExecutor::Submit(Work work) {
  EVKIT_CHECK(work != nullptr, "work is null");
  JobQueue job;
  job.push_back({std::move(work), nullptr});
  return pool_->Submit(job);
}

absl::StatusOr<JobHandle> ThreadPoolExecutor::SubmitCancellable(Work work) {
  EVKIT_CHECK(work != nullptr, "work is null");
  auto place = std::make_shared<JobPlace>();
  JobQueue job;
  job.push_back({std::move(work), place});
  place->position = job.begin();
  absl::Status status = pool_->Submit(job);
  if (!status.ok()) return status;
  return JobHandle(pool_, std::move(place));
}

absl::Status ThreadPoolExecutor::Shutdown(ShutdownOptions options) {
  absl::Status status = pool_->BeginShutdown(options.cancel_pending, nullptr);
  if (!status.ok()) return status;
  if (!options.wait) {
    pool_->Abandon();
  } else if (pool_->CalledByOwnThread()) {
    return absl::FailedPreconditionError(
        "ThreadPoolExecutor: a job cannot wait for its own thread to end");
  } else {
    pool_->Join();
  }
  return absl::OkStatus();
}

absl::Status ThreadPoolExecutor::ShutdownAsync(Work on_ended,
                                               bool cancel_pending) {
  EVKIT_CHECK(on_ended != nullptr, "on_ended is null");
  return pool_->BeginShutdown(cancel_pending, std::move(on_ended));
}

std::string ThreadPoolExecutor::DebugString() const {
  return pool_->DebugString();
}

}  // namespace evkit
