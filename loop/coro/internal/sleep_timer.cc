// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/coro/internal/sleep_timer.h"

#include "evkit/base/source_location.h"
#include "evkit/loop/abstract_event_loop.h"
#include "evkit/loop/coro/sleep.h"

namespace evkit::loop_internal {

SleepTimer::SleepTimer(SleepTimers& owner, AbstractEventLoop& loop)
    : owner_(owner),
      timer_(loop, Callback([this] { sleep_->OnTime(); }), nullptr,
             SourceLocation::Here()) {}

SleepTimer& SleepTimers::Arm(AbstractEventLoop& loop, MonotonicTime when,
                             SleepAwait& sleep) {
  SleepTimer* timer = free_;
  if (timer == nullptr) {
    timer = new SleepTimer(*this, loop);
  } else {
    free_ = timer->next_free_;
    --free_count_;
  }
  timer->sleep_ = &sleep;
  timer->timer_.Start(when);
  return *timer;
}

void SleepTimers::Close() {
  max_free_ = 0;
  while (free_ != nullptr) {
    SleepTimer* const timer = free_;
    free_ = timer->next_free_;
    delete timer;
  }
}

}  // namespace evkit::loop_internal
