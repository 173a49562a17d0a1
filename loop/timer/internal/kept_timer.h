// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// What a `Timer` (timer.h) is made of: the deadline, which is in the loop's
// wheel and in the owner's object, and the callback, which is in the loop's
// queue and on its own, since the owner may destroy the timer while the loop is
// about to call it, or does.

#ifndef EVKIT_LOOP_TIMER_INTERNAL_KEPT_TIMER_H_
#define EVKIT_LOOP_TIMER_INTERNAL_KEPT_TIMER_H_

#include <cstdint>
#include <string>
#include <utility>

#include "evkit/base/source_location.h"
#include "evkit/loop/abstract_event_loop.h"
#include "evkit/loop/callback.h"
#include "evkit/loop/context.h"
#include "evkit/loop/handle.h"
#include "evkit/loop/handle_node.h"
#include "evkit/timers/clock.h"
#include "evkit/timers/timer_wheel.h"

namespace evkit::loop_internal {

// Whatever an EventLoop has in its wheel.
class NodeTimer : public TimerWheel::Timer {
 public:
  enum class State : uint8_t {
    kOfHandle,  // It belongs to a TimerHandle; the rest are a KeptTimer's.
    kAtRest,    // Or in the wheel.
    kDue,       // To be called when its turn in the queue comes.
    kRunning,   // It may be in the wheel again.
  };

  State state() const { return state_; }

 protected:
  explicit NodeTimer(State state) : state_(state) {}

  State state_;
};

class KeptTimerNode;

// The owner's part. 64 bytes, so that arming one of many touches one of the
// processor's cache lines, or two.
class KeptTimer : private NodeTimer {
 public:
  KeptTimer(AbstractEventLoop& loop, Callback&& callback, const Context* named,
            SourceLocation where);
  ~KeptTimer();

  void Start(MonotonicTime when) {
    if (!loop_.ArmTimer(*this, when)) ArmByCallAt(when);
  }
  void Stop() {
    if (TimerWheel::Timer::armed()) {
      Disarm();
    } else if (state_ == State::kDue) {
      state_ = State::kAtRest;
    } else if (by_call_at_) {
      StopCallAt();
    }
  }
  bool armed() const {
    return TimerWheel::Timer::armed() || state_ == State::kDue || by_call_at_;
  }
  MonotonicTime when() const;
  AbstractEventLoop& loop() const { return loop_; }

  // For the loop, which has a wheel.
  void ArmIn(TimerWheel& wheel, MonotonicTime when) {
    // Its place in the queue cannot be taken back, but comes to nothing.
    if (state_ == State::kDue) state_ = State::kAtRest;
    wheel.Arm(*this, when);
  }
  // The one that a timer of the wheel is.
  static KeptTimer& Of(NodeTimer& timer) {
    return static_cast<KeptTimer&>(timer);
  }
  // It has become due: what to queue, unless it is queued still.
  inline KeptTimerNode& OnDue();

 private:
  friend class KeptTimerNode;

  void ArmByCallAt(MonotonicTime when);
  void StopCallAt();

  // Armed, in a loop that has no wheel, by a `CallAt()` of the node's.
  bool by_call_at_ = false;
  AbstractEventLoop& loop_;
  KeptTimerNode& node_;
};

// The other part: two cache lines.
class alignas(64) KeptTimerNode final : public HandleNode {
 public:
  KeptTimerNode(KeptTimer& timer, Callback&& callback, const Context* named,
                SourceLocation where)
      : timer_(&timer), callback_(std::move(callback)) {
    Begin(where);
    if (named != nullptr) context().Use(*named);
  }

  // The owner goes, and gives back its reference.
  void Drop() {
    const bool running = timer_->state_ == NodeTimer::State::kRunning;
    timer_ = nullptr;
    if (!running) callback_.Reset();
    Unref();
  }

  void Run() override {
    if (timer_ == nullptr || timer_->state_ != NodeTimer::State::kDue) return;
    const ScopedContextCell in_context(context().cell());
    const Running running(*this);
    callback_();
  }

  // The loop closes, and had it queued.
  void Discard() override {
    if (timer_ != nullptr && timer_->state_ == NodeTimer::State::kDue) {
      timer_->state_ = NodeTimer::State::kAtRest;
    }
  }

 private:
  friend class KeptTimer;

  class Running {
   public:
    explicit Running(KeptTimerNode& node) : node_(node) {
      node_.timer_->state_ = NodeTimer::State::kRunning;
    }
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;
    ~Running() {
      KeptTimer* const timer = node_.timer_;
      if (timer != nullptr) timer->state_ = NodeTimer::State::kAtRest;
    }

   private:
    KeptTimerNode& node_;
  };
  class CallAtCallback;

  // By the handle in an error report: the same as stopping it. It may be
  // started again.
  void OnCancel() override {
    set_cancelled(false);
    if (timer_ != nullptr) timer_->Stop();
  }
  void Release() override { delete this; }
  std::string Describe() const override;

  KeptTimer* timer_;  // Null: the owner is gone.
  Callback callback_;
  TimerHandle call_at_;  // For a loop that has no wheel.
};

KeptTimerNode& KeptTimer::OnDue() {
  state_ = State::kDue;
  // Queueing it touches the first line of it, running it both.
  __builtin_prefetch(&node_.timer_);
  return node_;
}

}  // namespace evkit::loop_internal

#endif  // EVKIT_LOOP_TIMER_INTERNAL_KEPT_TIMER_H_
