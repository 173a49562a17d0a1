// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// The two kinds of handle that an EventLoop schedules: soon, and at a time.

#ifndef EVKIT_LOOP_INTERNAL_LOOP_NODES_H_
#define EVKIT_LOOP_INTERNAL_LOOP_NODES_H_

#include "evkit/loop/handle_node.h"
#include "evkit/loop/internal/handle_pool.h"
#include "evkit/timers/timer_wheel.h"

namespace evkit::loop_internal {

class SoonNode final : public CallbackNode {
 public:
  explicit SoonNode(HandlePool<SoonNode>& pool) : pool_(pool) {}

 private:
  void Release() override {
    Clear();
    pool_.Put(this);
  }

  HandlePool<SoonNode>& pool_;
};

// While it is armed, the wheel counts one reference.
class TimerNode final : public TimerHandleNode {
 public:
  explicit TimerNode(HandlePool<TimerNode>& pool)
      : timer_(*this), pool_(pool) {}

  void Arm(TimerWheel& wheel, MonotonicTime when) {
    set_when(when);
    wheel_ = &wheel;
    Ref();
    wheel.Arm(timer_, when);
  }

  // The node that a timer of the wheel belongs to.
  static TimerNode& Of(TimerWheel::Timer& timer) {
    return static_cast<NodeTimer&>(timer).node;
  }

 private:
  class NodeTimer : public TimerWheel::Timer {
   public:
    explicit NodeTimer(TimerNode& its_node) : node(its_node) {}
    TimerNode& node;
  };

  void OnCancel() override {
    if (!timer_.armed()) return;
    wheel_->Disarm(timer_);
    Unref();
  }
  void Release() override {
    Clear();
    pool_.Put(this);
  }

  NodeTimer timer_;
  TimerWheel* wheel_ = nullptr;
  HandlePool<TimerNode>& pool_;
};

}  // namespace evkit::loop_internal

#endif  // EVKIT_LOOP_INTERNAL_LOOP_NODES_H_
