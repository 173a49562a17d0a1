// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// What the handles to one task share: a coroutine on its way to a result, and
// the protocol of cancelling it.

#ifndef EVKIT_LOOP_CORO_INTERNAL_TASK_STATE_H_
#define EVKIT_LOOP_CORO_INTERNAL_TASK_STATE_H_

#include <atomic>
#include <coroutine>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "evkit/base/source_location.h"
#include "evkit/loop/context.h"
#include "evkit/loop/coro/internal/await.h"
#include "evkit/loop/coro/internal/coro_stack.h"
#include "evkit/loop/coro/internal/future_state.h"
#include "evkit/loop/handle_node.h"

namespace evkit::loop_internal {

// An await that suspends its task until the loop goes on with it. One step of a
// task ends in at most one.
class Suspension : public AwaitBase {
 public:
  // The task is being cancelled: ends the wait, so that the task is woken, and
  // the await gives kCancelled with this message. False if the wait is over
  // already; the task will get kCancelled in its place.
  virtual bool CancelWait(absl::string_view message) = 0;
  // The future waited for; null if it is something else.
  virtual FutureState* awaited() { return nullptr; }
  // What is waited for: "Sleep", "Lock.Acquire".
  virtual std::string Describe() const = 0;

 protected:
  ~Suspension() = default;

  template <typename Promise>
  void Suspend(std::coroutine_handle<Promise> handle);
  // For an await that tells of failure.
  void MayHaveFailed();
  // The task that waits here; null if this await did not have to.
  TaskState* task() const { return task_; }
  // Whether the task was cancelled while it could no longer be told by
  // `CancelWait()`; `status` is then what the await gives, unless its own
  // result is kCancelled. To be called in `await_resume()`.
  bool TakeCancellation(absl::Status* status);

 private:
  TaskState* task_ = nullptr;
};

class TaskState : public FutureState, public CoroStack {
 public:
  // The task whose step this thread is executing; null if none.
  static TaskState* Current() { return current_; }

  bool Cancel(absl::string_view message) override;
  TaskState* AsTask() override { return this; }
  std::string DebugString() const override;
  const char* Kind() const override { return "Task"; }

  // Begins. In the current context, or in the one given; `eager`: with a first
  // step here and now, if the loop is running.
  void Start(std::string&& name, const Context* context, bool eager,
             const SourceLocation& where);
  // The same with nothing special. False if the loop makes its tasks in a way
  // of its own, or is gone.
  bool StartPlainly(const SourceLocation& where);
  bool started() const { return begun_; }
  // Ends it before it began, with an error.
  void Refuse(absl::Status error);
  static absl::Status ClosedLoopError();
  // The loop closes: ends it where it is.
  void Abandon();

  // For awaits. The running step ends, and the task waits for `suspension`.
  void Suspend(Suspension& suspension) { waiting_on_ = &suspension; }
  // What it waited for has come: the next step is queued.
  void Wake();
  // The same, and the next step is made here and now, in a callback of the
  // loop, which then does nothing else: for what must not be lost should the
  // task be cancelled before its turn comes. The await may be gone afterwards.
  void Continue();
  // As Wake(), in the step that is running, for an await that cannot be
  // cancelled.
  void Yield() {
    waiting_on_ = nullptr;
    AbstractEventLoop* const loop = this->loop();
    if (!queued_ && loop != nullptr) Queue(*loop);
  }
  bool TakeCancellation(absl::Status* status);

  Suspension* waiting_on() const { return waiting_on_; }
  // Whether the next step is queued.
  bool queued() const { return queued_; }
  int cancelling() const { return cancel_requests_; }
  int Uncancel();
  std::string name() const;
  void set_name(std::string name) {
    name_ = std::make_unique<std::string>(std::move(name));
  }
  SourceLocation created_at() const { return step_.scheduled_at(); }
  Context context() { return step_.context().context(); }

  // Called, once set, for each task that begins in a context in which some
  // variable is set, in that context: returns what the task is to run in place
  // of `coroutine`, which has not begun and whose result belongs in `slot`.
  using Wrapper = PromiseBase* (*)(PromiseBase* coroutine, SlotBase& slot);
  static void set_new_task_wrapper(Wrapper wrapper) {
    new_task_wrapper_.store(wrapper, std::memory_order_relaxed);
  }

