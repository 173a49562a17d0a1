// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// A deadline for a piece of a coroutine.
//
//   Timeout timeout(absl::Seconds(10));
//   auto body = [&]() -> Coro<Page> {
//     Page page = co_await OrReturn(Fetch(url));
//     timeout.Reschedule(loop.Time() + absl::Seconds(5)).IgnoreError();
//     co_return co_await Render(page);
//   };
//   absl::StatusOr<Page> page = co_await timeout.Run(body());
//
// For one call, `WaitFor()` (wait_for.h) is shorter. It is asyncio's
// `timeout()`: when the time is up, the task is cancelled; the body may clean
// up, with awaits, and if it ends with kCancelled, that becomes
// kDeadlineExceeded here. What the body makes of the cancellation instead, a
// value or another error, is passed on (TMO-05, TMO-10). If the task was
// cancelled by others as well, kCancelled is passed on, so that nobody's
// cancellation is lost (TMO-06); of two timeouts around each other that expire
// together, the outer one reports it (TMO-07).

#ifndef EVKIT_LOOP_CORO_TIMEOUT_H_
#define EVKIT_LOOP_CORO_TIMEOUT_H_

#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/loop/coro/outcome.h"
#include "evkit/loop/coro/task.h"
#include "evkit/loop/handle.h"
#include "evkit/timers/clock.h"

namespace evkit {

namespace loop_internal {
class TimeoutScope;
}  // namespace loop_internal

// Used once, by one task. Outlives the `Run()` that it is used for; belongs to
// the loop's thread.
class Timeout {
 public:
  // No deadline; `Reschedule()` gives it one.
  Timeout() : Timeout(std::nullopt, absl::InfiniteDuration()) {}
  // `delay` from now; where no loop is running, from when `Run()` begins. An
  // infinite one is none.
  explicit Timeout(absl::Duration delay);
  // At a time of the loop's clock. One that is past comes in the next turn
  // (TMO-02): a body that never suspends is not interrupted.
  static Timeout At(MonotonicTime when) {
    return Timeout(when, absl::InfiniteDuration());
  }
  Timeout(const Timeout&) = delete;
  Timeout& operator=(const Timeout&) = delete;
  ~Timeout() { handle_.Cancel(); }

  // Runs `body` in the calling task, without a turn in between, until it ends
  // or the deadline comes and it has ended because of that. Cancel-safe as far
  // as the body is.
  //   kDeadlineExceeded: time is up, and the body ended with kCancelled.
  //   kFailedPrecondition: this has run before (TMO-03).
  //   Others: the body's.
  template <typename T>
  Coro<T> Run(Coro<T> body);
  // Of a function object that returns a Coro, which is kept until it has ended.
  template <loop_internal::CoroFunction F>
  Coro<loop_internal::CoroFunctionValue<F>> Run(F body) {
    return Run(loop_internal::CallAndKeep(std::move(body)));
  }

  // Sets another deadline; none if it is empty. One that is past comes in the
  // next turn.
  //   kFailedPrecondition: `Run()` has not begun, time is up already, or it has
  //     ended (TMO-03).
  absl::Status Reschedule(std::optional<MonotonicTime> when);

  // Whether the deadline came while the body ran (TMO-04).
  bool expired() const {
    return state_ == State::kExpiring || state_ == State::kExpired;
  }
  // The deadline; empty if there is none, or if it will be counted from the
  // beginning of `Run()`.
  std::optional<MonotonicTime> when() const { return when_; }

 private:
  friend class loop_internal::TimeoutScope;

  enum class State : char { kCreated, kEntered, kExpiring, kExpired, kExited };

  Timeout(std::optional<MonotonicTime> when, absl::Duration delay)
      : when_(when), delay_(delay) {}

  absl::Status Enter();
  // True if this deadline, and nobody else, is why the body was cancelled.
  bool Exit();
  void Arm();
  void OnTimeout();

  std::optional<MonotonicTime> when_;
  const absl::Duration delay_;  // Finite: to be counted from `Enter()`.
  Handle handle_;
  loop_internal::TaskState* task_ = nullptr;
  int cancelling_ = 0;  // The task's count when `Run()` began.
  State state_ = State::kCreated;
};

namespace loop_internal {

absl::Status TimedOutError();

// The time in which a Timeout is in force. Also ends it when the body threw or
// the frame is destroyed.
class TimeoutScope {
 public:
  explicit TimeoutScope(Timeout& timeout)
      : timeout_(timeout), status_(timeout.Enter()) {}
  TimeoutScope(const TimeoutScope&) = delete;
  TimeoutScope& operator=(const TimeoutScope&) = delete;
  ~TimeoutScope() {
    if (status_.ok() && !exited_) timeout_.Exit();
  }

  // Why it did not begin.
  const absl::Status& status() const { return status_; }
  // Ends it. True if the body's kCancelled is to become kDeadlineExceeded.
  bool Exit() {
    exited_ = true;
    return timeout_.Exit();
  }

 private:
  Timeout& timeout_;
  const absl::Status status_;
  bool exited_ = false;
};

template <typename T>
absl::StatusCode CodeOf(const absl::StatusOr<T>& result) {
  return result.status().code();
}
inline absl::StatusCode CodeOf(const absl::Status& result) {
  return result.code();
}

}  // namespace loop_internal

template <typename T>
Coro<T> Timeout::Run(Coro<T> body) {
  loop_internal::TimeoutScope scope(*this);
  if (!scope.status().ok()) co_return scope.status();
  Outcome<T> result = co_await std::move(body);
  if (scope.Exit() &&
      loop_internal::CodeOf(result) == absl::StatusCode::kCancelled) {
    co_return loop_internal::TimedOutError();
  }
  co_return result;
}

}  // namespace evkit

#endif  // EVKIT_LOOP_CORO_TIMEOUT_H_
