// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// The smallest thing a task can wait for: one event, one task, no allocation.
// What locks, queues and other primitives are made of.
//
//   Waiter waiter("Doorbell.Wait");      // a local of a coroutine
//   waiters_.push_back(&waiter);
//   absl::Status status = co_await waiter;
//
// It behaves as a future that only one task awaits: `Complete()` queues the
// task, which goes on in the next turn; cancelling the task completes it as
// cancelled, at once, so that whoever would have completed it next sees
// `done()` and turns to another. A task that is cancelled after `Complete()`
// gets kCancelled as well (CAN-06): its primitive must pass the event on.
//
// Lives in the frame that awaits it; belongs to the loop's thread.

#ifndef EVKIT_LOOP_CORO_WAITER_H_
#define EVKIT_LOOP_CORO_WAITER_H_

#include <coroutine>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "evkit/loop/coro/internal/task_state.h"

namespace evkit {

class Waiter final : public loop_internal::Suspension {
 public:
  static constexpr bool kTellsOfFailure = true;

  // `what` is shown when the task is printed; it is not copied.
  explicit Waiter(const char* what) : what_(what) {}

  // The event has come. False, and nothing happens, if it had come before or
  // the wait was cancelled.
  bool Complete() {
    if (state_ != State::kPending) return false;
    state_ = State::kCompleted;
    if (task() != nullptr) task()->Wake();
    return true;
  }

  // Whether `Complete()` or a cancellation ended the wait.
  bool done() const { return state_ != State::kPending; }
  bool completed() const { return state_ == State::kCompleted; }

  // `co_await waiter`: OK, or kCancelled. Once.
  bool await_ready() const { return done(); }
  template <typename Promise>
  void await_suspend(std::coroutine_handle<Promise> handle) {
    Suspend(handle);
  }
  absl::Status await_resume() {
    absl::Status status;
    if (TakeCancellation(&status) && state_ == State::kCompleted) return status;
    return std::move(cancelled_);
  }

  bool CancelWait(absl::string_view message) override {
    if (done()) return false;
    state_ = State::kCancelled;
    cancelled_ = absl::CancelledError(message);
    MayHaveFailed();
    task()->Wake();
    return true;
  }
  std::string Describe() const override { return what_; }

 private:
  enum class State : char { kPending, kCompleted, kCancelled };

  const char* const what_;
  absl::Status cancelled_;
  State state_ = State::kPending;
};

}  // namespace evkit

#endif  // EVKIT_LOOP_CORO_WAITER_H_
