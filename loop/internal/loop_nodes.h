// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// The kinds of nodes that an EventLoop schedules: soon, at a time, and at times
// that an owner sets.

#ifndef EVKIT_LOOP_INTERNAL_LOOP_NODES_H_
#define EVKIT_LOOP_INTERNAL_LOOP_NODES_H_

#include <cstdint>
#include <utility>

#include "evkit/base/source_location.h"
#include "evkit/loop/callback.h"
#include "evkit/loop/context.h"
#include "evkit/loop/handle_node.h"
#include "evkit/loop/internal/handle_pool.h"
#include "evkit/loop/internal/owned_timer.h"
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
    Clear();
    pool_->Put(this);
  }

  HandlePool<SoonNode>* pool_ = nullptr;
};
static_assert(sizeof(SoonNode) == 128);

// A deadline in the loop's wheel, of either kind. While it is armed, the wheel
// counts one reference to its node.
class NodeTimer : public TimerWheel::Timer {
 protected:
  enum class State : uint8_t {
    kOfHandle,  // Nothing more is to be known about it.
    kAtRest,
    kDue,  // To be run when its turn in the queue comes.
    kRunning,
  };

  explicit NodeTimer(State state) : state_(state) {}

  State state_;

 private:
  friend HandleNode& NodeOf(TimerWheel::Timer& timer);
  friend HandleNode& NodeOfDue(TimerWheel::Timer& timer);
};

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

 private:
  friend HandleNode& NodeOf(TimerWheel::Timer& timer);

  void OnCancel() override {
    if (!armed()) return;
    TimerWheel::Timer::Disarm();
    Unref();
  }
  void Release() override {
    Clear();
    pool_.Put(this);
  }

  HandlePool<TimerNode>& pool_;
};

// Its place in the queue cannot be taken back; what is disarmed while it is due
// keeps it, but has nothing to do there. Lies on the processor's cache lines so
// that arming touches one of them, and running what has few captures two.
class alignas(64) OwnedTimerNode final : public OwnedTimer, private NodeTimer {
 public:
  OwnedTimerNode(Callback&& callback, const Context* named,
                 SourceLocation where)
      : NodeTimer(State::kAtRest), callback_(std::move(callback)) {
    Begin(where);
    if (named != nullptr) context().Use(*named);
  }

  void Arm(TimerWheel& wheel, MonotonicTime when) {
    if (!TimerWheel::Timer::armed()) {
      Ref();
      set_cancelled(false);
      if (state_ == State::kDue) state_ = State::kAtRest;
    }
    wheel.Arm(*this, when);
  }
  void Disarm() override {
    if (TimerWheel::Timer::armed()) {
      TimerWheel::Timer::Disarm();
      Unref();
    } else if (state_ == State::kDue) {
      state_ = State::kAtRest;
    }
  }
  bool armed() const override {
    return TimerWheel::Timer::armed() || state_ == State::kDue;
  }
  MonotonicTime when() const override { return deadline(); }
  void Drop() override {
    Disarm();
    if (state_ != State::kRunning) callback_.Reset();
    Unref();
  }

  void Run() override {
    if (state_ != State::kDue) return;
    const ScopedContextCell in_context(context().cell());
    const Running running(state_);
    callback_();
  }
  void Discard() override {
    if (state_ == State::kDue) state_ = State::kAtRest;
  }

 private:
  friend HandleNode& NodeOf(TimerWheel::Timer& timer);

  class Running {
   public:
    explicit Running(State& state) : state_(state) { state_ = State::kRunning; }
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;
    ~Running() { state_ = State::kAtRest; }

   private:
    State& state_;
  };

  void Release() override { delete this; }

  Callback callback_;
};

// The node that a timer of the loop's wheel belongs to.
inline HandleNode& NodeOf(TimerWheel::Timer& timer) {
  NodeTimer& its = static_cast<NodeTimer&>(timer);
  if (its.state_ == NodeTimer::State::kOfHandle) {
    return static_cast<TimerNode&>(its);
  }
  return static_cast<OwnedTimerNode&>(its);
}

// The same for one that has become due, with the wheel's reference. May be
// queued, if what ended its last batch left it there.
inline HandleNode& NodeOfDue(TimerWheel::Timer& timer) {
  NodeTimer& its = static_cast<NodeTimer&>(timer);
  HandleNode& node = NodeOf(timer);
  if (its.state_ != NodeTimer::State::kOfHandle) {
    its.state_ = NodeTimer::State::kDue;
  }
  return node;
}

}  // namespace evkit::loop_internal

#endif  // EVKIT_LOOP_INTERNAL_LOOP_NODES_H_
