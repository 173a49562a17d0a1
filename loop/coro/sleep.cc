// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/coro/sleep.h"

#include "absl/strings/str_cat.h"
#include "evkit/loop/abstract_event_loop.h"

namespace evkit::loop_internal {

void SleepAwait::Arm() {
  wait_.emplace();
  AbstractEventLoop& loop = *task()->loop();
  wait_->timer =
      &task()->hub().sleep_timers().Arm(loop, loop.Time() + delay_, *this);
}

bool SleepAwait::CancelWait(absl::string_view message) {
  if (!wait_.has_value()) wait_.emplace();
  if (wait_->elapsed || !wait_->cancelled.ok()) return false;
  wait_->cancelled = absl::CancelledError(message);
  MayHaveFailed();
  task()->Wake();
  return true;
}

std::string SleepAwait::Describe() const {
  return absl::StrCat("Sleep(", absl::FormatDuration(delay_), ")");
}

}  // namespace evkit::loop_internal
