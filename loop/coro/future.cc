// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/coro/future.h"

#include "absl/strings/str_cat.h"

namespace evkit {

using loop_internal::DoneCallbackNode;
using loop_internal::RefPtr;

DoneCallbackHandle AnyFuture::AddCallback(DoneCallbackNode::Function function,
                                          const Context* context,
                                          SourceLocation where) const {
  auto* const node = new DoneCallbackNode(std::move(function), context, where);
  DoneCallbackHandle handle{RefPtr<DoneCallbackNode>(node)};
  state_->AddHook(*node);
  return handle;
}

bool AnyFuture::RemoveDoneCallback(const DoneCallbackHandle& handle) const {
  DoneCallbackNode* const node = handle.node_.get();
  if (node == nullptr || node->future() != state_.get()) return false;
  node->Unlink();
  node->OnForgotten();
  return true;
}

namespace loop_internal {

void FutureAwaitBase::WaitForFuture() {
  if (&state_ == task()) {
    misuse_ = absl::FailedPreconditionError(
        absl::StrCat("a task cannot await itself: ", task()->DebugString()));
  } else if (&state_.hub() != &task()->hub()) {
    misuse_ = absl::FailedPreconditionError(
        absl::StrCat(state_.DebugString(),
                     " is attached to a different loop than ", task()->name()));
  } else {
    state_.AddHook(*this);
    return;
  }
  task()->Wake();
}

std::string FutureAwaitBase::Describe() const {
  // Of a task the name only: tasks may await each other in a circle.
  TaskState* const task = state_.AsTask();
  return task == nullptr ? state_.DebugString() : "task " + task->name();
}

bool FutureAwaitBase::Finish(absl::Status* status) {
  const bool cancelled = TakeCancellation(status);
  if (!misuse_.ok()) {
    if (!cancelled) *status = std::move(misuse_);
    return false;
  }
  state_.MarkRetrieved();
  return !cancelled ||
         state_.slot().status.code() == absl::StatusCode::kCancelled;
}

}  // namespace loop_internal

}  // namespace evkit
