// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/policy/running_loop.h"

#include <cstdint>

#include "evkit/base/fork_generation.h"

namespace evkit {
namespace {

struct RunningLoopSlot {
  AbstractEventLoop* loop;
  uint32_t fork_generation;
};

constinit thread_local RunningLoopSlot slot = {nullptr, 0};

}  // namespace

AbstractEventLoop* GetRunningLoopOrNull() {
  if (slot.loop == nullptr || slot.fork_generation != ForkGeneration()) {
    return nullptr;
  }
  return slot.loop;
}

absl::StatusOr<AbstractEventLoop*> GetRunningLoop() {
  AbstractEventLoop* const loop = GetRunningLoopOrNull();
  if (loop == nullptr) {
    return absl::FailedPreconditionError("no running event loop");
  }
  return loop;
}

ScopedRunningLoop::ScopedRunningLoop(AbstractEventLoop& loop) {
  slot = {&loop, ForkGeneration()};
}

ScopedRunningLoop::~ScopedRunningLoop() { slot.loop = nullptr; }

}  // namespace evkit
