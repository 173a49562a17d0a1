// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Blocking work on another thread, and the news of its end on the loop's:
// asyncio's run_in_executor() and to_thread(), for callbacks.
//
//   auto text = std::make_shared<std::string>();
//   absl::StatusOr<ExecutorCall> call = CallInExecutor(
//       loop, nullptr, [text] { *text = ReadWholeFile("a.log"); },
//       [text](const ExecutorOutcome& outcome) {
//         if (outcome.status.ok()) std::cout << *text;
//       });

#ifndef EVKIT_LOOP_EXECUTOR_CALL_IN_EXECUTOR_H_
#define EVKIT_LOOP_EXECUTOR_CALL_IN_EXECUTOR_H_

#include <exception>
#include <memory>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "evkit/base/executor.h"
#include "evkit/loop/abstract_event_loop.h"

namespace evkit {

namespace executor_internal {
class CallState;
}  // namespace executor_internal

// How the work ended.
class ExecutorOutcome {
 public:
  explicit ExecutorOutcome(absl::Status how, std::exception_ptr what = nullptr)
      : status(std::move(how)), exception(std::move(what)) {}

  //   OK: it has run to its end.
  //   kUnknown: it threw; the text says what.
  //   kCancelled: the executor has destroyed it without running it, as one does
  //     that is shut down with jobs pending.
  absl::Status status;
  // What it threw; null if it did not.
  std::exception_ptr exception;
};

// Refers to one call; copies refer to the same. A small value: dropping it does
// not cancel. Belongs to the loop's thread, and may outlive the loop and the
// executor. A default-constructed one refers to nothing.
class ExecutorCall {
 public:
  ExecutorCall() = default;

  // `done` will not be called any more, and is destroyed at once (when called
  // from within it, after it returns). True if the work had not started and now
  // never will: it is destroyed at once too, on this thread. False if it is
  // running, which it goes on doing (EXE-04), or has ended, or if this refers
  // to nothing.
  bool Cancel();

 private:
  friend absl::StatusOr<ExecutorCall> CallInExecutor(
      AbstractEventLoop& loop, Executor* executor,
      absl::AnyInvocable<void() &&> work,
      absl::AnyInvocable<void(const ExecutorOutcome&) &&> done);
  explicit ExecutorCall(std::shared_ptr<executor_internal::CallState> state)
      : state_(std::move(state)) {}

  // Owned by the call's handles, by the loop until the end, and by the job.
  std::shared_ptr<executor_internal::CallState> state_;
};

// Has `executor` run `work`, and then calls `done` in a callback of `loop`,
// never inside this call. Null means the loop's default executor
// (loop/executor/default_executor.h). Belongs to the loop's thread. `executor`
// need not outlive this call: what it does with its pending work when it goes
// is its own affair, and `done` will tell.
//
// Both run in copies of the context that is current here (EXE-09), each in its
// own.
//
// Who destroys what, where:
//   `work`: the thread that ran it, right afterwards; not run, the thread that
//     cancelled it or on which the executor dropped it.
//   `done`: always the loop's thread, after its call, in `Cancel()`, or, if the
//     loop is closed first, in `Close()` (EXE-08). It may capture what belongs
//     to that thread.
//   What both share through a shared_ptr, as a result: whichever of them is the
//     last. If the loop is closed while `work` runs, that is the thread that
//     ran it.
//   What `work` threw: the same, `done` having been given a share.
//
//   kFailedPrecondition: the loop is closed; or `executor` is null and
//     ShutdownDefaultExecutor() was called (EXE-05); or the executor was shut
//     down.
//   Others: what `executor->Submit()` fails with.
// After an error both have been destroyed, uncalled.
absl::StatusOr<ExecutorCall> CallInExecutor(
    AbstractEventLoop& loop, Executor* executor,
    absl::AnyInvocable<void() &&> work,
    absl::AnyInvocable<void(const ExecutorOutcome&) &&> done);

}  // namespace evkit

#endif  // EVKIT_LOOP_EXECUTOR_CALL_IN_EXECUTOR_H_
