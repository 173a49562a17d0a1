// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/coro/task.h"

#include <memory>

#include "absl/strings/str_cat.h"
#include "evkit/base/check.h"
#include "evkit/policy/running_loop.h"

namespace evkit {

using loop_internal::TaskHub;
using loop_internal::TaskState;

namespace loop_internal {

class TaskFactoryHolder {
 public:
  explicit TaskFactoryHolder(TaskFactory its_factory)
      : factory(std::move(its_factory)) {}
  TaskFactory factory;
};

AbstractEventLoop* LoopForNewTask() { return GetRunningLoopOrNull(); }

RefPtr<TaskHub> HubForNewTask() {
  AbstractEventLoop* const loop = LoopForNewTask();
  return loop == nullptr ? TaskHub::Detached() : HubOf(*loop);
}

namespace {

void Start(TaskState& task, TaskOptions& options, SourceLocation where) {
  task.Start(std::move(options.name),
             options.context.has_value() ? &*options.context : nullptr,
             options.eager_start, where);
}

void RefuseTask(TaskState& task) {
  task.Refuse(task.hub().detached() ? absl::FailedPreconditionError(
                                          "CreateTask: no running event loop")
                                    : TaskState::ClosedLoopError());
}

void BeginByFactory(TaskState& task, TaskOptions options,
                    SourceLocation where) {
  const std::shared_ptr<TaskFactoryHolder> holder = task.hub().task_factory();
  holder->factory(NewTask(&task), std::move(options), where);
  if (!task.started() && !task.done()) {
    task.Refuse(absl::CancelledError("the task factory did not start it"));
  }
}

}  // namespace

void BeginTask(TaskState& task, TaskOptions* options, SourceLocation where) {
  AbstractEventLoop* const loop = task.loop();
  if (loop == nullptr || loop->IsClosed()) {
    RefuseTask(task);
  } else if (task.hub().task_factory() != nullptr) {
    BeginByFactory(
        task, options == nullptr ? TaskOptions() : std::move(*options), where);
  } else {
    Start(task, *options, where);
  }
}

}  // namespace loop_internal

void NewTask::Start(TaskOptions options, SourceLocation where) {
  EVKIT_CHECK(task_->loop() != nullptr && !task_->started() && !task_->done(),
              "a task is started once");
  loop_internal::Start(*task_, options, where);
}

void SetTaskFactory(AbstractEventLoop& loop, TaskFactory factory) {
  TaskHub::Of(loop)->task_factory() =
      factory == nullptr ? nullptr
                         : std::make_shared<loop_internal::TaskFactoryHolder>(
                               std::move(factory));
}

bool HasTaskFactory(AbstractEventLoop& loop) {
  return TaskHub::Of(loop)->task_factory() != nullptr;
}

TaskFactory EagerTaskFactory() {
  return [](NewTask task, TaskOptions options, SourceLocation where) {
    options.eager_start = true;
    task.Start(std::move(options), where);
  };
}

AnyTask CurrentTask() { return AnyTask(TaskState::Current()); }

std::vector<AnyTask> AllTasks(AbstractEventLoop& loop) {
  const auto hub = TaskHub::Of(loop);
  std::vector<AnyTask> tasks;
  tasks.reserve(hub->task_count());
  for (TaskState* task = hub->first_task(); task != nullptr;
       task = task->next_task) {
    tasks.push_back(AnyTask(task));
  }
  return tasks;
}

}  // namespace evkit
