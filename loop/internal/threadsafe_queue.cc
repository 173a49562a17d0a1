// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/internal/threadsafe_queue.h"

#include <algorithm>
#include <memory>
#include <thread>
#include <utility>

#include "evkit/base/errno_status.h"

namespace evkit::loop_internal {
namespace {

void DeleteAll(HandleNode* nodes) {
  while (nodes != nullptr) {
    delete static_cast<SoonNode*>(std::exchange(nodes, nodes->next));
  }
}

// The nodes that this thread will post next. Usable while other thread-local
// objects are destroyed, but then nothing is kept.
constinit thread_local HandleNode* own_spare = nullptr;
constinit thread_local bool thread_ends = false;

class SpareOwner {
 public:
  ~SpareOwner() {
    thread_ends = true;
    DeleteAll(std::exchange(own_spare, nullptr));
  }
  // Has it destroyed when the thread ends.
  void Use() {}
};
thread_local SpareOwner spare_owner;

}  // namespace

absl::Status ThreadsafeQueue::Push(Callback&& callback, const Context* context,
                                   SourceLocation where) {
  // Moving `callback`, and destroying what is refused, may run code of the
  // user's, which may post.
  std::unique_ptr<SoonNode> node(NewNode());
  node->Schedule(std::move(callback), where);
  if (context != nullptr) node->context().Use(*context);
  const Pushed pushed = PushNode(node.get());
  if (pushed == Pushed::kRefused) {
    return absl::FailedPreconditionError(
        "CallSoonThreadsafe: event loop is closed");
  }
  (void)node.release();
  if (pushed == Pushed::kQueued) return absl::OkStatus();
  const int error = wakeup_->Wake();
  // The next post tries again.
  if (error != 0) head_.fetch_or(kAsleep, std::memory_order_relaxed);
  posters_waking_.fetch_sub(1, std::memory_order_release);
  if (error == 0) return absl::OkStatus();
  return StatusFromErrno(error,
                         "CallSoonThreadsafe: callback is queued, but the loop "
                         "could not be woken: write(eventfd)");
}

SoonNode* ThreadsafeQueue::NewNode() {
  HandleNode* spare = own_spare;
  if (spare == nullptr) {
    if (thread_ends || spare_.load(std::memory_order_relaxed) == nullptr) {
      return new SoonNode(pool_);
    }
    spare = spare_.exchange(nullptr, std::memory_order_acquire);
    if (spare == nullptr) return new SoonNode(pool_);
    spare_owner.Use();
  }
  own_spare = std::exchange(spare->next, nullptr);
  auto* const node = static_cast<SoonNode*>(spare);
  node->set_pool(pool_);
  return node;
}

ThreadsafeQueue::Pushed ThreadsafeQueue::PushNode(HandleNode* node) {
  node->queued = true;
  bool counted = false;
  uintptr_t head = head_.load(std::memory_order_acquire);
  do {
    if ((head & kClosed) != 0) break;
    if ((head & kAsleep) != 0 && !counted) {
      counted = true;
      posters_waking_.fetch_add(1, std::memory_order_relaxed);
    }
    node->next = reinterpret_cast<HandleNode*>(head & ~kMarks);
  } while (!head_.compare_exchange_weak(head, reinterpret_cast<uintptr_t>(node),
                                        std::memory_order_release,
                                        std::memory_order_acquire));
  // `head` is what was there before, or says that the queue is closed.
  if ((head & kMarks) == kAsleep) return Pushed::kQueuedToWake;
  if (counted) posters_waking_.fetch_sub(1, std::memory_order_release);
  return (head & kClosed) != 0 ? Pushed::kRefused : Pushed::kQueued;
}

void ThreadsafeQueue::MoveTo(ReadyQueue& ready) {
  MoveAll(head_.exchange(kEmpty, std::memory_order_acquire), ready);
  if (spare_.load(std::memory_order_relaxed) != nullptr) return;
  const HandlePool<SoonNode>::Taken taken = pool_.TakeFree(owed_);
  owed_ -= taken.count;
  spare_.store(taken.first, std::memory_order_release);
}

void ThreadsafeQueue::MoveAll(uintptr_t head, ReadyQueue& ready) {
  auto* const last = reinterpret_cast<HandleNode*>(head & ~kMarks);
  if (last == nullptr) return;
  size_t count = 0;
  HandleNode* first = nullptr;
  for (HandleNode* node = last; node != nullptr; ++count) {
    HandleNode* const earlier = std::exchange(node->next, first);
    first = node;
    node = earlier;
  }
  ready.Append(first, last);
  pool_.CountInUse(count);
  owed_ = std::min(owed_ + count, HandlePool<SoonNode>::kMaxFree);
}

void ThreadsafeQueue::Close(ReadyQueue& ready) {
  CloseQueue(ready);
  while (posters_waking_.load(std::memory_order_acquire) != 0) {
    std::this_thread::yield();
  }
  wakeup_.reset();
}

void ThreadsafeQueue::CloseAfterFork(ReadyQueue& ready) {
  CloseQueue(ready);
  wakeup_.reset();
}

void ThreadsafeQueue::CloseQueue(ReadyQueue& ready) {
  MoveAll(head_.exchange(kClosed, std::memory_order_acq_rel), ready);
  DeleteAll(spare_.exchange(nullptr, std::memory_order_acquire));
}

}  // namespace evkit::loop_internal
