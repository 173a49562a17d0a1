// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "examples/supervisor/keep_running.h"

#include <algorithm>

#include "evkit/loop/abstract_event_loop.h"
#include "evkit/loop/coro/or_return.h"
#include "evkit/loop/coro/sleep.h"
#include "evkit/policy/running_loop.h"

namespace supervisor {

absl::Duration Backoff::Next(absl::Duration took, uint64_t random) {
  if (took >= options_.well_after || last_ == absl::ZeroDuration()) {
    last_ = options_.first;
  } else {
    last_ = std::min(last_ * options_.factor, options_.longest);
  }
  const double off = static_cast<double>(random >> 11) * 0x1p-53 / 4;
  return last_ * (1 - off);
}

evkit::Coro<void> KeepRunning(std::function<evkit::Coro<void>()> run,
                              BackoffOptions options) {
  evkit::AbstractEventLoop& loop =
      *co_await evkit::OrReturn(evkit::GetRunningLoop());
  Backoff backoff(options);
  while (true) {
    const evkit::MonotonicTime start = loop.Time();
    const absl::Status ended = co_await run();
    if (absl::IsCancelled(ended)) co_return ended;
    const absl::Duration pause =
        backoff.Next(loop.Time() - start, loop.Random());
    co_await evkit::OrReturn(evkit::Sleep(pause));
  }
}

}  // namespace supervisor
