// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/default_event_loop.h"

#include <utility>

#include "evkit/selectors/default_selector.h"
#include "evkit/subprocess/default_child_watcher.h"

namespace evkit {

absl::StatusOr<std::unique_ptr<EventLoop>> NewDefaultEventLoop(
    EventLoopOptions options) {
  if (options.selector == nullptr) {
    absl::StatusOr<std::unique_ptr<Selector>> selector = NewDefaultSelector();
    if (!selector.ok()) return selector.status();
    options.selector = *std::move(selector);
  }
  if (options.child_watcher == nullptr) {
    absl::StatusOr<std::unique_ptr<ChildWatcher>> watcher =
        NewDefaultChildWatcher();
    if (!watcher.ok()) return watcher.status();
    options.child_watcher = *std::move(watcher);
  }
  return EventLoop::Create(std::move(options));
}

}  // namespace evkit
