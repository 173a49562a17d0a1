// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// A coroutine that a loop runs, side by side with others.
//
//   Task<int> size = CreateTask(loop, Size("a.txt"));
//   ...
//   int n = co_await OrReturn(size);
//
// A Task<T> is a Future<T> that the coroutine's end completes. The loop owns
// its tasks: one whose handles are all dropped runs on to its end. `Close()` of
// the loop destroys those that have not ended, and reports each (they count as
// cancelled then). Belongs to the loop's thread.
//
// Cancelling. `Cancel()` asks the coroutine to end: the await that it is
// suspended in ends with kCancelled, in a later turn; if it has not begun, it
// never will; if it is running, or about to go on, its next await that suspends
// gives kCancelled (CAN-02 to CAN-11). The coroutine may clean up, with awaits
// too, and should end with that status; it may also swallow it, and then the
// task goes on. Who swallows a cancellation on purpose calls `Uncancel()`.
// What an awaited operation loses when it is cancelled is said where it is
// declared: "cancel-safe" means nothing.

#ifndef EVKIT_LOOP_CORO_TASK_H_
#define EVKIT_LOOP_CORO_TASK_H_

#include <concepts>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "evkit/base/source_location.h"
#include "evkit/loop/abstract_event_loop.h"
#include "evkit/loop/context.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/loop/coro/future.h"
#include "evkit/loop/coro/internal/future_state.h"
#include "evkit/loop/coro/internal/task_hub.h"
#include "evkit/loop/coro/internal/task_state.h"

namespace evkit {

// How a task begins. Fill in a named object.
class TaskOptions {
 public:
  TaskOptions() = default;

  // Empty: "Task-N", with a number that counts up in the process (TASK-08).
  std::string name;
  // The very context that the task runs in, to its end; by default a copy of
  // the current one.
  std::optional<Context> context;
  // Run the first step at once, inside `CreateTask()`, up to the first await
  // that suspends (EAG-01). A loop that is not running begins it later anyway
  // (EAG-05).
  bool eager_start = false;
};

// What tasks have beyond a future, whatever their type.
class AnyTask : public AnyFuture {
 public:
  AnyTask() = default;
  explicit AnyTask(loop_internal::TaskState* task)
      : AnyFuture(loop_internal::FutureRef(task)) {}

  std::string name() const { return task().name(); }
  void set_name(std::string name) const { task().set_name(std::move(name)); }
  // Where `CreateTask()` was called.
  SourceLocation created_at() const { return task().created_at(); }
  // The context that it runs in, for its whole life.
  Context context() const { return task().context(); }

  // How often `Cancel()` was called, less `Uncancel()` (CAN-14).
  int cancelling() const { return task().cancelling(); }
  // Takes one call of `Cancel()` back, if there is one, and returns how many
  // are left. With none left a cancellation that was not delivered yet will not
  // be (CAN-13).
  int Uncancel() const { return task().Uncancel(); }

  loop_internal::TaskState& task() const {
    return static_cast<loop_internal::TaskState&>(*state());
  }
};

// The task with its result's type. See Future<T> for how to await it.
template <typename T>
class Task : public Future<T> {
 public:
  Task() = default;
  explicit Task(loop_internal::FutureRef state) : Future<T>(std::move(state)) {}

  // The same task, without its type.
  AnyTask any() const { return AnyTask(&task()); }
  // NOLINTNEXTLINE(google-explicit-constructor): a Task is an AnyTask.
  operator AnyTask() const { return any(); }

  // As those of AnyTask.
  std::string name() const { return task().name(); }
  void set_name(std::string name) const { task().set_name(std::move(name)); }
  SourceLocation created_at() const { return task().created_at(); }
  Context context() const { return task().context(); }
  int cancelling() const { return task().cancelling(); }
  int Uncancel() const { return task().Uncancel(); }

 private:
  loop_internal::TaskState& task() const {
    return static_cast<loop_internal::TaskState&>(*this->state());
  }
};

// A task that a factory is asked to begin.
class NewTask {
 public:
  explicit NewTask(loop_internal::TaskState* task) : task_(task) {}
  NewTask(NewTask&&) = default;
  NewTask& operator=(NewTask&&) = default;

  // Begins it. Once; `options` may be changed from what the factory was given.
  void Start(TaskOptions options, SourceLocation where);
  // The handle; also before it has begun.
  AnyTask task() const { return AnyTask(task_.get()); }

