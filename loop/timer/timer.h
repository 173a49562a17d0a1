// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// A timer that its owner keeps, and starts, puts off and stops as often as he
// likes: for what has a timeout all its life, such as a connection that must
// not idle.
//
//   class Session {
//     ...
//     void OnData() { idle_.StartAfter(absl::Minutes(1)); }  // Puts it off.
//     void OnClose() { idle_.Stop(); }
//
//     Timer idle_{loop_, [this] { Close(); }};
//   };
//
// For something that happens once, `CallLater()` and `CallAt()`
// (loop/abstract_event_loop.h) are shorter. They cost more, for each call has
// its closure and its handle; starting a `Timer` allocates nothing, and on an
// EventLoop putting one off is little more than storing a number. Neither
// asyncio nor this has a periodic timer: start it again in its callback.

#ifndef EVKIT_LOOP_TIMER_TIMER_H_
#define EVKIT_LOOP_TIMER_TIMER_H_

#include <utility>

#include "absl/time/time.h"
#include "evkit/base/source_location.h"
#include "evkit/loop/abstract_event_loop.h"
#include "evkit/loop/callback.h"
#include "evkit/loop/context.h"
#include "evkit/loop/timer/internal/kept_timer.h"
#include "evkit/timers/clock.h"

namespace evkit {

// Belongs to the loop's thread. May be started, stopped and destroyed at any
// moment, from its own callback too. It is one of the loop's timers: it never
// fires early, and among all of them, `CallAt()`'s included, in order of
// deadline, then of starting (TIME-05 to TIME-07). When the loop closes, it is
// stopped; it may outlive the loop, and only be stopped and destroyed then.
class Timer {
 public:
  // `callback` is kept, and called each time that the timer fires, in a copy of
  // the context that is current here, the same copy each time, or in the very
  // `context` given; as a reader's (CTX-03). What it throws goes to the loop's
  // exception handler. `where` records the caller, for reports. Allocates.
  Timer(AbstractEventLoop& loop, Callback callback,
        SourceLocation where = SourceLocation::Here())
      : timer_(loop, std::move(callback), nullptr, where) {}
  Timer(AbstractEventLoop& loop, Callback callback, const Context& context,
        SourceLocation where = SourceLocation::Here())
      : timer_(loop, std::move(callback), &context, where) {}
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  // Stops it, and destroys the callback: at once, or if it is running, when it
  // has returned.
  ~Timer() = default;

  // Fires once, in the first turn that begins its timers at or after `when`, in
  // place of any deadline that it had (TIME-13). One that is past means the
  // next turn; the infinite future never comes. On a closed loop it stays
  // stopped, and the exception handler gets kFailedPrecondition (RUN-26).
  void StartAt(MonotonicTime when) { timer_.Start(when); }

  // The same `delay` after `Time()`. Who starts many at once reads the clock
  // once, and uses `StartAt()`.
  void StartAfter(absl::Duration delay) { StartAt(loop().Time() + delay); }

  // It will not fire, also if it is due and queued in this turn already
  // (TIME-09). Does nothing if it is not armed.
  void Stop() { timer_.Stop(); }

  // Whether it will fire. False from the moment its callback is called.
  bool armed() const { return timer_.armed(); }

  // The deadline, exactly as given last, also if it has fired or was stopped.
  // Requires that it was started once.
  MonotonicTime when() const { return timer_.when(); }

  AbstractEventLoop& loop() const { return timer_.loop(); }

 private:
  loop_internal::KeptTimer timer_;
};

}  // namespace evkit

#endif  // EVKIT_LOOP_TIMER_TIMER_H_
