// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Blocking work on a thread of the loop's own pool, awaited.
//
//   std::string text = co_await OrReturn(ToThread(ReadWholeFile));

#ifndef EVKIT_LOOP_CORO_TO_THREAD_H_
#define EVKIT_LOOP_CORO_TO_THREAD_H_

#include <utility>

#include "absl/status/status.h"
#include "evkit/loop/abstract_event_loop.h"
#include "evkit/loop/coro/future.h"
#include "evkit/loop/coro/run_in_executor.h"
#include "evkit/loop/coro/task.h"

namespace evkit {

// `RunInExecutor()` on the default executor of the running loop: `work` runs in
// a copy of the caller's context (EXE-09), and begins with this call, awaited
// or not. Where no loop is running the future has failed with
// kFailedPrecondition. Otherwise as there.
template <typename F>
Future<loop_internal::WorkValue<F>> ToThread(F work) {
  using T = loop_internal::WorkValue<F>;
  AbstractEventLoop* const loop = loop_internal::LoopForNewTask();
  if (loop != nullptr) return RunInExecutor(*loop, nullptr, std::move(work));
  const auto hub = loop_internal::TaskHub::Detached();
  Future<T> future(
      loop_internal::FutureRef::Adopt(new loop_internal::TypedFuture<T>(*hub)));
  future
      .SetError(
          absl::FailedPreconditionError("ToThread: no running event loop"))
      .IgnoreError();
  return future;
}

}  // namespace evkit

#endif  // EVKIT_LOOP_CORO_TO_THREAD_H_
