// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Cancelling a task from another thread.
//
//   TaskCanceller canceller(task);         // on the loop's thread
//   std::thread([canceller] { canceller.CancelThreadsafe("too late"); });

#ifndef EVKIT_LOOP_CORO_TASK_CANCELLER_H_
#define EVKIT_LOOP_CORO_TASK_CANCELLER_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "evkit/loop/coro/task.h"

namespace evkit {

// Copies cancel the same task, and may be made, used and dropped on any thread.
// Does not keep the task alive. Made on the loop's thread; the loop must not be
// destroyed before the last call of `CancelThreadsafe()` has returned.
class TaskCanceller {
 public:
  explicit TaskCanceller(const AnyTask& task);

  // Has the task's loop call `Cancel(message)`; nothing happens if the task has
  // ended by then. Errors: as `AbstractEventLoop::CallSoonThreadsafe()`.
  absl::Status CancelThreadsafe(std::string message = "") const;

 private:
  class Target;

  // Shared by the copies, by the calls under way, and by the task's callback.
  std::shared_ptr<Target> target_;
};

}  // namespace evkit

#endif  // EVKIT_LOOP_CORO_TASK_CANCELLER_H_
