// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// What the two sides of a ThreadFuture share: the loop's thread, which has the
// task, and the threads that want its result.

#ifndef EVKIT_LOOP_CORO_INTERNAL_THREAD_FUTURE_STATE_H_
#define EVKIT_LOOP_CORO_INTERNAL_THREAD_FUTURE_STATE_H_

#include <condition_variable>
#include <memory>
#include <mutex>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "evkit/loop/abstract_event_loop.h"
#include "evkit/loop/coro/internal/slot.h"
#include "evkit/loop/coro/internal/task_state.h"
#include "evkit/loop/coro/outcome.h"
#include "evkit/loop/coro/task.h"
#include "evkit/loop/executor/loop_port.h"

namespace evkit::loop_internal {

class ThreadFutureState
    : public std::enable_shared_from_this<ThreadFutureState> {
 public:
  ThreadFutureState(const ThreadFutureState&) = delete;
  ThreadFutureState& operator=(const ThreadFutureState&) = delete;

  // --- Any thread ----

  bool done() const;
  bool cancelled() const;
  bool Cancel(absl::string_view message);
  // The coroutine was not taken by the loop. Before anybody waits.
  void FailToBegin(absl::Status why);

  // --- The loop's thread ----

  // Whether the coroutine is still wanted.
  bool Begin(AbstractEventLoop& loop);
  void set_task(const AnyTask& task) { task_ = &task.task(); }
  // Nothing will come from the task any more; or, on the thread that could not
  // hand it over, from the coroutine.
  void Abandon();

 protected:
  ThreadFutureState(const AbstractEventLoop* loop, SlotBase& slot)
      : loop_(loop), slot_(slot) {}
  ~ThreadFutureState() = default;

  // Locks `mutex_` and calls `fill` to put the result into the slot; not if
  // there is one.
  template <typename F>
  bool CompleteWith(bool cancelled, F fill) {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (done_) return false;
      fill();
      done_ = true;
      cancelled_ = cancelled;
    }
    completed_.notify_all();
    return true;
  }
  // Waits until there is a result, with the lock, which it gives back.
  // kFailedPrecondition if this thread is the one that has to bring it.
  absl::Status Wait(std::unique_lock<std::mutex>& lock) const;

  mutable std::mutex mutex_;

 private:
  const AbstractEventLoop* const loop_;  // Compared only: may be gone.
  TaskState* task_ = nullptr;            // The loop's thread's; null: none.

  // Guarded by `mutex_`, as is the slot until `done_`.
  mutable std::condition_variable completed_;
  SlotBase& slot_;
  bool done_ = false;
  bool cancelled_ = false;
  bool abandoned_ = false;
  // Owned by the loop and this. Null: not begun.
  std::shared_ptr<LoopPort> port_;
};

template <typename T>
class TypedThreadFuture final : public ThreadFutureState {
 public:
  explicit TypedThreadFuture(const AbstractEventLoop* loop)
      : ThreadFutureState(loop, slot_) {}

  // Takes the result of the task out of its slot.
  void Complete(Slot<T>& result, bool cancelled) {
    CompleteWith(cancelled, [&] {
      slot_.value = std::move(result.value);
      slot_.status = result.status;
      slot_.exception = result.exception;
    });
  }

  Outcome<T> Get() {
    std::unique_lock<std::mutex> lock(mutex_);
    absl::Status status = Wait(lock);
    if (!status.ok()) return status;
    // Nothing changes any more, but by who takes a value that cannot be copied.
    if constexpr (std::is_void_v<T> || std::is_copy_constructible_v<T>) {
      lock.unlock();
    }
    return ReadSlot(slot_);
  }

 private:
  Slot<T> slot_;
};

// Held by whatever is to complete the result: when it is destroyed without
// that, as by the loop's `Close()`, the result is kCancelled. Moves.
class ThreadFutureCompleter {
 public:
  explicit ThreadFutureCompleter(std::shared_ptr<ThreadFutureState> state)
      : state_(std::move(state)) {}
  ThreadFutureCompleter(ThreadFutureCompleter&&) noexcept = default;
  ThreadFutureCompleter& operator=(ThreadFutureCompleter&&) = delete;
  ~ThreadFutureCompleter() {
    if (state_ != nullptr) state_->Abandon();
  }

 private:
  // Owned by the handles, by this and by calls under way.
  std::shared_ptr<ThreadFutureState> state_;
};

}  // namespace evkit::loop_internal

#endif  // EVKIT_LOOP_CORO_INTERNAL_THREAD_FUTURE_STATE_H_
