// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// The timers of sleeping tasks. They are a loop's to keep, so that a sleep arms
// one that is there already, and makes no callback.

#ifndef EVKIT_LOOP_CORO_INTERNAL_SLEEP_TIMER_H_
#define EVKIT_LOOP_CORO_INTERNAL_SLEEP_TIMER_H_

#include <cstddef>

#include "evkit/loop/timer/internal/kept_timer.h"
#include "evkit/timers/clock.h"

namespace evkit {
class AbstractEventLoop;
}  // namespace evkit

namespace evkit::loop_internal {

class SleepAwait;
class SleepTimers;

// The timer of one sleep at a time.
class SleepTimer {
 public:
  SleepTimer(const SleepTimer&) = delete;
  SleepTimer& operator=(const SleepTimer&) = delete;

  // The sleep is over, or is not waited for any more; `told`: it was told.
  void GiveBack(bool told);

 private:
  friend class SleepTimers;

  SleepTimer(SleepTimers& owner, AbstractEventLoop& loop);
  ~SleepTimer() = default;

  SleepTimers& owner_;
  SleepAwait* sleep_ = nullptr;
  SleepTimer* next_free_ = nullptr;
  KeptTimer timer_;
};

// Those of one loop. Belongs to its thread; outlives the sleeps.
class SleepTimers {
 public:
  SleepTimers() = default;
  SleepTimers(const SleepTimers&) = delete;
  SleepTimers& operator=(const SleepTimers&) = delete;
  ~SleepTimers() { Close(); }

  // Has `sleep` told at `when`, until the timer is given back.
  SleepTimer& Arm(AbstractEventLoop& loop, MonotonicTime when,
                  SleepAwait& sleep);
  // The loop closes: nothing is kept from now on.
  void Close();

 private:
  friend class SleepTimer;

  // About 4 MiB. A burst may need more, which is given back.
  static constexpr size_t kMaxFree = 16384;

  SleepTimer* free_ = nullptr;
  size_t free_count_ = 0;
  size_t max_free_ = kMaxFree;
};

inline void SleepTimer::GiveBack(bool told) {
  if (owner_.free_count_ >= owner_.max_free_) {
    delete this;
    return;
  }
  if (!told) timer_.Stop();
  next_free_ = owner_.free_;
  owner_.free_ = this;
  ++owner_.free_count_;
}

}  // namespace evkit::loop_internal

#endif  // EVKIT_LOOP_CORO_INTERNAL_SLEEP_TIMER_H_
