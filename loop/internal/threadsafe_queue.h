// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// The door for other threads: many post, the loop takes all at once.

#ifndef EVKIT_LOOP_INTERNAL_THREADSAFE_QUEUE_H_
#define EVKIT_LOOP_INTERNAL_THREADSAFE_QUEUE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "evkit/base/source_location.h"
#include "evkit/base/wakeup_fd.h"
#include "evkit/loop/callback.h"
#include "evkit/loop/context.h"
#include "evkit/loop/internal/loop_nodes.h"
#include "evkit/loop/internal/ready_queue.h"

namespace evkit::loop_internal {

// `Push()` is thread-safe; the rest belongs to the loop's thread.
//
// Lock-free: a stack, whose head also says whether the loop sleeps and whether
// the queue is closed. A poster puts a node on it with one compare-and-swap,
// the loop takes all with one exchange, and turns the order round.
//
// - No wake-up is lost and none is wasted, because one word decides: the loop
//   can only fall asleep while the stack is empty, and the post that takes the
//   mark of the sleeper away is the one that makes the system call.
// - No post is lost: it is on the stack before Close() exchanges the head, and
//   taken with it, or it finds the mark of the closed queue.
// - What a post wrote is seen by the loop: the swap releases, the exchange
//   acquires, and all that happens to the head in between is read-modify-write,
//   so that the exchange synchronizes with each push that it takes. The other
//   way round, who is refused sees what the loop did before Close(): that
//   releases, and a poster's look at the head acquires.
// - The wake-up descriptor is open while a poster uses it: the poster is
//   counted in `posters_waking_` before its swap. The exchange in Close()
//   acquires that too, and waits until the count is 0. A push that is not
//   counted touches nothing here after its swap: what it posts may be the end
//   of the loop.
//
// Nodes travel in circles. The loop gives as many used nodes as it has taken
// posts to `spare_`, a poster whose own are used up takes them all, and only if
// there are none it allocates: in the long run posters allocate nothing. A
// thread keeps what it took, for any loop, until it ends: never more nodes than
// `HandlePool::kMaxFree`, nor than were posted since the last time that
// somebody took some. What a flood needs beyond that is freed when it has run.
class ThreadsafeQueue {
 public:
  // `pool` must live until `Close()`.
  ThreadsafeQueue(WakeupFd wakeup, HandlePool<SoonNode>& pool)
      : pool_(pool), wakeup_(std::move(wakeup)) {}
  ThreadsafeQueue(const ThreadsafeQueue&) = delete;
  ThreadsafeQueue& operator=(const ThreadsafeQueue&) = delete;

  // Null `context`: a copy of the calling thread's. kFailedPrecondition if
  // closed; `callback` is not called then. An error of write(2) means that it
  // is queued and the loop may not wake for it.
  absl::Status Push(Callback&& callback, const Context* context,
                    SourceLocation where);

  // Whether something may be queued: a plain load. Sees each Push() that
  // happened before.
  bool MayHaveEntries() const {
    return head_.load(std::memory_order_relaxed) > kMarks;
  }

  // Moves all that is queued to the end of `ready`.
  void MoveTo(ReadyQueue& ready);

  // To be called before the loop sleeps, and `Awake()` afterwards; false if it
  // must not, because something is queued.
  bool PrepareToSleep() {
    uintptr_t head = kEmpty;
    return head_.compare_exchange_strong(head, kAsleep,
                                         std::memory_order_relaxed) ||
           head == kAsleep;
  }
  // Leaves what is queued for MoveTo().
  void Awake() {
    uintptr_t head = head_.load(std::memory_order_relaxed);
    if (head == kAsleep) {
      head_.compare_exchange_strong(head, kEmpty, std::memory_order_relaxed);
    }
  }

  // Readable after a Push() that found the loop asleep.
  int wakeup_fd() const { return wakeup_->fd(); }
  // Makes it unreadable. Returns 0 or an errno.
  int ClearWakeup() { return wakeup_->Dispatch(); }

  // Refuses what is pushed from now on and moves what is queued to `ready`,
  // waits for posters that are about to wake the loop, and closes the wake-up
  // descriptor.
  void Close(ReadyQueue& ready);

  // The same in a child process that has inherited the queue, where there are
  // no posters. What a thread of the parent was about to push is leaked.
  void CloseAfterFork(ReadyQueue& ready);

 private:
  // The head is a pointer to the node that was pushed last, or null, with marks
  // in its lowest bits. kAsleep beside a node: a poster could not wake the loop
  // for it, and the next one is to try.
  static constexpr uintptr_t kEmpty = 0;
  static constexpr uintptr_t kAsleep = 1;
  static constexpr uintptr_t kClosed = 2;
  static constexpr uintptr_t kMarks = kAsleep | kClosed;
  // What posters write and what the loop writes lie on cache lines of their
  // own.
  static constexpr size_t kCacheLine = 64;

  enum class Pushed { kQueued, kQueuedToWake, kRefused };

  SoonNode* NewNode();
  Pushed PushNode(HandleNode* node);
  void MoveAll(uintptr_t head, ReadyQueue& ready);
  void CloseQueue(ReadyQueue& ready);

  HandlePool<SoonNode>& pool_;
  std::optional<WakeupFd> wakeup_;
  alignas(kCacheLine) std::atomic<uintptr_t> head_{kEmpty};
  std::atomic<int> posters_waking_{0};
  // Nodes for posters; set by the loop if it is null, taken by posters.
  alignas(kCacheLine) std::atomic<HandleNode*> spare_{nullptr};
  // Posts taken for which no node was given back yet.
  size_t owed_ = 0;
};

}  // namespace evkit::loop_internal

#endif  // EVKIT_LOOP_INTERNAL_THREADSAFE_QUEUE_H_
