// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/coro/internal/coro_stack.h"

namespace evkit::loop_internal {

absl::Status NoResultError() {
  return absl::InternalError(
      "a coroutine ended without a result: a Coro<void> ends with `co_return "
      "absl::OkStatus();`, others with a value or an error");
}

void CoroStack::Resume() {
  PromiseBase* frame = next_ != nullptr ? next_ : innermost_;
  while (frame != nullptr) {
    innermost_ = frame;
    next_ = nullptr;
    EndingAwait* const ending = std::exchange(frame->ending_await_, nullptr);
    if (ending == nullptr || ending->Evaluate()) {
      frame->handle_.resume();
    } else {
      End(*frame, ending->TakeStatus());
    }
    frame = next_;
  }
}

void CoroStack::End(PromiseBase& frame, absl::Status status) {
  Call& call = *frame.call_;
  PromiseBase* const caller = frame.caller_;
  call.slot_.status = std::move(status);
  call.done_ = true;
  call.DestroyFrame();
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
