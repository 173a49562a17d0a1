// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/coro/run_in_executor.h"

#include "evkit/loop/executor/default_executor.h"

namespace evkit {
namespace loop_internal {

void StartInExecutor(AbstractEventLoop& loop, Executor* executor,
                     const AnyFuture& future,
                     absl::AnyInvocable<void() &&> work,
                     absl::AnyInvocable<void() &&> succeeded) {
  absl::StatusOr<ExecutorCall> call =
      CallInExecutor(loop, executor, std::move(work),
                     [future, succeeded = std::move(succeeded)](
                         const ExecutorOutcome& outcome) mutable {
                       FutureState& state = *future.state();
                       if (state.done()) return;
                       if (outcome.exception != nullptr) {
                         state.FinishWith(outcome.exception);
                       } else if (!outcome.status.ok()) {
                         state.Cancel(outcome.status.message());
                       } else {
                         std::move(succeeded)();
                       }
                     });
  if (!call.ok()) {
    future.state()->FinishWith(std::move(call).status());
    return;
  }
  // A callback, and not inside of `Cancel()`, since it destroys the work, which
  // is the user's.
  future.AddDoneCallback([call = *std::move(call)](AnyFuture done) mutable {
    if (done.cancelled()) call.Cancel();
  });
}

}  // namespace loop_internal

Future<void> ShutdownDefaultExecutor(AbstractEventLoop& loop,
                                     absl::Duration timeout) {
  const Future<void> future = CreateFuture<void>(loop);
  absl::Status status =
      ShutdownDefaultExecutor(loop, timeout, [future](absl::Status ended) {
        if (ended.ok()) {
          future.SetResult().IgnoreError();
        } else {
          future.SetError(std::move(ended)).IgnoreError();
        }
      });
  if (!status.ok()) future.SetError(std::move(status)).IgnoreError();
  return future;
}

}  // namespace evkit
