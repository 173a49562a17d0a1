// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/timer/internal/kept_timer.h"

#include <utility>

namespace evkit::loop_internal {

// What a loop without a wheel is given to call. If it is destroyed instead, the
// loop has closed.
class KeptTimerNode::CallAtCallback {
 public:
  explicit CallAtCallback(KeptTimerNode& node) : node_(&node) { node.Ref(); }
  CallAtCallback(CallAtCallback&& other) noexcept
      : node_(std::exchange(other.node_, nullptr)) {}
  CallAtCallback& operator=(CallAtCallback&&) = delete;
  ~CallAtCallback() {
    if (node_ != nullptr) Finish();
  }
  void operator()() {
    KeptTimerNode& node = *node_;
    const Handle keep_alive = Finish();
    if (node.timer_ != nullptr) node.timer_->OnDue();
    node.Run();
  }

 private:
  Handle Finish() {
    if (node_->timer_ != nullptr) node_->timer_->by_call_at_ = false;
    return Handle(std::exchange(node_, nullptr));
  }

  KeptTimerNode* node_;
};

KeptTimer::KeptTimer(AbstractEventLoop& loop, Callback&& callback,
                     const Context* named, SourceLocation where)
    : NodeTimer(State::kAtRest),
      loop_(loop),
      node_(*new KeptTimerNode(*this, std::move(callback), named, where)) {}

KeptTimer::~KeptTimer() {
  Stop();
  node_.Drop();
}

void KeptTimer::ArmByCallAt(MonotonicTime when) {
  if (by_call_at_) StopCallAt();
  by_call_at_ = true;  // Until the callback is destroyed, at once if refused.
  node_.call_at_ =
      loop_.CallAt(when, KeptTimerNode::CallAtCallback(node_),
                   node_.context().context(), node_.scheduled_at());
}

void KeptTimer::StopCallAt() { node_.call_at_.Cancel(); }

MonotonicTime KeptTimer::when() const {
  const bool by_call_at = !(node_.call_at_ == TimerHandle());
  return by_call_at ? node_.call_at_.when() : deadline();
}

std::string KeptTimerNode::Describe() const {
  return timer_ == nullptr ? "Timer" : DescribeTimer("Timer", timer_->when());
}

}  // namespace evkit::loop_internal
