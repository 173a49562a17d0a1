// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/coro/deadline.h"

#include <algorithm>
#include <coroutine>
#include <exception>

#include "absl/status/status.h"
#include "evkit/loop/abstract_event_loop.h"
#include "evkit/loop/coro/internal/await.h"
#include "evkit/loop/coro/internal/call_into.h"
#include "evkit/loop/coro/internal/coro_stack.h"
#include "evkit/loop/coro/internal/slot.h"

namespace evkit {
namespace {

using loop_internal::AwaitingPromise;
using loop_internal::CallInto;
using loop_internal::PromiseBase;
using loop_internal::SlotBase;
using loop_internal::TaskState;
using loop_internal::TimeoutScope;

const ContextVar<MonotonicTime>& DeadlineVar() {
  static const auto* const kVar =
      new ContextVar<MonotonicTime>("evkit.deadline");
  return *kVar;
}

// A coroutine that was not begun, and goes with this if nobody begins it.
class OwnedCoroutine {
 public:
  explicit OwnedCoroutine(PromiseBase* promise) : promise_(promise) {}
  OwnedCoroutine(OwnedCoroutine&& other) noexcept : promise_(other.Release()) {}
  OwnedCoroutine& operator=(OwnedCoroutine&&) = delete;
  ~OwnedCoroutine() {
    if (promise_ != nullptr) promise_->handle().destroy();
  }

  PromiseBase* Release() { return std::exchange(promise_, nullptr); }

 private:
  PromiseBase* promise_;
};

// A coroutine without a result of its own.
class Enforcement {
 public:
  class promise_type : public AwaitingPromise {
   public:
    Enforcement get_return_object() {
      CheckLayout<promise_type>();
      return Enforcement(this);
    }
    void return_void() {}
  };

  PromiseBase* promise() const { return promise_; }

 private:
  explicit Enforcement(PromiseBase* promise) : promise_(promise) {}
  PromiseBase* const promise_;
};

// Runs a task's coroutine in a Timeout, whatever its type: `slot` is the
// task's.
Enforcement Enforce(OwnedCoroutine coroutine, SlotBase& slot,
                    MonotonicTime deadline) {
  Timeout timeout = Timeout::At(deadline);
  TimeoutScope scope(timeout);
  co_await CallInto(slot, coroutine.Release());
  if (scope.Exit() && slot.exception == nullptr &&
      absl::IsCancelled(slot.status)) {
    slot.status = loop_internal::TimedOutError();
  }
}

PromiseBase* WrapNewTask(PromiseBase* coroutine, SlotBase& slot) {
  const std::optional<MonotonicTime> deadline = ContextDeadline();
  if (!deadline.has_value()) return coroutine;
  return Enforce(OwnedCoroutine(coroutine), slot, *deadline).promise();
}

}  // namespace

std::optional<MonotonicTime> ContextDeadline() { return DeadlineVar().Get(); }

absl::Duration ContextTimeLeft(MonotonicTime now) {
  const std::optional<MonotonicTime> deadline = ContextDeadline();
  if (!deadline.has_value()) return absl::InfiniteDuration();
  return std::max(*deadline - now, absl::ZeroDuration());
}

namespace loop_internal {

DeadlineScope::DeadlineScope(MonotonicTime deadline)
    : task_(TaskState::Current()) {
  TaskState::set_new_task_wrapper(WrapNewTask);
  const std::optional<MonotonicTime> outer = ContextDeadline();
  if (deadline < outer.value_or(MonotonicTime::InfiniteFuture())) {
    token_ = DeadlineVar().Set(deadline);
  }
}

DeadlineScope::~DeadlineScope() {
  // Otherwise the frame is destroyed from outside, in some other context.
  if (token_.has_value() && TaskState::Current() == task_) {
    DeadlineVar().Reset(*token_);
  }
}

MonotonicTime FromNow(absl::Duration delay) {
  return TaskState::Current()->loop()->Time() + delay;
}

}  // namespace loop_internal

}  // namespace evkit
