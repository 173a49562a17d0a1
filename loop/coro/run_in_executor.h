// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Blocking work on another thread, awaited.
//
//   ThreadPoolExecutor disk;
//   std::string text = co_await OrReturn(
//       RunInExecutor(loop, &disk, ReadWholeFile));
//
// g++ 12: a lambda with captures is named before the statement that awaits.
// `ToThread()` (to_thread.h) is shorter.

#ifndef EVKIT_LOOP_CORO_RUN_IN_EXECUTOR_H_
#define EVKIT_LOOP_CORO_RUN_IN_EXECUTOR_H_

#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "evkit/base/executor.h"
#include "evkit/loop/abstract_event_loop.h"
#include "evkit/loop/coro/future.h"
#include "evkit/loop/coro/outcome.h"
#include "evkit/loop/executor/call_in_executor.h"

namespace evkit {

namespace loop_internal {

// What a future carries of a function that returns R.
template <typename R>
struct ReturnedValue {
  using Type = R;
};
template <>
struct ReturnedValue<absl::Status> {
  using Type = void;
};
template <typename T>
struct ReturnedValue<absl::StatusOr<T>> {
  using Type = T;
};
template <typename F>
using WorkValue =
    typename ReturnedValue<std::decay_t<std::invoke_result_t<F&>>>::Type;

// Calls `function` and gives its result as an outcome.
template <typename F>
Outcome<WorkValue<F>> CallForOutcome(F& function) {
  if constexpr (std::is_void_v<std::invoke_result_t<F&>>) {
    function();
    return absl::OkStatus();
  } else {
    return function();
  }
}

// Runs `work` there, and then `succeeded` on the loop's thread; or fails
// `future`, which the end of the work completes.
void StartInExecutor(AbstractEventLoop& loop, Executor* executor,
                     const AnyFuture& future,
                     absl::AnyInvocable<void() &&> work,
                     absl::AnyInvocable<void() &&> succeeded);

}  // namespace loop_internal

// Has `executor` call `work`, and completes the future with what it returns
// (EXE-01): the value; an `absl::StatusOr<R>` or `absl::Status` is the future's
// own result, and what it throws is rethrown to whoever awaits (EXE-03). Null
// means the loop's default executor.
//
// Cancelling the future cancels work that has not started; work that has goes
// on, and its result is dropped (EXE-04). So it is if the loop is closed first
// (EXE-08). Work that the executor drops unrun cancels the future.
//
// `work` runs in a copy of the context that is current here (EXE-09), and is
// destroyed on the thread that ran it, or that cancelled it; see
// loop/executor/call_in_executor.h. Its result is made there, and destroyed on
// the loop's thread, unless nobody wants it any more.
//
// If it could not be handed over, the future has failed:
//   kFailedPrecondition: the loop is closed; or an executor was shut down.
//   Others: what `executor->Submit()` fails with.
//
// Thread: belongs to the loop's.
template <typename F>
Future<loop_internal::WorkValue<F>> RunInExecutor(AbstractEventLoop& loop,
                                                  Executor* executor, F work) {
  using T = loop_internal::WorkValue<F>;
  const Future<T> future = CreateFuture<T>(loop);
  // Shared by the work, which fills it, and by what takes it out.
  const auto result = std::make_shared<std::optional<Outcome<T>>>();
  loop_internal::StartInExecutor(
      loop, executor, future,
      [work = std::move(work), result]() mutable {
        result->emplace(loop_internal::CallForOutcome(work));
      },
      [future, result] {
        Outcome<T>& outcome = **result;
        if (!outcome.ok()) {
          if constexpr (std::is_void_v<T>) {
            future.SetError(std::move(outcome)).IgnoreError();
          } else {
            future.SetError(std::move(outcome).status()).IgnoreError();
          }
        } else if constexpr (std::is_void_v<T>) {
          future.SetResult().IgnoreError();
        } else {
          future.SetResult(*std::move(outcome)).IgnoreError();
        }
      });
  return future;
}

// `ShutdownDefaultExecutor()` (loop/executor/default_executor.h), awaited: OK
// when all its threads have ended; kDeadlineExceeded after `timeout`, and the
// exception handler has been told (RUN-34). The shutdown begins with this call,
// awaited or not, and cancelling the future does not take it back.
Future<void> ShutdownDefaultExecutor(
    AbstractEventLoop& loop, absl::Duration timeout = absl::InfiniteDuration());

}  // namespace evkit

#endif  // EVKIT_LOOP_CORO_RUN_IN_EXECUTOR_H_
