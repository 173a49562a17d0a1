// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// The loop's part in `Timer` objects.

#include <utility>

#include "evkit/loop/event_loop.h"

namespace evkit {

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
