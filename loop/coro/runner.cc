// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/coro/runner.h"

#include <vector>

#include "absl/strings/cord.h"
#include "evkit/loop/coro/async_generator.h"
#include "evkit/loop/coro/internal/all_done.h"
#include "evkit/loop/coro/run_in_executor.h"
#include "evkit/loop/current.h"
#include "evkit/loop/error_context.h"
#include "evkit/loop/internal/exceptions.h"

namespace evkit {
namespace {

constexpr char kInterruptedPayload[] = "evkit/interrupted";

void ReportUnhandled(AbstractEventLoop& loop, const AnyTask& task) {
  ErrorContext report("unhandled error during the shutdown of Run()");
  report.status = task.Error();
  report.exception = task.Exception();
  report.context = task.context();
  report.details["task"] = task.DebugString();
  loop.CallExceptionHandler(report);
}

absl::Status CancelAllTasks(AbstractEventLoop& loop) {
  const std::vector<AnyTask> tasks = AllTasks(loop);
  if (tasks.empty()) return absl::OkStatus();
  for (const AnyTask& task : tasks) task.Cancel("Run() is over");
  absl::Status status =
      RunUntilComplete(loop, loop_internal::AllDone(loop, tasks));
  for (const AnyTask& task : tasks) {
    if (task.done() && !task.cancelled() && !task.Error().ok()) {
      ReportUnhandled(loop, task);
    }
  }
  return status;
}

absl::Status ShutDownExecutor(AbstractEventLoop& loop, absl::Duration timeout) {
  absl::Status status =
      RunUntilComplete(loop, ShutdownDefaultExecutor(loop, timeout));
  // Threads were left behind, and the exception handler told.
  if (absl::IsDeadlineExceeded(status)) return absl::OkStatus();
  return status;
}

}  // namespace

absl::Status loop_internal::InterruptedError() {
  absl::Status status = absl::CancelledError("interrupted by SIGINT");
  status.SetPayload(kInterruptedPayload, absl::Cord());
  return status;
}

bool IsInterrupted(const absl::Status& status) {
  return status.GetPayload(kInterruptedPayload).has_value();
}

RunOptions::RunOptions() = default;
RunOptions::RunOptions(RunOptions&&) = default;
RunOptions& RunOptions::operator=(RunOptions&&) = default;
RunOptions::~RunOptions() = default;

// Closes the loop at the end of a scope, exceptions included.
class Runner::LoopCloser {
 public:
  explicit LoopCloser(Runner& runner) : runner_(runner) {}
  LoopCloser(const LoopCloser&) = delete;
  LoopCloser& operator=(const LoopCloser&) = delete;
  ~LoopCloser() {
    runner_.closed_ = true;
    const std::unique_ptr<AbstractEventLoop> loop = std::move(runner_.loop_);
    runner_.context_.reset();
    if (runner_.made_current_) SetEventLoop(nullptr);
    loop->Close().IgnoreError();  // It is not running.
  }

 private:
  Runner& runner_;
};

Runner::Runner(RunOptions options) : options_(std::move(options)) {}

Runner::~Runner() {
  (void)loop_internal::CatchAllExceptions([this] { Close().IgnoreError(); });
}

absl::StatusOr<AbstractEventLoop*> Runner::loop() {
  absl::Status status = MakeLoop();
  if (!status.ok()) return status;
  return loop_.get();
}

absl::Status Runner::Prepare() {
  if (GetRunningLoopOrNull() != nullptr) {
    return absl::FailedPreconditionError(
        "Run: an event loop is running in this thread");
  }
  return MakeLoop();
}

absl::Status Runner::MakeLoop() {
  if (closed_) return absl::FailedPreconditionError("Runner is closed");
  if (loop_ != nullptr) return absl::OkStatus();
  const bool make_current = options_.loop_factory == nullptr;
  absl::StatusOr<std::unique_ptr<AbstractEventLoop>> made =
      make_current ? NewEventLoop() : options_.loop_factory();
  if (!made.ok()) return made.status();
  loop_ = *std::move(made);
  if (make_current) {
    SetEventLoop(loop_.get());
    made_current_ = true;
  }
  if (options_.debug.has_value()) loop_->SetDebug(*options_.debug);
  context_ = Context::CopyCurrent();
  return absl::OkStatus();
}

absl::Status Runner::Close() {
  if (loop_ == nullptr) return absl::OkStatus();
  if (loop_->IsRunning()) {
    return absl::FailedPreconditionError("Close: the runner's loop is running");
  }
  const LoopCloser closer(*this);
  absl::Status status = CancelAllTasks(*loop_);
  status.Update(RunUntilComplete(*loop_, ShutdownAsyncGenerators(*loop_)));
  status.Update(ShutDownExecutor(*loop_, options_.executor_timeout));
  return status;
}

}  // namespace evkit
