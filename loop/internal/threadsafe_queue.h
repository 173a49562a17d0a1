// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// The door for other threads: many post, the loop takes all at once.

#ifndef EVKIT_LOOP_INTERNAL_THREADSAFE_QUEUE_H_
#define EVKIT_LOOP_INTERNAL_THREADSAFE_QUEUE_H_

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "evkit/base/source_location.h"
#include "evkit/base/wakeup_fd.h"
#include "evkit/loop/callback.h"
#include "evkit/loop/context.h"

namespace evkit::loop_internal {

// `Push()` is thread-safe; the rest belongs to the loop's thread.
//
// A post makes a system call only if the loop sleeps, or is about to, and it is
// the first to find it so. No wake-up is lost: the loop says that it sleeps
// before it looks whether the queue is empty, the poster makes the queue not
// empty before it looks whether the loop sleeps, and all four are sequentially
// consistent.
class ThreadsafeQueue {
 public:
  // Moving one runs no code of the user's, for that happens under the lock. A
  // callback that would is moved to the heap, once.
  struct Entry {
    Entry(Callback&& its_callback, SourceLocation its_where)
        : callback(its_callback.runs_code_when_moved()
                       ? Callback([boxed = std::make_unique<Callback>(std::move(
                                       its_callback))] { (*boxed)(); })
                       : std::move(its_callback)),
          where(its_where) {}
    Callback callback;
    ContextSlot context;
    SourceLocation where;
  };

  explicit ThreadsafeQueue(WakeupFd wakeup) : wakeup_(std::move(wakeup)) {}
  ThreadsafeQueue(const ThreadsafeQueue&) = delete;
  ThreadsafeQueue& operator=(const ThreadsafeQueue&) = delete;

  // kFailedPrecondition if closed; `entry` is untouched then. An error of
  // write(2) means that `entry` is queued and the loop may not wake for it.
  absl::Status Push(Entry&& entry);

  // Whether something may be queued: a plain load. Sees each Push() that
  // happened before.
  bool MayHaveEntries() const { return not_empty_.load(); }

  // Empties `entries` and swaps it for what is queued; both vectors keep their
  // memory, within reason.
  void TakeAll(std::vector<Entry>& entries);

  // To be called before the loop sleeps; false if it must not, because
  // something is queued. `Awake()` follows in either case.
  bool PrepareToSleep();
  void Awake() { sleeping_.store(false, std::memory_order_relaxed); }

  // Readable after a Push() that found the loop asleep.
  int wakeup_fd() const { return wakeup_->fd(); }
  // Makes it unreadable. Returns 0 or an errno.
  int ClearWakeup() { return wakeup_->Dispatch(); }

  // Refuses what is pushed from now on and hands over what is queued, waits for
  // posters that are about to wake the loop, and closes the wake-up descriptor.
  // Idempotent. `inherited`: in a forked child, where the posters are gone, one
  // perhaps in the midst of it; then it waits for nobody, and what that one was
  // queueing to is leaked.
  void Close(std::vector<Entry>& entries, bool inherited);

 private:
  std::mutex mutex_;
  std::vector<Entry> entries_;  // Guarded by mutex_.
  bool closed_ = false;         // Guarded by mutex_.
  std::atomic<bool> not_empty_{false};
  std::atomic<bool> sleeping_{false};
  std::atomic<int> posters_waking_{0};
  std::optional<WakeupFd> wakeup_;
};

}  // namespace evkit::loop_internal

#endif  // EVKIT_LOOP_INTERNAL_THREADSAFE_QUEUE_H_
