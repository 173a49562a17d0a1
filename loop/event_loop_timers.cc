// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// The two kinds of timers that an EventLoop has.

#include <utility>

#include "evkit/loop/event_loop.h"

namespace evkit {

TimerHandle EventLoop::DoCallAt(MonotonicTime when, Callback&& callback,
                                const Context* context, SourceLocation where) {
  CheckThread("CallAt");
  if (closed_) {
    RefuseClosed("CallAt");
    return TimerHandle();
  }
  loop_internal::TimerNode* const node = timer_nodes_->Get();
  node->Schedule(std::move(callback), where);
  if (context != nullptr) node->context().Use(*context);
  node->Arm(wheel_, when);
  return TimerHandle(node);
}

loop_internal::OwnedTimer* EventLoop::NewTimer(Callback&& callback,
                                               const Context* context,
                                               SourceLocation where) {
  return new loop_internal::OwnedTimerNode(std::move(callback), context, where);
}

void EventLoop::ArmTimer(loop_internal::OwnedTimer& timer, MonotonicTime when) {
  CheckThread("Timer::StartAt");
  if (closed_) return RefuseClosed("Timer::StartAt");
  static_cast<loop_internal::OwnedTimerNode&>(timer).Arm(wheel_, when);
}

}  // namespace evkit
