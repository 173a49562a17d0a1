// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// A loop with everything round it: made when needed, made current, told of
// Ctrl-C, cleaned up and closed at the end. `Run()` (run.h) is a Runner for one
// coroutine; a Runner of one's own runs several, one after the other, on the
// same loop and in the same context:
//
//   Runner runner;
//   absl::StatusOr<Config> config = runner.Run(LoadConfig());
//   absl::Status served = runner.Run(Serve(*std::move(config)));
//   absl::Status closed = runner.Close();

#ifndef EVKIT_LOOP_CORO_RUNNER_H_
#define EVKIT_LOOP_CORO_RUNNER_H_

#include <memory>
#include <optional>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "evkit/base/source_location.h"
#include "evkit/loop/abstract_event_loop.h"
#include "evkit/loop/context.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/loop/coro/internal/interrupt.h"
#include "evkit/loop/coro/outcome.h"
#include "evkit/loop/coro/run_until_complete.h"
#include "evkit/loop/coro/task.h"

namespace evkit {

// How a program is run. Fill in a named object.
class RunOptions {
 public:
  RunOptions();
  RunOptions(RunOptions&&);
  RunOptions& operator=(RunOptions&&);
  ~RunOptions();

  // The loop's debug mode; by default as the loop is made (RNR-09).
  std::optional<bool> debug;
  // Makes the loop, which then is not made the thread's current loop. By
  // default `NewEventLoop()` does, and it is.
  absl::AnyInvocable<absl::StatusOr<std::unique_ptr<AbstractEventLoop>>()>
      loop_factory;
  // Whether SIGINT cancels what is run, in the main thread, and if it does what
  // it does by default (RNR-10). Makes the loop look at its descriptors in
  // every turn, which one without any would not.
  bool cancel_on_sigint = true;
  // How long closing waits for the default executor's threads.
  absl::Duration executor_timeout = absl::Seconds(300);
};

// Whether `status` is what a run returns that was cancelled by SIGINT, and by
// nothing else: kCancelled, "interrupted by SIGINT" (RNR-11). A program should
// end with an exit status of 130 then, as the shell has it.
bool IsInterrupted(const absl::Status& status);

// Belongs to one thread, that of its loop. Not to be destroyed while the loop
// is running (checked).
class Runner {
 public:
  explicit Runner(RunOptions options = RunOptions());
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;
  // `Close()`. What callbacks throw meanwhile is dropped.
  ~Runner();

  // Runs `main` as a task, until it is done, and returns its result; an
  // exception of the user's is rethrown. Other tasks and callbacks run
  // meanwhile, and stay for the next run, or for `Close()`. It runs in the
  // runner's context, a copy of the one that was current when the loop was
  // made, or in the very `context` given: what one run sets the next one sees,
  // and nobody else (RNR-07).
  //   kCancelled: `main` ended so; see `IsInterrupted()`.
  //   kFailedPrecondition: the runner is closed (RNR-08); a loop is running in
  //     this thread (RNR-02); or somebody has stopped the loop.
  //   Others: as the loop could not be made, or could not go on.
  template <typename T>
  Outcome<T> Run(Coro<T> main, SourceLocation where = SourceLocation::Here()) {
    return DoRun(std::move(main), nullptr, where);
  }
  template <typename T>
  Outcome<T> Run(Coro<T> main, const Context& context,
                 SourceLocation where = SourceLocation::Here()) {
    return DoRun(std::move(main), &context, where);
  }
  // Of a function object, which is kept as long as the coroutine runs.
  template <loop_internal::CoroFunction F>
  Outcome<loop_internal::CoroFunctionValue<F>> Run(
      F main, SourceLocation where = SourceLocation::Here()) {
    return DoRun(loop_internal::CallAndKeep(std::move(main)), nullptr, where);
  }

  // The loop, made now if there is none yet. kFailedPrecondition: closed.
  absl::StatusOr<AbstractEventLoop*> loop();

  // Cleans up, in this order (RNR-04): cancels the tasks that are left and runs
  // until they have ended, with errors reported; closes the asynchronous
  // generators; shuts the default executor down; resets the current loop, if it
  // was set; closes and destroys the loop. SIGINT does what it does by default
  // meanwhile. Idempotent; does nothing before there is a loop.
  //   kFailedPrecondition: the loop is running, and nothing has happened; or
  //     somebody stopped it, and it is closed all the same.
  //   Others: as the loop could not go on; it is closed all the same.
  absl::Status Close();

 private:
  class LoopCloser;

  // OK if there is a loop, which can run.
  absl::Status Prepare();
  absl::Status MakeLoop();

  template <typename T>
  Outcome<T> DoRun(Coro<T> main, const Context* context, SourceLocation where);

  RunOptions options_;
  std::unique_ptr<AbstractEventLoop> loop_;
  std::optional<Context> context_;
  bool made_current_ = false;
  bool closed_ = false;
};

namespace loop_internal {
absl::Status InterruptedError();
}  // namespace loop_internal

template <typename T>
Outcome<T> Runner::DoRun(Coro<T> main, const Context* context,
                         SourceLocation where) {
  absl::Status status = Prepare();
  if (!status.ok()) return status;
  TaskOptions task_options;
  task_options.context = context == nullptr ? context_ : *context;
  const Task<T> task =
      CreateTask(*loop_, std::move(main), std::move(task_options), where);
  const loop_internal::ScopedMainTask main_task(task);
  std::optional<loop_internal::ScopedInterrupt> interrupt;
  if (options_.cancel_on_sigint) interrupt.emplace(*loop_, task);
  Outcome<T> outcome = RunUntilComplete<T>(*loop_, task);
  if (interrupt.has_value() && interrupt->CancelledMain()) {
    return loop_internal::InterruptedError();
  }
  return outcome;
}

}  // namespace evkit

#endif  // EVKIT_LOOP_CORO_RUNNER_H_
