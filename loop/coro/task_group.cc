// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/coro/task_group.h"

#include "absl/strings/str_cat.h"
#include "evkit/base/check.h"
#include "evkit/loop/internal/exceptions.h"

namespace evkit {

using loop_internal::FutureRef;
using loop_internal::FutureState;
using loop_internal::IsFatalException;
using loop_internal::OwnedDoneCallback;
using loop_internal::SlotBase;
using loop_internal::TaskState;

namespace {

// Where the group finds a Waiter, as long as that exists.
class ScopedWaiter {
 public:
  explicit ScopedWaiter(Waiter*& place) : place_(place) { place_ = &waiter_; }
  ScopedWaiter(const ScopedWaiter&) = delete;
  ScopedWaiter& operator=(const ScopedWaiter&) = delete;
  ~ScopedWaiter() { place_ = nullptr; }

  Waiter& waiter() { return waiter_; }

 private:
  Waiter waiter_{"TaskGroup.Run"};
  Waiter*& place_;
};

}  // namespace

absl::Status TaskGroup::Enter() {
  if (entered_) {
    return absl::FailedPreconditionError("TaskGroup has already been entered");
  }
  entered_ = true;
  parent_ = TaskState::Current();
  EVKIT_CHECK(parent_ != nullptr, "a coroutine runs in a task");
  return absl::OkStatus();
}

absl::Status TaskGroup::CheckAccepting() const {
  if (!entered_) {
    return absl::FailedPreconditionError("TaskGroup has not been entered");
  }
  if (exiting_ && children_.empty()) {
    return absl::FailedPreconditionError("TaskGroup is finished");
  }
  if (aborting_) {
    return absl::FailedPreconditionError("TaskGroup is shutting down");
  }
  return absl::OkStatus();
}

Coro<void> TaskGroup::Exit(SlotBase& body, bool has_value) {
  exiting_ = true;
  absl::Status failure;
  if (body.exception != nullptr) {
    if (IsFatalException(body.exception) && fatal_ == nullptr) {
      fatal_ = body.exception;
    }
    failure = absl::UnknownError(absl::StrCat(
        "exception: ", loop_internal::DescribeException(body.exception)));
  } else if (!has_value) {
    failure = body.status.ok() ? loop_internal::NoResultError() : body.status;
  }
  absl::Status cancellation;
  if (absl::IsCancelled(failure)) std::swap(cancellation, failure);
  if (!has_value && !aborting_) Abort();

  // Repeatedly, for the calling task may be cancelled again and again.
  while (!children_.empty()) {
    ScopedWaiter completed(completed_);
    absl::Status status = co_await completed.waiter();
    if (!status.ok() && !aborting_) {
      cancellation = std::move(status);
      Abort();
    }
  }

  TaskState& parent = *parent_;
  if (fatal_ != nullptr) {
    body.exception = std::move(fatal_);
    co_return absl::OkStatus();
  }
  if (parent_cancel_requested_ && parent.Uncancel() == 0) {
    cancellation = absl::OkStatus();
  }
  if (!cancellation.ok() && errors_.empty()) co_return cancellation;
  if (!failure.ok()) errors_.push_back(std::move(failure));
  if (errors_.empty()) co_return absl::OkStatus();
  if (parent.cancelling() > 0) {
    // Cancelled from outside as well: it is told at its next await.
    parent.Uncancel();
    parent.Cancel("");
  }
  const std::vector<absl::Status> errors = std::move(errors_);
  co_return MakeErrorGroup("unhandled errors in a TaskGroup", errors);
}

void TaskGroup::Forget() {
  exiting_ = true;
  children_.clear();
  parent_ = nullptr;
}

void TaskGroup::Adopt(FutureState& task) {
  const auto child = children_.emplace(children_.end());
  child->task = FutureRef(&task);
  child->callback = OwnedDoneCallback(
      task, parent_, [this, child](FutureState&) { OnTaskDone(child); });
}

void TaskGroup::Abort() {
  aborting_ = true;
  for (const Child& child : children_) {
    if (!child.task->done()) child.task->Cancel("");
  }
}

void TaskGroup::OnTaskDone(std::list<Child>::iterator child) {
  const FutureRef task = std::move(child->task);
  children_.erase(child);
  if (completed_ != nullptr && children_.empty()) completed_->Complete();
  if (task->cancelled()) return;
  task->MarkRetrieved();
  if (!task->failed()) return;
  errors_.push_back(task->Error());
  if (task->slot().exception != nullptr &&
      IsFatalException(task->slot().exception) && fatal_ == nullptr) {
    fatal_ = task->slot().exception;
  }
  if (!aborting_ && !parent_cancel_requested_) {
    Abort();
    parent_cancel_requested_ = true;
    parent_->Cancel("");
  }
}

}  // namespace evkit
