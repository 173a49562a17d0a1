// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Doing something again whenever it ends, with pauses that grow as long as it
// ends soon.

#ifndef EVKIT_EXAMPLES_SUPERVISOR_KEEP_RUNNING_H_
#define EVKIT_EXAMPLES_SUPERVISOR_KEEP_RUNNING_H_

#include <cstdint>
#include <functional>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "evkit/loop/coro/coro.h"

namespace supervisor {

class BackoffOptions {
 public:
  BackoffOptions() {}

  absl::Duration first = absl::Milliseconds(100);
  double factor = 2;
  absl::Duration longest = absl::Seconds(30);
  // What ran this long was well: the next pause is the first again.
  absl::Duration well_after = absl::Seconds(10);
};

// The pauses, without the waiting.
class Backoff {
 public:
  explicit Backoff(BackoffOptions options) : options_(options) {}

  // The pause after a run that took `took`. `random`, uniform over 64 bits,
  // takes off up to a quarter, so that what fell together does not get up
  // together.
  absl::Duration Next(absl::Duration took, uint64_t random);

 private:
  const BackoffOptions options_;
  absl::Duration last_;
};

// Awaits `run`, pauses, and so on, until the task is cancelled, which it passes
// on when `run` has ended.
evkit::Coro<void> KeepRunning(std::function<evkit::Coro<void>()> run,
                              BackoffOptions options);

}  // namespace supervisor

#endif  // EVKIT_EXAMPLES_SUPERVISOR_KEEP_RUNNING_H_
