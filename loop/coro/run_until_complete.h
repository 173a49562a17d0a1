// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Running a loop until one thing is done. `Run()` (run.h) also makes the loop
// and cleans up after it.
//
//   absl::StatusOr<int> n = RunUntilComplete(loop, Size("a.txt"));

#ifndef EVKIT_LOOP_CORO_RUN_UNTIL_COMPLETE_H_
#define EVKIT_LOOP_CORO_RUN_UNTIL_COMPLETE_H_

#include <utility>

#include "absl/status/status.h"
#include "evkit/base/source_location.h"
#include "evkit/loop/abstract_event_loop.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/loop/coro/future.h"
#include "evkit/loop/coro/outcome.h"
#include "evkit/loop/coro/task.h"

namespace evkit {

namespace loop_internal {

// OK if `loop` can run now.
absl::Status CheckCanRun(const AbstractEventLoop& loop);
absl::Status RunUntilDone(AbstractEventLoop& loop, const AnyFuture& future);

// However the run ends, nobody else will look at the task that was made for it.
class ScopedMainTask {
 public:
  explicit ScopedMainTask(AnyTask task) : task_(std::move(task)) {}
  ScopedMainTask(const ScopedMainTask&) = delete;
  ScopedMainTask& operator=(const ScopedMainTask&) = delete;
  ~ScopedMainTask() {
    if (task_.done()) task_.state()->MarkRetrieved();
  }

 private:
  const AnyTask task_;
};

}  // namespace loop_internal

// Runs `loop` until `future` is done, and returns its result; an exception of
// the user's is rethrown. Other tasks and callbacks run meanwhile, and stay
// where they are afterwards.
//   kFailedPrecondition: the loop was stopped before (RUN-15); or `future`
//     belongs to another loop (RUN-19); or as `RunForever()`.
template <typename T>
Outcome<T> RunUntilComplete(AbstractEventLoop& loop, Future<T> future) {
  absl::Status status = loop_internal::RunUntilDone(loop, future);
  if (!status.ok()) return status;
  return future.Result();
}

// The same with a task made of `coro`, unless the loop cannot run: then `coro`
// is destroyed (RUN-12). If the loop was stopped before, the task is left in
// it.
template <typename T>
Outcome<T> RunUntilComplete(AbstractEventLoop& loop, Coro<T> coro,
                            SourceLocation where = SourceLocation::Here()) {
  absl::Status status = loop_internal::CheckCanRun(loop);
  if (!status.ok()) return status;
  const Task<T> task = CreateTask(loop, std::move(coro), TaskOptions(), where);
  const loop_internal::ScopedMainTask main_task(task);
  return RunUntilComplete<T>(loop, task);
}

}  // namespace evkit

#endif  // EVKIT_LOOP_CORO_RUN_UNTIL_COMPLETE_H_
