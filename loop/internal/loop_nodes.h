// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// The two kinds of handle that an EventLoop schedules: soon, and at a time. Its
// wheel also has the timers of loop/timer/timer.h.

#ifndef EVKIT_LOOP_INTERNAL_LOOP_NODES_H_
#define EVKIT_LOOP_INTERNAL_LOOP_NODES_H_

#include "evkit/loop/handle_node.h"
#include "evkit/loop/internal/handle_pool.h"
#include "evkit/loop/internal/ready_queue.h"
#include "evkit/loop/timer/internal/kept_timer.h"
#include "evkit/timers/clock.h"
#include "evkit/timers/timer_wheel.h"

namespace evkit::loop_internal {

// Two cache lines, of which few captures leave half of one alone.
class alignas(64) SoonNode final : public CallbackNode {
 public:
  // To be given a pool before it is released.
  SoonNode() = default;
  explicit SoonNode(HandlePool<SoonNode>& pool) : pool_(&pool) {}

  // Where it goes when it is released. A node that is in no pool and not in use
  // may change hands.
  void set_pool(HandlePool<SoonNode>& pool) { pool_ = &pool; }

 private:
  void Release() override {
    if (!IsClear()) Clear();
    pool_->Put(this);
  }

  HandlePool<SoonNode>* pool_ = nullptr;
};
static_assert(sizeof(SoonNode) == 128);

// While it is armed, the wheel counts one reference.
class TimerNode final : public TimerHandleNode, private NodeTimer {
 public:
  explicit TimerNode(HandlePool<TimerNode>& pool)
      : NodeTimer(State::kOfHandle), pool_(pool) {}

  using HandleNode::next;  // Not the wheel's.

  void Arm(TimerWheel& wheel, MonotonicTime when) {
    set_when(when);
    Ref();
    wheel.Arm(*this, when);
  }

  // The node that a timer of the wheel belongs to; null if that is a
  // KeptTimer.
  static TimerNode* OfOrNull(TimerWheel::Timer& timer) {
    NodeTimer& its = static_cast<NodeTimer&>(timer);
    if (its.state() != State::kOfHandle) return nullptr;
    return &static_cast<TimerNode&>(its);
  }

 private:
  void OnCancel() override {
    if (!armed()) return;
    Disarm();
    Unref();
  }
  void Release() override {
    Clear();
    pool_.Put(this);
  }

  HandlePool<TimerNode>& pool_;
};

// Queues what belongs to a timer of the wheel, which is due.
inline void QueueDue(TimerWheel::Timer& timer, ReadyQueue& ready) {
  if (TimerNode* const node = TimerNode::OfOrNull(timer)) {
    ready.Push(node);
    return;
  }
  KeptTimerNode& node = KeptTimer::Of(static_cast<NodeTimer&>(timer)).OnDue();
  // It may be queued still if an exception ended the last batch.
  if (node.queued) return;
  node.Ref();
  ready.Push(&node);
}

}  // namespace evkit::loop_internal

#endif  // EVKIT_LOOP_INTERNAL_LOOP_NODES_H_
