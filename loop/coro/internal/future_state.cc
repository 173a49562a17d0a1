// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/coro/internal/future_state.h"

#include <cstdio>
#include <utility>

#include "absl/strings/str_cat.h"
#include "evkit/loop/coro/internal/task_state.h"
#include "evkit/loop/internal/exceptions.h"

namespace evkit::loop_internal {

void DoneHook::Unlink() {
  if (future_ == nullptr) return;
  (previous_ == nullptr ? future_->first_hook_ : previous_->next_) = next_;
  (next_ == nullptr ? future_->last_hook_ : next_->previous_) = previous_;
  future_ = nullptr;
}

DoneCallbackNode::DoneCallbackNode(Function function, const Context* context,
                                   SourceLocation where, FutureState* awaiter)
    : awaiter_(awaiter) {
  Schedule(Callback([this, function = std::move(function)]() mutable {
             const FutureRef future = std::move(done_);
             function(*future);
           }),
           where);
  if (context != nullptr) this->context().Use(*context);
}

void DoneCallbackNode::OnDone(FutureState& future) {
  AbstractEventLoop* const loop = future.loop();
  if (loop == nullptr) {
    OnForgotten();
    return;
  }
  done_ = FutureRef(&future);
  Ref();
  if (!loop->CallSoonNode(*this)) Withdraw();  // The loop is being closed.
  Unref();
}

void DoneCallbackNode::Withdraw() {
  if (linked()) {
    Unlink();
    OnForgotten();
    return;
  }
  done_ = FutureRef();
  Cancel();
}

void DoneCallbackNode::OnForgotten() {
  Cancel();
  Unref();
}

void DoneCallbackNode::Release() {
  Clear();
  delete this;
}

bool FutureState::Cancel(absl::string_view message) {
  MarkRetrieved();
  if (done()) return false;
  CompleteCancelled(message);
  return true;
}

std::string FutureState::DebugString() const {
  constexpr const char* kStates[] = {"pending", "cancelled", "finished"};
  std::string text =
      absl::StrCat("<", Kind(), " ", kStates[static_cast<int>(state_)]);
  if (failed_) absl::StrAppend(&text, " error=", Error().ToString());
  return text + ">";
}

absl::Status FutureState::CheckCanComplete() {
  if (AsTask() != nullptr) {
    return absl::FailedPreconditionError(absl::StrCat(
        "invalid state: ", DebugString(), " is completed by its coroutine"));
  }
  if (!done()) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("invalid state: ", DebugString(), " is already done"));
}

absl::Status FutureState::CheckDone() const {
  if (done()) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("invalid state: ", DebugString(), " has no result yet"));
}

absl::Status FutureState::Error() const {
  if (slot_.exception != nullptr) {
    return absl::UnknownError(
        absl::StrCat("exception: ", DescribeException(slot_.exception)));
  }
  return slot_.status;
}

void FutureState::Finish() { CompleteFinished(/*failed=*/false); }

void FutureState::FinishWith(absl::Status error) {
  slot_.status = std::move(error);
  CompleteFinished(/*failed=*/true);
}

void FutureState::FinishWith(std::exception_ptr exception) {
  slot_.exception = std::move(exception);
  CompleteFinished(/*failed=*/true);
}

void FutureState::CompleteCancelled(absl::string_view message) {
  slot_.status = absl::CancelledError(message);
  state_ = State::kCancelled;
  CallHooks();
}

void FutureState::AddHook(DoneHook& hook) {
  if (done()) {
    hook.OnDone(*this);
    return;
  }
  hook.future_ = this;
  hook.previous_ = last_hook_;
  hook.next_ = nullptr;
  (last_hook_ == nullptr ? first_hook_ : last_hook_->next_) = &hook;
  last_hook_ = &hook;
}

void FutureState::CallHooks() {
  const FutureRef keep_alive(this);
  while (first_hook_ != nullptr) {
    DoneHook& hook = *first_hook_;
    hook.Unlink();
    hook.OnDone(*this);
  }
}

void FutureState::Delete() {
  if (error_unseen_) {
    references_ = 1;  // The exception handler is the user's code.
    ReportUnseenError();
    references_ = 0;
  }
  while (first_hook_ != nullptr) {
    DoneHook& hook = *first_hook_;
    hook.Unlink();
    hook.OnForgotten();
  }
  delete this;
}

void FutureState::ReportUnseenError() {
  ErrorContext report(absl::StrCat(Kind(), " error was never retrieved"));
  report.status = slot_.status;
  report.exception = slot_.exception;
  TaskState* const task = AsTask();
  report.details[task != nullptr ? "task" : "future"] = DebugString();
  if (task != nullptr) report.context = task->context();
  if (AbstractEventLoop* const loop = hub_->loop(); loop != nullptr) {
    loop->CallExceptionHandler(report);
    return;
  }
  // Its loop is closed, and may be gone.
  std::fprintf(stderr, "%s\n", report.ToString().c_str());
}

}  // namespace evkit::loop_internal
