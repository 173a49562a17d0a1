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

bool EventLoop::ArmTimer(loop_internal::KeptTimer& timer, MonotonicTime when) {
  if (debug_.load(std::memory_order_relaxed) || closed_) [[unlikely]] {
    CheckThread("Timer::StartAt");
    if (closed_) {
      RefuseClosed("Timer::StartAt");
      return true;
    }
  }
  timer.ArmIn(wheel_, when);
  return true;
}

}  // namespace evkit
