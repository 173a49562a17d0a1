// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Calling a coroutine whose type is not known, or whose exceptions are not to
// be rethrown.

#ifndef EVKIT_LOOP_CORO_INTERNAL_CALL_INTO_H_
#define EVKIT_LOOP_CORO_INTERNAL_CALL_INTO_H_

#include <coroutine>

#include "evkit/loop/coro/internal/await.h"
#include "evkit/loop/coro/internal/coro_stack.h"
#include "evkit/loop/coro/internal/slot.h"

namespace evkit::loop_internal {

// `co_await CallInto(slot, coro.Release())` runs the coroutine to its end, in
// the calling task, and leaves its result in `slot`, which is of its type.
class CallInto : public AwaitBase {
 public:
  CallInto(SlotBase& slot, PromiseBase* callee) : call_(slot, callee) {}

  bool await_ready() const noexcept { return false; }
  template <typename Promise>
  void await_suspend(std::coroutine_handle<Promise> caller) noexcept {
    call_.Begin(&caller.promise(), *caller.promise().stack());
  }
  void await_resume() {}

 private:
  Call call_;
};

}  // namespace evkit::loop_internal

#endif  // EVKIT_LOOP_CORO_INTERNAL_CALL_INTO_H_
