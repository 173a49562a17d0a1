// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// An event loop on what this machine has: the real clock, the best selector,
// the best child watcher. The only place in evkit that picks implementations.

#ifndef EVKIT_LOOP_DEFAULT_EVENT_LOOP_H_
#define EVKIT_LOOP_DEFAULT_EVENT_LOOP_H_

#include <memory>

#include "absl/status/statusor.h"
#include "evkit/loop/event_loop.h"

namespace evkit {

// A fresh, open loop (LOOP-13). Takes options for what is not about
// implementations; a selector or child watcher that is set in them is kept.
// Fails when descriptors or memory run out. Thread-safe.
absl::StatusOr<std::unique_ptr<EventLoop>> NewDefaultEventLoop(
    EventLoopOptions options = EventLoopOptions());

}  // namespace evkit

#endif  // EVKIT_LOOP_DEFAULT_EVENT_LOOP_H_