 private:
  loop_internal::RefPtr<loop_internal::TaskState> task_;
};

// Has a say in how each task of a loop begins: calls `task.Start()`, with other
// options if it likes. A task that it does not start ends with kCancelled.
using TaskFactory = absl::AnyInvocable<void(NewTask task, TaskOptions options,
                                            SourceLocation where)>;

// Sets what makes `loop`'s tasks; null restores the default (TASK-15).
void SetTaskFactory(AbstractEventLoop& loop, TaskFactory factory);
bool HasTaskFactory(AbstractEventLoop& loop);
// One that starts every task eagerly (EAG-07).
TaskFactory EagerTaskFactory();

namespace loop_internal {
// The thread's running loop; null if there is none.
AbstractEventLoop* LoopForNewTask();
// Its hub; a detached one if there is none.
RefPtr<TaskHub> HubForNewTask();
// Null `options`: the default ones.
void BeginTask(TaskState& task, TaskOptions* options, SourceLocation where);

// That of `loop`. Mostly a task creates tasks on its own loop.
inline RefPtr<TaskHub> HubOf(AbstractEventLoop& loop) {
  TaskState* const current = TaskState::Current();
  if (current != nullptr && current->loop() == &loop) {
    return RefPtr<TaskHub>(&current->hub());
  }
  return TaskHub::Of(loop);
}
template <typename T>
Task<T> NewTaskOn(TaskHub& hub, Coro<T>& coro, TaskOptions* options,
                  const SourceLocation& where) {
  auto* const task = new TypedTask<T>(hub, coro.Release());
  Task<T> handle(FutureRef::Adopt(task));
  if (options != nullptr || !task->StartPlainly(where)) {
    BeginTask(*task, options, where);
  }
  return handle;
}
// Of the running task's loop without a reference to its hub: the task has one.
template <typename T>
[[gnu::always_inline]] inline Task<T> NewPlainTaskOn(
    AbstractEventLoop& loop, Coro<T>& coro, const SourceLocation& where) {
  TaskState* const current = TaskState::Current();
  if (current != nullptr && current->loop() == &loop) [[likely]] {
    return NewTaskOn(current->hub(), coro, nullptr, where);
  }
  return NewTaskOn(*TaskHub::Of(loop), coro, nullptr, where);
}

template <typename F>
concept CoroFunction = requires(F& function) {
  { function().Release() } -> std::convertible_to<PromiseBase*>;
};
// Keeps a function object as long as the coroutine that it is.
template <typename F>
std::invoke_result_t<F&> CallAndKeep(F function) {
  co_return co_await function();
}
template <typename C>
struct CoroValue;
template <typename T>
struct CoroValue<Coro<T>> {
  using Type = T;
};
template <typename F>
using CoroFunctionValue = typename CoroValue<std::invoke_result_t<F&>>::Type;
}  // namespace loop_internal

// Has `loop` run `coro` as a task, beginning in the next turn (TASK-01), in the
// order of these calls (TASK-02). Works on a loop that is not running yet. On a
// closed loop the coroutine is destroyed, and the task returned has failed with
// kFailedPrecondition (TASK-03).
template <typename T>
Task<T> CreateTask(AbstractEventLoop& loop, Coro<T> coro, TaskOptions options,
                   SourceLocation where = SourceLocation::Here()) {
  return loop_internal::NewTaskOn(*loop_internal::HubOf(loop), coro, &options,
                                  where);
}
template <typename T>
[[gnu::always_inline]] inline Task<T> CreateTask(
    AbstractEventLoop& loop, Coro<T> coro,
    SourceLocation where = SourceLocation::Here()) {
  return loop_internal::NewPlainTaskOn(loop, coro, where);
}

// On the running loop. Where none is running the task returned has failed with
// kFailedPrecondition (TASK-03).
template <typename T>
Task<T> CreateTask(Coro<T> coro, TaskOptions options,
                   SourceLocation where = SourceLocation::Here()) {
  return loop_internal::NewTaskOn(*loop_internal::HubForNewTask(), coro,
                                  &options, where);
}
template <typename T>
Task<T> CreateTask(Coro<T> coro,
                   SourceLocation where = SourceLocation::Here()) {
  return loop_internal::NewTaskOn(*loop_internal::HubForNewTask(), coro,
                                  nullptr, where);
}

// Of a function object without parameters that returns a Coro: it is kept as
// long as the coroutine runs, so it may be a lambda with captures.
template <loop_internal::CoroFunction F>
Task<loop_internal::CoroFunctionValue<F>> CreateTask(
    AbstractEventLoop& loop, F function, TaskOptions options = TaskOptions(),
    SourceLocation where = SourceLocation::Here()) {
  return CreateTask(loop, loop_internal::CallAndKeep(std::move(function)),
                    std::move(options), where);
}
template <loop_internal::CoroFunction F>
Task<loop_internal::CoroFunctionValue<F>> CreateTask(
    F function, TaskOptions options = TaskOptions(),
    SourceLocation where = SourceLocation::Here()) {
  return CreateTask(loop_internal::CallAndKeep(std::move(function)),
                    std::move(options), where);
}

// The task whose coroutine is running on this thread; one that refers to
// nothing in a plain callback and outside of a loop (TASK-11).
AnyTask CurrentTask();

// The tasks of `loop` that have not ended, the calling one included, in the
// order of their creation (TASK-13).
std::vector<AnyTask> AllTasks(AbstractEventLoop& loop);

}  // namespace evkit

#endif  // EVKIT_LOOP_CORO_TASK_H_
