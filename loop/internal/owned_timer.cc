// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Timers for loops that have none of their own: each arming is a `CallAt()`.

#include "evkit/loop/internal/owned_timer.h"

#include <utility>

#include "evkit/loop/abstract_event_loop.h"
#include "evkit/loop/callback.h"
#include "evkit/loop/handle.h"

namespace evkit {
namespace loop_internal {
namespace {

class CallAtTimer final : public OwnedTimer {
 public:
  CallAtTimer(Callback&& callback, const Context* context, SourceLocation where)
      : callback_(std::move(callback)) {
    Begin(where);
    if (context != nullptr) this->context().Use(*context);
  }

  void Arm(AbstractEventLoop& loop, MonotonicTime when) {
    Disarm();
    set_cancelled(false);
    when_ = when;
    handle_ =
        loop.CallAt(when, Firing(*this), context().context(), scheduled_at());
  }
  void Disarm() override { std::exchange(handle_, TimerHandle()).Cancel(); }
  bool armed() const override { return !handle_.cancelled(); }
  MonotonicTime when() const override { return when_; }
  void Drop() override {
    Disarm();
    if (!running_) callback_.Reset();
    Unref();
  }

  void Run() override {
    class Running {
     public:
      explicit Running(bool& flag) : flag_(flag) { flag_ = true; }
      ~Running() { flag_ = false; }

     private:
      bool& flag_;
    };
    const Running running(running_);
    callback_();
  }

 private:
  // What the loop is given to call. If it is destroyed instead, the loop has
  // closed.
  class Firing {
   public:
    explicit Firing(CallAtTimer& timer) : timer_(&timer) { timer.Ref(); }
    Firing(Firing&& other) noexcept
        : timer_(std::exchange(other.timer_, nullptr)) {}
    Firing& operator=(Firing&&) = delete;
    ~Firing() {
      if (timer_ != nullptr) Finish();
    }
    void operator()() {
      CallAtTimer& timer = *timer_;
      const Handle keep_alive = Finish();
      timer.Run();
    }

   private:
    Handle Finish() {
      timer_->handle_ = TimerHandle();
      return Handle(std::exchange(timer_, nullptr));
    }

    CallAtTimer* timer_;
  };

  void Release() override { delete this; }

  TimerHandle handle_;
  MonotonicTime when_ = MonotonicTime::InfinitePast();
  bool running_ = false;
  Callback callback_;
};

}  // namespace
}  // namespace loop_internal

loop_internal::OwnedTimer* AbstractEventLoop::NewTimer(Callback&& callback,
                                                       const Context* context,
                                                       SourceLocation where) {
  return new loop_internal::CallAtTimer(std::move(callback), context, where);
}

void AbstractEventLoop::ArmTimer(loop_internal::OwnedTimer& timer,
                                 MonotonicTime when) {
  static_cast<loop_internal::CallAtTimer&>(timer).Arm(*this, when);
}

}  // namespace evkit
