// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// The door for other threads: many post, the loop takes all at once.

#ifndef EVKIT_LOOP_INTERNAL_THREADSAFE_QUEUE_H_
#define EVKIT_LOOP_INTERNAL_THREADSAFE_QUEUE_H_

#include <atomic>
#include <cstddef>
#include <mutex>
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
// What is posted is in a node from the start, so that taking it, however much
// it is, is a matter of a few pointers. The loop keeps the posters supplied
// with used nodes of its pool, so that in the long run they allocate none.
//
// A post makes a system call only if the loop sleeps, or is about to, and it is
// the first to find it so. No wake-up is lost: the loop says that it sleeps
// before it looks whether the queue is empty, the poster makes the queue not
// empty before it looks whether the loop sleeps, and all four are sequentially
// consistent.
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
  bool MayHaveEntries() const { return not_empty_.load(); }

  // Moves all that is queued to the end of `ready`.
  void MoveTo(ReadyQueue& ready);

  // To be called before the loop sleeps, and `Awake()` afterwards; false if it
  // must not, because something is queued.
  bool PrepareToSleep() {
    sleeping_.store(true);
    return !not_empty_.load();
  }
  void Awake() { sleeping_.store(false, std::memory_order_relaxed); }

  // Readable after a Push() that found the loop asleep.
  int wakeup_fd() const { return wakeup_->fd(); }
  // Makes it unreadable. Returns 0 or an errno.
  int ClearWakeup() { return wakeup_->Dispatch(); }

  // Refuses what is pushed from now on and moves what is queued to `ready`,
  // waits for posters that are about to wake the loop, and closes the wake-up
  // descriptor.
  void Close(ReadyQueue& ready);

  // The same in a child process that has inherited the queue. If a thread of
  // the parent was about to push, what is queued is leaked.
  void CloseAfterFork(ReadyQueue& ready);

 private:
  void MoveLocked(ReadyQueue& ready);
  HandleNode* CloseLocked(ReadyQueue& ready);
  static void DeleteAll(HandleNode* nodes);

  HandlePool<SoonNode>& pool_;
  std::mutex mutex_;
  ReadyQueue entries_;           // Guarded by mutex_.
  size_t entry_count_ = 0;       // Guarded by mutex_.
  HandleNode* spare_ = nullptr;  // Nodes for posters. Guarded by mutex_.
  bool closed_ = false;          // Guarded by mutex_.
  std::atomic<bool> not_empty_{false};
  std::atomic<bool> sleeping_{false};
  std::atomic<int> posters_waking_{0};
  std::optional<WakeupFd> wakeup_;
};

}  // namespace evkit::loop_internal

#endif  // EVKIT_LOOP_INTERNAL_THREADSAFE_QUEUE_H_
