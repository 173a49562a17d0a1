// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/coro/sleep.h"

#include "absl/strings/str_cat.h"

namespace evkit::loop_internal {

void SleepAwait::Arm() {
  timer_ = task()->loop()->CallLater(delay_, [this] {
    if (!cancelled_.ok()) return;
    elapsed_ = true;
    task()->Wake();
  });
}

bool SleepAwait::CancelWait(absl::string_view message) {
  if (elapsed_ || !cancelled_.ok()) return false;
  cancelled_ = absl::CancelledError(message);
  task()->Wake();
  return true;
}

std::string SleepAwait::Describe() const {
  return absl::StrCat("Sleep(", absl::FormatDuration(delay_), ")");
}

}  // namespace evkit::loop_internal
