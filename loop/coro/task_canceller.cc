// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/coro/task_canceller.h"

#include <utility>

namespace evkit {

using loop_internal::TaskState;

class TaskCanceller::Target {
 public:
  Target(AbstractEventLoop* its_loop, TaskState* its_task)
      : loop(its_loop), task(its_task) {}

  AbstractEventLoop* const loop;  // Null: closed before this was made.
  // Belongs to the loop's thread. The loop owns the task until it ends, which
  // makes this null.
  TaskState* task;
};

TaskCanceller::TaskCanceller(const AnyTask& task)
    : target_(std::make_shared<Target>(task.loop(), &task.task())) {
  task.AddDoneCallback([target = target_] { target->task = nullptr; });
}

absl::Status TaskCanceller::CancelThreadsafe(std::string message) const {
  if (target_->loop == nullptr) {
    return absl::FailedPreconditionError(
        "CancelThreadsafe: event loop is closed");
  }
  return target_->loop->CallSoonThreadsafe(
      [target = target_, message = std::move(message)] {
        if (target->task != nullptr) target->task->Cancel(message);
      });
}

}  // namespace evkit
