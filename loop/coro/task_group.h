// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Tasks that do not outlive the block that started them.
//
//   TaskGroup group;
//   auto body = [&]() -> Coro<int> {
//     Task<int> left = group.CreateTask(Sum(tree.left));
//     Task<int> right = group.CreateTask(Sum(tree.right));
//     co_return co_await OrReturn(left) + co_await OrReturn(right);
//   };
//   absl::StatusOr<int> sum = co_await group.Run(body());
//
// `Run()` is asyncio's `async with TaskGroup()`. It returns when the body and
// all tasks have ended, those included that were added meanwhile (TG-01).
//
// The first failure, of a task or the body, cancels all others, and the body if
// it is still running (TG-02), and then no task is accepted any more. A task
// that is cancelled is no failure (TG-05). All failures together are the
// result: a status for which `IsErrorGroup()` is true (error_group.h), in the
// order of completion, the body's last (TG-03).
//
// If the task that runs the body is cancelled, so are the tasks; when they have
// ended, the result is kCancelled, unless there are failures: then it is those,
// and the cancellation comes at the next await (TG-05, TG-07). What the group
// cancels itself, it takes back: `cancelling()` is as before (TG-06).
//
// An exception in a task or the body counts as a failure, described as
// kUnknown. A FatalException is rethrown by `Run()` itself, when all have ended
// (TG-04).

#ifndef EVKIT_LOOP_CORO_TASK_GROUP_H_
#define EVKIT_LOOP_CORO_TASK_GROUP_H_

#include <cstddef>
#include <exception>
#include <list>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "evkit/base/source_location.h"
#include "evkit/loop/abstract_event_loop.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/loop/coro/error_group.h"
#include "evkit/loop/coro/future.h"
#include "evkit/loop/coro/internal/call_into.h"
#include "evkit/loop/coro/internal/future_state.h"
#include "evkit/loop/coro/internal/owned_done_callback.h"
#include "evkit/loop/coro/internal/slot.h"
#include "evkit/loop/coro/internal/task_hub.h"
#include "evkit/loop/coro/internal/task_state.h"
#include "evkit/loop/coro/task.h"
#include "evkit/loop/coro/waiter.h"

namespace evkit {

// Used once, by one task. Outlives its `Run()`; belongs to the loop's thread.
// If the loop is closed meanwhile, the tasks are destroyed as all others, and
// the group forgets them.
class TaskGroup {
 public:
  TaskGroup() = default;
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  // Runs `body` in the calling task, then waits for the group's tasks. The
  // body's value, if nothing failed. Not cancel-safe: a value of the body's is
  // lost if the task is cancelled while it waits for the others.
  //   kFailedPrecondition: the group has run before (TG-08).
  //   kCancelled: the calling task was cancelled, or the body ended with that.
  //   An error group: see above.
  template <typename T>
  Coro<T> Run(Coro<T> body);
  // Of a function object that returns a Coro, which is kept until the body has
  // ended.
  template <loop_internal::CoroFunction F>
  Coro<loop_internal::CoroFunctionValue<F>> Run(F body) {
    return Run(loop_internal::CallAndKeep(std::move(body)));
  }

  // `CreateTask()` (task.h) in this group, while it is `accepting()`. Otherwise
  // the coroutine is destroyed, and the task returned has failed with
  // kFailedPrecondition (TG-02, TG-08).
  template <typename T>
  Task<T> CreateTask(Coro<T> coro, TaskOptions options = TaskOptions(),
                     SourceLocation where = SourceLocation::Here());
  template <loop_internal::CoroFunction F>
  Task<loop_internal::CoroFunctionValue<F>> CreateTask(
      F function, TaskOptions options = TaskOptions(),
      SourceLocation where = SourceLocation::Here()) {
    return CreateTask(loop_internal::CallAndKeep(std::move(function)),
                      std::move(options), where);
  }

  // Whether it takes tasks: from the beginning of `Run()` until a failure, a
  // cancellation, or the end of the body and all tasks.
  bool accepting() const { return CheckAccepting().ok(); }

 private:
  // One of its tasks, while it is pending or has not been heard of.
  class Child {
   public:
    loop_internal::FutureRef task;
    loop_internal::OwnedDoneCallback callback;
  };
  // Forgets the tasks, however the frame ends that `Run()` is in.
  class ScopedForget {
   public:
    explicit ScopedForget(TaskGroup& group) : group_(group) {}
    ScopedForget(const ScopedForget&) = delete;
    ScopedForget& operator=(const ScopedForget&) = delete;
    ~ScopedForget() { group_.Forget(); }

   private:
    TaskGroup& group_;
  };

  absl::Status Enter();
  // Waits for the tasks, and puts what `Run()` is to return in `body`'s place
  // if that is not the body's own result. OK if it is.
  Coro<void> Exit(loop_internal::SlotBase& body, bool has_value);
  absl::Status CheckAccepting() const;
  void Forget();
  // A task that has failed before it began.
  template <typename T>
  static Task<T> Refused(Coro<T> coro, absl::Status error);
  void Adopt(loop_internal::FutureState& task);
  void Abort();
  void OnTaskDone(std::list<Child>::iterator child);

  loop_internal::TaskState* parent_ = nullptr;  // While it runs.
  std::list<Child> children_;
  std::vector<absl::Status> errors_;
  std::exception_ptr fatal_;
  Waiter* completed_ = nullptr;  // While `Exit()` waits.
  bool entered_ = false;
  bool exiting_ = false;
  bool aborting_ = false;
  bool parent_cancel_requested_ = false;
};

template <typename T>
Coro<T> TaskGroup::Run(Coro<T> body) {
  absl::Status status = Enter();
  if (!status.ok()) co_return status;
  const ScopedForget forget(*this);
  loop_internal::Slot<T> result;
  co_await loop_internal::CallInto(result, body.Release());
  status = co_await Exit(result, result.has_value());
  if (!status.ok()) co_return status;
  co_return result.Take();
}

template <typename T>
Task<T> TaskGroup::CreateTask(Coro<T> coro, TaskOptions options,
                              SourceLocation where) {
  absl::Status status = CheckAccepting();
  if (!status.ok()) {
    return Refused(std::move(coro), std::move(status));
  }
  Task<T> task = evkit::CreateTask(*parent_->loop(), std::move(coro),
                                   std::move(options), where);
  Adopt(*task.state());
  return task;
}

template <typename T>
Task<T> TaskGroup::Refused(Coro<T> coro, absl::Status error) {
  const auto hub = loop_internal::HubForNewTask();
  auto* const task = new loop_internal::TypedTask<T>(*hub, coro.Release());
  Task<T> handle(loop_internal::FutureRef::Adopt(task));
  task->Refuse(std::move(error));
  return handle;
}

}  // namespace evkit

#endif  // EVKIT_LOOP_CORO_TASK_GROUP_H_
