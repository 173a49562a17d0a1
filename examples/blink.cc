// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// The timer wheel on its own, without an event loop: two timers in one thread,
// which sleeps until the next of them.
//
//   $ bazel run //examples:blink
//   blink
//   blink
//   done
//
// Shows: embedding a timer, arming it again from its own expiry, and the "when
// do I wake" loop that any event loop has at its heart.

#include <iostream>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "evkit/timers/clock.h"
#include "evkit/timers/timer_wheel.h"

int main() {
  evkit::Clock& clock = evkit::Clock::Real();
  evkit::TimerWheel wheel(clock.Now());

  evkit::TimerWheel::Timer blink, done;
  wheel.Arm(blink, clock.Now() + absl::Milliseconds(20));
  wheel.Arm(done, clock.Now() + absl::Milliseconds(50));

  while (done.armed()) {
    absl::SleepFor(*wheel.NextWakeup() - clock.Now());
    wheel.Advance(clock.Now(), [&](evkit::TimerWheel::Timer& timer) {
      if (&timer == &done) {
        std::cout << "done\n";
        return;
      }
      std::cout << "blink\n";
      wheel.Arm(blink, blink.deadline() + absl::Milliseconds(20));
    });
  }
  return 0;
}
