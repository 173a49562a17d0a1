// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/coro/internal/coro_stack.h"

namespace evkit::loop_internal {

absl::Status NoResultError() {
  return absl::InternalError(
      "a coroutine ended without a result: a Coro<void> ends with `co_return "
      "absl::OkStatus();`, others with a value or an error");
}

void CoroStack::ResumeOrEnd(PromiseBase& frame) {
  frame.may_have_failed_ = false;
  absl::Status why;
  if (frame.ending_await_ == nullptr || frame.ending_await_->Evaluate(why)) {
    frame.handle().resume();
    return;
  }
  Call& call = *frame.call_;
  PromiseBase* const caller = frame.caller_;
  call.slot_.status = std::move(why);
  call.DestroyFrame();
  if (caller != nullptr) caller->MayHaveFailed();
  ReturnTo(caller);
}

void CoroStack::Destroy() {
  PromiseBase* frame = next_ != nullptr ? next_ : innermost_;
  next_ = nullptr;
  innermost_ = nullptr;
  while (frame != nullptr) {
    PromiseBase* const caller = frame->caller_;
    frame->call_->DestroyFrame();
    frame = caller;
  }
}

}  // namespace evkit::loop_internal