  // For TaskHub: its list.
  TaskState* previous_task = nullptr;
  TaskState* next_task = nullptr;

 protected:
  TaskState(TaskHub& hub, SlotBase& slot, PromiseBase* coroutine)
      : FutureState(hub, slot),
        step_(*this),
        call_(slot, coroutine),
        number_(last_number_.fetch_add(1, std::memory_order_relaxed) + 1) {}
  ~TaskState() override = default;

 private:
  // The task's place in the ready queue. Its references count as one to the
  // task, which is the loop's: the task has one from its beginning to its end,
  // the queue has one while the next step is queued or running.
  class StepNode final : public HandleNode {
   public:
    explicit StepNode(TaskState& task) : task_(task) {}

    void Start(const SourceLocation& where) { Begin(where); }
    void Run() override;

   private:
    void Release() override { task_.Unref(); }
    std::string Describe() const override { return task_.DebugString(); }

    TaskState& task_;
  };
  class ScopedCurrent;

  virtual bool HasValue() const = 0;
  virtual void DropValue() = 0;

  void Begin(const SourceLocation& where);
  [[gnu::cold]] void TakeBackStart();
  void Queue(AbstractEventLoop& loop) {
    queued_ = true;
    step_.Ref();
    if (!loop.CallSoonNode(step_)) queued_ = false;
  }
  void Wrap();
  void StepHere();
  // These are called while the queue's reference keeps the task alive.
  void Step();
  bool TakeCancellationRequest();
  void End();
  // Without a value, or with a cancellation that came too late.
  [[gnu::noinline]] void EndOtherwise();
  void EndCancelled(absl::string_view message);
  void RequestCancel(absl::string_view message);

  static constinit thread_local TaskState* current_;
  static constinit std::atomic<Wrapper> new_task_wrapper_;
  static constinit std::atomic<uint64_t> last_number_;

  StepNode step_;
  Call call_;
  Suspension* waiting_on_ = nullptr;
  const uint64_t number_;
  std::unique_ptr<std::string> name_;  // Null: "Task-<number>".
  absl::Status cancellation_;          // What a cancelled await is to give.
  int cancel_requests_ = 0;
  bool begun_ = false;
  bool queued_ = false;
  bool must_cancel_ = false;  // Deliver `cancellation_` in the next step.
  bool deliver_cancellation_ = false;  // In this step.
  bool being_cancelled_ = false;       // `Cancel()` is passing through.
};

inline void TaskHub::Add(TaskState& task) {
  task.previous_task = last_;
  task.next_task = nullptr;
  (last_ == nullptr ? first_ : last_->next_task) = &task;
  last_ = &task;
  ++task_count_;
}

inline void TaskHub::Remove(TaskState& task) {
  (task.previous_task == nullptr ? first_ : task.previous_task->next_task) =
      task.next_task;
  (task.next_task == nullptr ? last_ : task.next_task->previous_task) =
      task.previous_task;
  --task_count_;
}

template <typename Promise>
void Suspension::Suspend(std::coroutine_handle<Promise> handle) {
  task_ = static_cast<TaskState*>(handle.promise().stack());
  task_->Suspend(*this);
  handle.promise().set_ending_await(nullptr);
}

inline void Suspension::MayHaveFailed() { task_->innermost()->MayHaveFailed(); }

inline bool Suspension::TakeCancellation(absl::Status* status) {
  return task_ != nullptr && task_->TakeCancellation(status);
}

inline bool TaskState::TakeCancellation(absl::Status* status) {
  if (!deliver_cancellation_) return false;
  deliver_cancellation_ = false;
  *status = std::move(cancellation_);
  return true;
}

template <typename T>
class TypedTask final : public Typed<TaskState, T> {
 public:
  using Typed<TaskState, T>::Typed;

 private:
  bool HasValue() const override {
    return const_cast<TypedTask*>(this)->typed_slot().has_value();
  }
  void DropValue() override { this->typed_slot().value = {}; }
};

}  // namespace evkit::loop_internal

#endif  // EVKIT_LOOP_CORO_INTERNAL_TASK_STATE_H_
