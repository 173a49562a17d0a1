// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// The loop's side of a `Timer` (loop/timer/timer.h). For those who implement an
// AbstractEventLoop.

#ifndef EVKIT_LOOP_INTERNAL_OWNED_TIMER_H_
#define EVKIT_LOOP_INTERNAL_OWNED_TIMER_H_

#include <string>

#include "evkit/loop/handle_node.h"
#include "evkit/timers/clock.h"

namespace evkit::loop_internal {

// A callback and a deadline that its owner sets over and over, by the loop's
// `ArmTimer()`. The owner has one reference. Its handle is in error reports;
// cancelling that is `Disarm()`.
class OwnedTimer : public HandleNode {
 public:
  // Also if it is due and queued.
  virtual void Disarm() = 0;

  // Whether the callback is yet to run.
  virtual bool armed() const = 0;

  // As given last, exactly.
  virtual MonotonicTime when() const = 0;

  // The owner goes: disarms it, destroys the callback, once it does not run any
  // more, and gives back the owner's reference. May be called after the loop is
  // gone.
  virtual void Drop() = 0;

 protected:
  OwnedTimer() = default;
  void OnCancel() final { Disarm(); }
  std::string Describe() const final { return DescribeTimer("Timer", when()); }
};

}  // namespace evkit::loop_internal

#endif  // EVKIT_LOOP_INTERNAL_OWNED_TIMER_H_
