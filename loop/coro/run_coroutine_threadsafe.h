// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Having a loop run a coroutine from another thread, and waiting there for its
// result.
//
//   // On a thread that is not the loop's:
//   ThreadFuture<int> size = RunCoroutineThreadsafe(loop, Size("a.txt"));
//   absl::StatusOr<int> n = size.Get();        // blocks

#ifndef EVKIT_LOOP_CORO_RUN_COROUTINE_THREADSAFE_H_
#define EVKIT_LOOP_CORO_RUN_COROUTINE_THREADSAFE_H_

#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "evkit/base/source_location.h"
#include "evkit/loop/abstract_event_loop.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/loop/coro/internal/slot.h"
#include "evkit/loop/coro/internal/thread_future_state.h"
#include "evkit/loop/coro/outcome.h"
#include "evkit/loop/coro/task.h"

namespace evkit {

// The result of a task, for other threads. Thread-safe; copies refer to the
// same result, and may outlive the loop. Dropping them all leaves the task
// alone. Nobody who waits is left waiting: if the loop is closed first, the
// result is kCancelled.
template <typename T>
class ThreadFuture {
 public:
  // For RunCoroutineThreadsafe().
  explicit ThreadFuture(
      std::shared_ptr<loop_internal::TypedThreadFuture<T>> state)
      : state_(std::move(state)) {}

  // Blocks until the task is done, and returns its result; an exception of the
  // user's is rethrown. If T can be copied, every call gets a copy; otherwise
  // the first takes the value, and later ones get kFailedPrecondition. On the
  // thread that is running the loop, where it would block for ever, it returns
  // kFailedPrecondition if there is no result yet.
  Outcome<T> Get() const { return state_->Get(); }

  bool done() const { return state_->done(); }
  // Whether it ended by `Cancel()`, or because the task was cancelled, or the
  // loop closed.
  bool cancelled() const { return state_->cancelled(); }

  // The result is kCancelled from now on, with `message`, and the task is asked
  // to end, as by `Task::Cancel()`; what becomes of it is not known here. False
  // if there is a result already, and nothing happens.
  bool Cancel(absl::string_view message = "") const {
    return state_->Cancel(message);
  }

 private:
  // Owned by the handles, by the task's callback and by calls under way.
  std::shared_ptr<loop_internal::TypedThreadFuture<T>> state_;
};

// Has `loop` run `coro` as a task, from any thread (EXE-10). The coroutine runs
// and is destroyed on the loop's thread, and so is the task's own handle; only
// the result comes back. `loop` must not be destroyed before this has returned.
// On a closed loop the coroutine is destroyed here, and the result is
// kFailedPrecondition.
template <typename T>
ThreadFuture<T> RunCoroutineThreadsafe(
    AbstractEventLoop& loop, Coro<T> coro,
    SourceLocation where = SourceLocation::Here()) {
  using loop_internal::ThreadFutureCompleter;
  using State = loop_internal::TypedThreadFuture<T>;
  const auto state = std::make_shared<State>(&loop);
  // Declared before the coroutine, so destroyed after it.
  auto start = [completer = ThreadFutureCompleter(state),
                coro = std::move(coro), state = state.get(), &loop,
                where]() mutable {
    if (!state->Begin(loop)) return;
    const Task<T> task =
        CreateTask(loop, std::move(coro), TaskOptions(), where);
    state->set_task(task);
    task.AddDoneCallback(
        [completer = std::move(completer), state](AnyFuture done) {
          state->Complete(
              static_cast<loop_internal::Slot<T>&>(done.state()->slot()),
              done.cancelled());
          done.state()->MarkRetrieved();
        });
  };
  absl::Status posted = loop.CallSoonThreadsafe(std::move(start), where);
  if (!posted.ok()) state->FailToBegin(std::move(posted));
  return ThreadFuture<T>(state);
}

// Of a function object without parameters that returns a Coro: it is called on
// the loop's thread, and kept as long as the coroutine runs.
template <loop_internal::CoroFunction F>
ThreadFuture<loop_internal::CoroFunctionValue<F>> RunCoroutineThreadsafe(
    AbstractEventLoop& loop, F function,
    SourceLocation where = SourceLocation::Here()) {
  return RunCoroutineThreadsafe(
      loop, loop_internal::CallAndKeep(std::move(function)), where);
}

}  // namespace evkit

#endif  // EVKIT_LOOP_CORO_RUN_COROUTINE_THREADSAFE_H_
