// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/coro/run_until_complete.h"

#include "evkit/loop/internal/exceptions.h"
#include "evkit/policy/running_loop.h"

namespace evkit::loop_internal {
namespace {

// Takes the callback back, whatever leaves the run.
class ScopedDoneCallback {
 public:
  ScopedDoneCallback(const AnyFuture& future, DoneCallbackHandle handle)
      : future_(future), handle_(std::move(handle)) {}
  ScopedDoneCallback(const ScopedDoneCallback&) = delete;
  ScopedDoneCallback& operator=(const ScopedDoneCallback&) = delete;
  ~ScopedDoneCallback() { future_.RemoveDoneCallback(handle_); }

 private:
  const AnyFuture& future_;
  const DoneCallbackHandle handle_;
};

}  // namespace

absl::Status CheckCanRun(const AbstractEventLoop& loop) {
  if (loop.IsClosed()) {
    return absl::FailedPreconditionError(
        "RunUntilComplete: event loop is closed");
  }
  if (loop.IsRunning()) {
    return absl::FailedPreconditionError(
        "RunUntilComplete: this event loop is already running");
  }
  if (GetRunningLoopOrNull() != nullptr) {
    return absl::FailedPreconditionError(
        "RunUntilComplete: another event loop is running in this thread");
  }
  return absl::OkStatus();
}

absl::Status RunUntilDone(AbstractEventLoop& loop, const AnyFuture& future) {
  absl::Status can_run = CheckCanRun(loop);
  if (!can_run.ok()) return can_run;
  if (future.loop() != &loop) {
    return absl::FailedPreconditionError(
        "RunUntilComplete: the future is attached to a different loop");
  }
  {
    const ScopedDoneCallback stop(
        future, future.AddDoneCallback([&loop](AnyFuture done) {
          // A fatal exception has left the run already, or is about to.
          if (!IsFatalException(done.Exception())) loop.Stop();
        }));
    absl::Status status = loop.RunForever();
    if (!status.ok()) return status;
  }
  if (future.done()) return absl::OkStatus();
  return absl::FailedPreconditionError(
      "RunUntilComplete: the event loop was stopped before the future was "
      "done");
}

}  // namespace evkit::loop_internal
