// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/internal/threadsafe_queue.h"

#include <thread>

#include "evkit/base/errno_status.h"

namespace evkit::loop_internal {
namespace {

// Vectors that a burst has grown beyond this are given back.
constexpr size_t kMaxIdleCapacity = 16384;

}  // namespace

absl::Status ThreadsafeQueue::Push(Entry&& entry) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (closed_) {
      return absl::FailedPreconditionError(
          "CallSoonThreadsafe: event loop is closed");
    }
    entries_.push_back(std::move(entry));
    if (entries_.size() == 1) not_empty_.store(true);
    if (!sleeping_.load() || !sleeping_.exchange(false)) {
      return absl::OkStatus();
    }
    posters_waking_.fetch_add(1, std::memory_order_relaxed);
  }
  const int error = wakeup_->Wake();
  if (error != 0) sleeping_.store(true);  // The next post tries again.
  posters_waking_.fetch_sub(1, std::memory_order_release);
  if (error == 0) return absl::OkStatus();
  return StatusFromErrno(error,
                         "CallSoonThreadsafe: callback is queued, but the loop "
                         "could not be woken: write(eventfd)");
}

void ThreadsafeQueue::TakeAll(std::vector<Entry>& entries) {
  entries.clear();
  if (entries.capacity() > kMaxIdleCapacity) entries = std::vector<Entry>();
  std::lock_guard<std::mutex> lock(mutex_);
  entries_.swap(entries);
  not_empty_.store(false, std::memory_order_relaxed);
}

bool ThreadsafeQueue::PrepareToSleep() {
  sleeping_.store(true);
  return !not_empty_.load();
}

void ThreadsafeQueue::Close(std::vector<Entry>& entries, bool inherited) {
  entries.clear();
  if (inherited) {
    if (!mutex_.try_lock()) {
      new std::vector<Entry>(std::move(entries_));
      wakeup_.reset();
      return;
    }
    posters_waking_.store(0, std::memory_order_relaxed);
  } else {
    mutex_.lock();
  }
  closed_ = true;
  entries_.swap(entries);
  mutex_.unlock();
  while (posters_waking_.load(std::memory_order_acquire) != 0) {
    std::this_thread::yield();
  }
  wakeup_.reset();
}

}  // namespace evkit::loop_internal
