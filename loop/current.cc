// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/current.h"

#include "evkit/loop/default_event_loop.h"

namespace evkit {

std::shared_ptr<EventLoopPolicy> GetOrInstallDefaultEventLoopPolicy() {
  return GetOrInstallEventLoopPolicy(
      []() -> absl::StatusOr<std::unique_ptr<AbstractEventLoop>> {
        return NewDefaultEventLoop();
      });
}

absl::StatusOr<AbstractEventLoop*> GetEventLoop() {
  if (AbstractEventLoop* const running = GetRunningLoopOrNull()) {
    return running;
  }
  return GetOrInstallDefaultEventLoopPolicy()->GetEventLoop();
}

void SetEventLoop(AbstractEventLoop* loop) {
  GetOrInstallDefaultEventLoopPolicy()->SetEventLoop(loop);
}

absl::StatusOr<std::unique_ptr<AbstractEventLoop>> NewEventLoop() {
  return GetOrInstallDefaultEventLoopPolicy()->NewEventLoop();
}

}  // namespace evkit
