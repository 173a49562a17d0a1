// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/coro/internal/coro_stack.h"

namespace evkit::loop_internal {

absl::Status NoResultError() {
  return absl::InternalError(
      "a coroutine ended without a result: a Coro<void> ends with `co_return "
      "absl::OkStatus();`, others with a value or an error");
}

void CoroStack::End(PromiseBase& frame, EndingAwait& why) {
  Call& call = *frame.call_;
  PromiseBase* const caller = frame.caller_;
  call.slot_.status = why.TakeStatus();
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
