// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// A deadline for a piece of work and all that it starts.
//
//   absl::StatusOr<Reply> reply =
//       co_await WithDeadline(absl::Milliseconds(200), Handle(request));
//
// Everything awaited below ends in time, wherever it waits, and however little
// the code in between knows of deadlines: the deadline is part of the context
// (loop/context.h), and so goes into every task, callback and executor job that
// is started below. Each task that begins under a deadline has it enforced on
// itself, as if its coroutine ran in a Timeout (timeout.h): it is cancelled
// when the time has come, and if it ends with kCancelled because of that, it
// has failed with kDeadlineExceeded. A task that was started below and is not
// waited for is bound as well.
//
// Of nested deadlines the earliest counts: a later one changes nothing.
//
// Code that cannot be cancelled (a computation, an executor job) asks
// `ContextDeadline()`, and passes to others what is left.

#ifndef EVKIT_LOOP_CORO_DEADLINE_H_
#define EVKIT_LOOP_CORO_DEADLINE_H_

#include <optional>
#include <utility>

#include "absl/time/time.h"
#include "evkit/loop/context.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/loop/coro/internal/task_state.h"
#include "evkit/loop/coro/timeout.h"
#include "evkit/timers/clock.h"

namespace evkit {

// The deadline of the current context, in the time of the loop in which it was
// set; empty if there is none. Thread-safe, as contexts are.
std::optional<MonotonicTime> ContextDeadline();

// What is left of it at `now`: nothing if it is past, infinite if there is
// none.
absl::Duration ContextTimeLeft(MonotonicTime now);

namespace loop_internal {

// Puts an earlier deadline in the running task's context, for a scope.
class DeadlineScope {
 public:
  explicit DeadlineScope(MonotonicTime deadline);
  DeadlineScope(const DeadlineScope&) = delete;
  DeadlineScope& operator=(const DeadlineScope&) = delete;
  ~DeadlineScope();

  // Whether it is earlier than what was in force already.
  bool narrows() const { return token_.has_value(); }

 private:
  TaskState* const task_;
  std::optional<ContextVar<MonotonicTime>::Token> token_;
};

MonotonicTime FromNow(absl::Duration delay);

}  // namespace loop_internal

// Runs `body` in the calling task, with no turn in between, under a deadline in
// the loop's time. One that is past comes in the next turn. Cancel-safe as far
// as the body is.
//   kDeadlineExceeded: time is up, and the body ended with kCancelled.
//   Others: the body's; kCancelled if an earlier deadline around this one came,
//     and this is where it is felt first.
template <typename T>
Coro<T> WithDeadline(MonotonicTime deadline, Coro<T> body) {
  const loop_internal::DeadlineScope scope(deadline);
  if (!scope.narrows()) co_return co_await std::move(body);
  Timeout timeout = Timeout::At(deadline);
  co_return co_await timeout.Run(std::move(body));
}

// The same, `delay` from when this is awaited. An infinite one is none.
template <typename T>
Coro<T> WithDeadline(absl::Duration delay, Coro<T> body) {
  co_return co_await WithDeadline(loop_internal::FromNow(delay),
                                  std::move(body));
}

}  // namespace evkit

#endif  // EVKIT_LOOP_CORO_DEADLINE_H_
