// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/coro/internal/task_state.h"

#include <atomic>
#include <exception>

#include "absl/strings/str_cat.h"
#include "evkit/loop/internal/exceptions.h"

namespace evkit::loop_internal {

constinit thread_local TaskState* TaskState::current_ = nullptr;
constinit std::atomic<TaskState::Wrapper> TaskState::new_task_wrapper_{nullptr};
constinit std::atomic<uint64_t> TaskState::last_number_{0};

class TaskState::ScopedCurrent {
 public:
  explicit ScopedCurrent(TaskState& task)
      : outer_(std::exchange(current_, &task)) {}
  ScopedCurrent(const ScopedCurrent&) = delete;
  ScopedCurrent& operator=(const ScopedCurrent&) = delete;
  ~ScopedCurrent() { current_ = outer_; }

 private:
  TaskState* const outer_;
};

inline void TaskState::Begin(const SourceLocation& where) {
  begun_ = true;
  step_.Start(where);
  Ref();  // For the step's node.
  hub().Add(*this);
}

bool TaskState::StartPlainly(const SourceLocation& where) {
  AbstractEventLoop* const loop = this->loop();
  if (loop == nullptr || hub().task_factory() != nullptr) return false;
  Begin(where);
  if (step_.context().cell().size() != 0) Wrap();
  call_.Begin(nullptr, *this);
  Queue(*loop);
  if (!queued_) [[unlikely]]
    TakeBackStart();
  return true;
}

// The loop is closed: it is as if it had not begun, and is refused.
void TaskState::TakeBackStart() {
  const FutureRef keep_alive(this);
  begun_ = false;
  hub().Remove(*this);
  step_.Unref();
  ForgetNext();
  Refuse(ClosedLoopError());
}

absl::Status TaskState::ClosedLoopError() {
  return absl::FailedPreconditionError("CreateTask: event loop is closed");
}

void TaskState::Start(std::string&& name, const Context* context, bool eager,
                      const SourceLocation& where) {
  if (!name.empty()) set_name(std::move(name));
  Begin(where);
  if (context != nullptr) step_.context().Use(*context);
  if (step_.context().cell().size() != 0) Wrap();
  call_.Begin(nullptr, *this);
  if (!eager || !loop()->IsRunning()) {
    Wake();
    return;
  }
  StepHere();
}

void TaskState::StepHere() {
  step_.Ref();
  class Unref {
   public:
    explicit Unref(HandleNode& node) : node_(node) {}
    ~Unref() { node_.Unref(); }

   private:
    HandleNode& node_;
  };
  const Unref unref(step_);
  step_.Run();
}

void TaskState::Wrap() {
  const Wrapper wrapper = new_task_wrapper_.load(std::memory_order_relaxed);
  if (wrapper == nullptr) return;
  const ScopedContextCell in_context(step_.context().cell());
  call_.Replace(wrapper(call_.callee(), slot()));
}

void TaskState::Refuse(absl::Status error) {
  call_.DestroyFrame();
  if (error.code() == absl::StatusCode::kCancelled) {
    CompleteCancelled(error.message());
  } else {
    FinishWith(std::move(error));
  }
}

void TaskState::Wake() {
  if (queued_ || done()) return;
  AbstractEventLoop* const loop = this->loop();
  if (loop == nullptr) return;
  Queue(*loop);
}

void TaskState::Continue() {
  if (!queued_ && !done()) StepHere();
}

// False if that was the end of the task, which had not begun.
bool TaskState::TakeCancellationRequest() {
  must_cancel_ = false;
  if (innermost() == nullptr) {
    EndCancelled(std::string(cancellation_.message()));
    return false;
  }
  deliver_cancellation_ = true;
  innermost()->MayHaveFailed();
  return true;
}

inline void TaskState::End() {
  if (must_cancel_ || !HasValue()) [[unlikely]] {
    EndOtherwise();
    return;
  }
  hub().Remove(*this);
  CompleteFinished(/*failed=*/false);
  step_.Unref();
}

inline void TaskState::Step() {
  const ScopedCurrent current(*this);
  queued_ = false;
  if (done()) return;  // It was destroyed in the meantime.
  if (must_cancel_ && !TakeCancellationRequest()) return;
  waiting_on_ = nullptr;
  Resume();
  if (call_.done()) {
    End();
    return;
  }
  deliver_cancellation_ = false;
  if (must_cancel_ && waiting_on_ != nullptr &&
      waiting_on_->CancelWait(cancellation_.message())) {
    must_cancel_ = false;
  }
}

void TaskState::StepNode::Run() {
  const ScopedContextCell in_context(context().cell());
  task_.Step();
}

void TaskState::EndOtherwise() {
  if (slot().exception != nullptr) {
    hub().Remove(*this);
    CompleteFinished(/*failed=*/true);
    step_.Unref();
    if (IsFatalException(slot().exception)) {
      std::rethrow_exception(slot().exception);
    }
  } else if (HasValue()) {
    must_cancel_ = false;
    DropValue();
    EndCancelled(std::string(cancellation_.message()));
  } else {
    if (slot().status.ok()) slot().status = NoResultError();
    if (slot().status.code() == absl::StatusCode::kCancelled) {
      EndCancelled(std::string(slot().status.message()));
      return;
    }
    hub().Remove(*this);
    CompleteFinished(/*failed=*/true);
    step_.Unref();
  }
}

void TaskState::EndCancelled(absl::string_view message) {
  call_.DestroyFrame();
  hub().Remove(*this);
  CompleteCancelled(message);
  step_.Unref();
}

void TaskState::Abandon() {
  const FutureRef keep_alive(this);
  Destroy();
  call_.DestroyFrame();
  if (!done()) CompleteCancelled("the event loop was closed");
  step_.Unref();
}

void TaskState::RequestCancel(absl::string_view message) {
  must_cancel_ = true;
  cancellation_ = absl::CancelledError(message);
}

bool TaskState::Cancel(absl::string_view message) {
  MarkRetrieved();
  if (done()) return false;
  // Follows the tasks that are awaited, without recursion; they may await each
  // other in a circle.
  TaskState* task = this;
  for (;;) {
    ++task->cancel_requests_;
    task->being_cancelled_ = true;
    Suspension* const suspension = task->waiting_on_;
    FutureState* const awaited =
        suspension == nullptr ? nullptr : suspension->awaited();
    TaskState* const next = awaited == nullptr ? nullptr : awaited->AsTask();
    if (next == nullptr) {
      if (suspension == nullptr || !suspension->CancelWait(message)) {
        task->RequestCancel(message);
      }
      break;
    }
    if (next->done() || next->being_cancelled_) {
      task->RequestCancel(message);
      if (!next->done()) task->Wake();
      break;
    }
    next->MarkRetrieved();
    task = next;
  }
  for (task = this; task != nullptr && task->being_cancelled_;) {
    task->being_cancelled_ = false;
    FutureState* const awaited =
        task->waiting_on_ == nullptr ? nullptr : task->waiting_on_->awaited();
    task = awaited == nullptr ? nullptr : awaited->AsTask();
  }
  return true;
}

int TaskState::Uncancel() {
  if (cancel_requests_ > 0) --cancel_requests_;
  if (cancel_requests_ == 0) must_cancel_ = false;
  return cancel_requests_;
}

std::string TaskState::name() const {
  return name_ == nullptr ? absl::StrCat("Task-", number_) : *name_;
}

std::string TaskState::DebugString() const {
  std::string text = absl::StrCat("<Task ", name());
  const char* const state = !done()       ? " pending"
                            : cancelled() ? " cancelled"
                                          : " finished";
  absl::StrAppend(&text, state);
  if (failed()) absl::StrAppend(&text, " error=", Error().ToString());
  const SourceLocation where = created_at();
  absl::StrAppend(&text, " created at ", where.file(), ":", where.line(),
                  " in ", where.function());
  if (!done() && waiting_on_ != nullptr) {
    absl::StrAppend(&text, " waiting for ", waiting_on_->Describe());
    if (innermost() != nullptr) {
      const SourceLocation at = innermost()->where();
      absl::StrAppend(&text, " at ", at.file(), ":", at.line(), " in ",
                      at.function());
    }
  }
  return text + ">";
}

}  // namespace evkit::loop_internal
