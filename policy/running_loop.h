// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Which event loop is running in this thread: one slot for each thread, filled
// by the loop itself while it runs.

#ifndef EVKIT_POLICY_RUNNING_LOOP_H_
#define EVKIT_POLICY_RUNNING_LOOP_H_

#include "absl/status/statusor.h"
#include "evkit/loop/abstract_event_loop.h"

namespace evkit {

// The loop that is running in this thread; null if none is (LOOP-01, LOOP-03).
// Null also in a forked child, even if the fork happened in a callback
// (LOOP-04). A few instructions. Thread-safe.
AbstractEventLoop* GetRunningLoopOrNull();

// The same, or kFailedPrecondition, "no running event loop" (LOOP-02).
absl::StatusOr<AbstractEventLoop*> GetRunningLoop();

// Fills the slot for a scope: what the `RunForever()` of every implementation
// does. The slot is empty afterwards, whatever it held before (LOOP-06);
// refusing to run inside another loop is up to the implementation. Belongs to
// one thread.
class ScopedRunningLoop {
 public:
  explicit ScopedRunningLoop(AbstractEventLoop& loop);
  ScopedRunningLoop(const ScopedRunningLoop&) = delete;
  ScopedRunningLoop& operator=(const ScopedRunningLoop&) = delete;
  ~ScopedRunningLoop();
};

}  // namespace evkit

#endif  // EVKIT_POLICY_RUNNING_LOOP_H_
