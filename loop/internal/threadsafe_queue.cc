// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/internal/threadsafe_queue.h"

#include <memory>
#include <thread>

#include "evkit/base/errno_status.h"

namespace evkit::loop_internal {

absl::Status ThreadsafeQueue::Push(Callback&& callback, const Context* context,
                                   SourceLocation where) {
  // No code of the user's may run under the lock: it could post, or wait for
  // another lock whose owner is about to post.
  if (callback.runs_code_when_moved()) {
    callback =
        Callback([boxed = std::make_unique<Callback>(std::move(callback))] {
          (*boxed)();
        });
  }
  std::unique_ptr<SoonNode> fresh;
  {
    std::unique_lock<std::mutex> lock(mutex_);
    auto* node = static_cast<SoonNode*>(spare_);
    if (node != nullptr) {
      spare_ = std::exchange(node->next, nullptr);
    } else {
      lock.unlock();
      fresh.reset(new SoonNode(pool_));
      node = fresh.get();
      lock.lock();
    }
    if (closed_) {
      return absl::FailedPreconditionError(
          "CallSoonThreadsafe: event loop is closed");
    }
    node->Schedule(std::move(callback), where);
    if (context != nullptr) node->context().Use(*context);
    entries_.Push(node);
    (void)fresh.release();
    if (++entry_count_ == 1) not_empty_.store(true);
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

void ThreadsafeQueue::MoveTo(ReadyQueue& ready) {
  std::lock_guard<std::mutex> lock(mutex_);
  MoveLocked(ready);
  if (spare_ == nullptr) spare_ = pool_.TakeFree();
}

void ThreadsafeQueue::MoveLocked(ReadyQueue& ready) {
  pool_.CountInUse(std::exchange(entry_count_, 0));
  ready.Append(entries_);
  not_empty_.store(false, std::memory_order_relaxed);
}

void ThreadsafeQueue::Close(ReadyQueue& ready) {
  HandleNode* spare;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    spare = CloseLocked(ready);
  }
  DeleteAll(spare);
  while (posters_waking_.load(std::memory_order_acquire) != 0) {
    std::this_thread::yield();
  }
  wakeup_.reset();
}

void ThreadsafeQueue::CloseAfterFork(ReadyQueue& ready) {
  // A thread that does not exist here may own the lock for ever.
  const std::unique_lock<std::mutex> lock(mutex_, std::try_to_lock);
  if (lock.owns_lock()) DeleteAll(CloseLocked(ready));
  wakeup_.reset();
}

HandleNode* ThreadsafeQueue::CloseLocked(ReadyQueue& ready) {
  closed_ = true;
  MoveLocked(ready);
  return std::exchange(spare_, nullptr);
}

void ThreadsafeQueue::DeleteAll(HandleNode* nodes) {
  while (nodes != nullptr) {
    delete static_cast<SoonNode*>(std::exchange(nodes, nodes->next));
  }
}

}  // namespace evkit::loop_internal
