// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// One await with a time limit.
//
//   absl::StatusOr<Page> page = co_await WaitFor(Fetch(url), absl::Seconds(5));
//
// It is a Timeout (timeout.h) around the await, in the calling task: no task
// and no turn is added (TMO-09). When the time is up, what is awaited is
// cancelled and waited for, so nothing of it runs on afterwards; `Shield()`
// what is to run on (TMO-11).

#ifndef EVKIT_LOOP_CORO_WAIT_FOR_H_
#define EVKIT_LOOP_CORO_WAIT_FOR_H_

#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/loop/coro/future.h"
#include "evkit/loop/coro/internal/await.h"
#include "evkit/loop/coro/internal/owned_done_callback.h"
#include "evkit/loop/coro/internal/task_state.h"
#include "evkit/loop/coro/outcome.h"
#include "evkit/loop/coro/task.h"
#include "evkit/loop/coro/timeout.h"
#include "evkit/loop/coro/waiter.h"

namespace evkit {

namespace loop_internal {

template <typename A>
concept MovableAwait =
    std::is_base_of_v<AwaitBase, A> && std::is_move_constructible_v<A>;

// Cancels a future, and waits until it is done.
class CancelAndWait {
 public:
  explicit CancelAndWait(FutureState& future)
      : waiter_("WaitFor"),
        callback_(future, TaskState::Current(),
                  [this](FutureState&) { waiter_.Complete(); }) {
    future.Cancel("");
  }
  CancelAndWait(const CancelAndWait&) = delete;
  CancelAndWait& operator=(const CancelAndWait&) = delete;

  Waiter& waiter() { return waiter_; }

 private:
  Waiter waiter_;
  OwnedDoneCallback callback_;
};

// No time at all (TMO-08).
template <typename T>
Coro<T> WaitForNothing(Future<T> future) {
  if (future.done()) co_return co_await std::move(future);
  {
    CancelAndWait wait(*future.state());
    absl::Status status = co_await wait.waiter();
    if (!status.ok()) co_return status;
  }
  Outcome<T> result = co_await std::move(future);
  if (CodeOf(result) == absl::StatusCode::kCancelled) co_return TimedOutError();
  co_return result;
}

}  // namespace loop_internal

// Waits for `future` for at most `timeout` of the loop's time from now on; if
// that is infinite, for ever. With zero or less a future that is done gives its
// result, any other is cancelled, waited for, and gives kDeadlineExceeded.
//   kDeadlineExceeded: time is up, and the future was cancelled. If it ended
//     with a value or an error in spite of that, that is the result (TMO-10).
//   kCancelled: the task was cancelled; the future too, and it has ended,
//   unless
//     `timeout` was zero or less. Cancel-safe: a future that is not a task and
//     was completed in the same turn keeps its value.
//   Others: the future's.
template <typename T>
Coro<T> WaitFor(Future<T> future, absl::Duration timeout) {
  if (timeout <= absl::ZeroDuration()) {
    co_return co_await loop_internal::WaitForNothing(std::move(future));
  }
  Timeout scoped(timeout);
  loop_internal::TimeoutScope scope(scoped);
  Outcome<T> result = co_await std::move(future);
  if (scope.Exit() &&
      loop_internal::CodeOf(result) == absl::StatusCode::kCancelled) {
    co_return loop_internal::TimedOutError();
  }
  co_return result;
}
template <typename T>
Coro<T> WaitFor(Task<T> task, absl::Duration timeout) {
  return WaitFor(static_cast<Future<T>&&>(task), timeout);
}

// The same for a coroutine, which runs in the calling task. With zero or less
// it does not run at all: it is made a task, which is cancelled.
template <typename T>
Coro<T> WaitFor(Coro<T> coro, absl::Duration timeout) {
  if (timeout <= absl::ZeroDuration()) {
    Future<T> task = CreateTask(std::move(coro));
    co_return co_await loop_internal::WaitForNothing(std::move(task));
  }
  Timeout scoped(timeout);
  co_return co_await scoped.Run(std::move(coro));
}
// The same for what a function of evkit's returns to be awaited, such as a read
// of a stream. With zero or less it gives what is there at once.
template <loop_internal::MovableAwait A>
Coro<loop_internal::AwaitedValue<A>> WaitFor(A await, absl::Duration timeout) {
  if (timeout <= absl::ZeroDuration()) {
    if (await.await_ready()) co_return await.await_resume();
    co_return loop_internal::TimedOutError();
  }
  Timeout scoped(timeout);
  loop_internal::TimeoutScope scope(scoped);
  auto result = co_await std::move(await);
  if (scope.Exit() &&
      loop_internal::CodeOf(result) == absl::StatusCode::kCancelled) {
    co_return loop_internal::TimedOutError();
  }
  co_return result;
}
// Of a function object that returns a Coro, which is kept until it has ended.
template <loop_internal::CoroFunction F>
Coro<loop_internal::CoroFunctionValue<F>> WaitFor(F function,
                                                  absl::Duration timeout) {
  return WaitFor(loop_internal::CallAndKeep(std::move(function)), timeout);
}

}  // namespace evkit

#endif  // EVKIT_LOOP_CORO_WAIT_FOR_H_
