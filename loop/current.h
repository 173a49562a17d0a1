// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// asyncio's module functions: the running loop, the current loop, a new loop.
//
//   absl::StatusOr<std::unique_ptr<AbstractEventLoop>> loop = NewEventLoop();
//   SetEventLoop(loop->get());
//   ...
//   absl::StatusOr<AbstractEventLoop*> mine = GetEventLoop();
//
// New code does not need them: make a loop with `NewDefaultEventLoop()` and
// pass it on; inside callbacks ask `GetRunningLoop()`.

#ifndef EVKIT_LOOP_CURRENT_H_
#define EVKIT_LOOP_CURRENT_H_

#include <memory>

#include "absl/status/statusor.h"
#include "evkit/loop/abstract_event_loop.h"
#include "evkit/policy/event_loop_policy.h"
#include "evkit/policy/running_loop.h"  // IWYU pragma: export

namespace evkit {

// The loop that is running in this thread (LOOP-07); else what the process-wide
// policy says (LOOP-17), which by default is the loop that was last set in this
// thread; else, in the main thread and if none was ever set there, a new one;
// else kFailedPrecondition. Thread-safe.
absl::StatusOr<AbstractEventLoop*> GetEventLoop();

// Makes `loop`, which is borrowed, this thread's current loop; null means none,
// from then on (LOOP-11). Reset it before destroying the loop. Thread-safe.
void SetEventLoop(AbstractEventLoop* loop);

// A new loop of the policy's kind, by default `NewDefaultEventLoop()`; not made
// current (LOOP-13). Thread-safe.
absl::StatusOr<std::unique_ptr<AbstractEventLoop>> NewEventLoop();

// The process-wide policy; installs the default one if there is none, or if it
// was reset with `SetEventLoopPolicy(nullptr)` (LOOP-16). Never null.
// Thread-safe.
std::shared_ptr<EventLoopPolicy> GetOrInstallDefaultEventLoopPolicy();

}  // namespace evkit

#endif  // EVKIT_LOOP_CURRENT_H_
