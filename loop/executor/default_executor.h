// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// The thread pool that each loop has, made when it is first needed. asyncio's
// default executor.
//
// All functions here belong to the loop's thread.
//
// When the loop is closed, its default executor is shut down without waiting
// (RUN-25): jobs that are queued or running still run to their end, on threads
// that nobody waits for, and their results are dropped (EXE-08). A program that
// returns from main() meanwhile destroys its globals under them; so shut the
// executor down first.

#ifndef EVKIT_LOOP_EXECUTOR_DEFAULT_EXECUTOR_H_
#define EVKIT_LOOP_EXECUTOR_DEFAULT_EXECUTOR_H_

#include <memory>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "evkit/loop/abstract_event_loop.h"
#include "evkit/loop/executor/thread_pool_executor.h"

namespace evkit {

// The loop's default executor; made by the first call, of the default size,
// with threads named "evkit_0" and so on (EXE-02), if none was set. The loop
// owns it.
//   kFailedPrecondition: "Executor shutdown has been called" (EXE-05), or the
//     loop is closed.
absl::StatusOr<ThreadPoolExecutor*> DefaultExecutor(AbstractEventLoop& loop);

// Makes `executor` the default one, and gives back the one that was, null if
// there was none yet: still running, not shut down (EXE-06). Mind that the
// destructor of a pool waits. After ShutdownDefaultExecutor() nothing takes its
// place: `executor` itself is given back. Requires an open loop and an executor
// that is not null (checked).
[[nodiscard]] std::unique_ptr<ThreadPoolExecutor> SetDefaultExecutor(
    AbstractEventLoop& loop, std::unique_ptr<ThreadPoolExecutor> executor);

// Refuses further use of the default executor from now on (RUN-32), lets it run
// what is queued, and calls `done` in a callback of the loop when all its
// threads have ended: with OK, in a copy of the context that is current here.
// The loop goes on meanwhile. Without a default executor, in the next turn
// (RUN-33).
//
// After `timeout`, by the loop's clock, `done` is called with kDeadlineExceeded
// instead, and the loop's exception handler is told that threads are left
// behind (RUN-34): they go on until their jobs end, if ever. Zero and less time
// out in the next turn (RUN-35), an infinite duration never does. Calling again
// waits again.
//
// If the loop is closed first, `done` is destroyed uncalled.
//   kFailedPrecondition: the loop is closed, or the executor was inherited
//     through fork; `done` has been destroyed.
absl::Status ShutdownDefaultExecutor(
    AbstractEventLoop& loop, absl::Duration timeout,
    absl::AnyInvocable<void(absl::Status) &&> done);

}  // namespace evkit

#endif  // EVKIT_LOOP_EXECUTOR_DEFAULT_EXECUTOR_H_
