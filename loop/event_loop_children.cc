// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// What an EventLoop does with its child watcher.

#include <utility>

#include "evkit/base/check.h"
#include "evkit/loop/event_loop.h"

namespace evkit {

absl::Status EventLoop::WatchChild(pid_t pid, ChildWatcher::Callback on_exit) {
  if (absl::Status status = PrepareToWatchChildren(); !status.ok()) {
    return status;
  }
  return child_watcher_->Watch(pid, InNextTurn(std::move(on_exit)));
}

absl::Status EventLoop::WatchSpawnedChild(pid_t pid, int pidfd,
                                          ChildWatcher::Callback on_exit) {
  if (absl::Status status = PrepareToWatchChildren(); !status.ok()) {
    return status;
  }
  return child_watcher_->WatchSpawned(pid, pidfd,
                                      InNextTurn(std::move(on_exit)));
}

bool EventLoop::UnwatchChild(pid_t pid) {
  CheckThread("UnwatchChild");
  return CheckUsable("UnwatchChild").ok() && child_watcher_ != nullptr &&
         child_watcher_->Unwatch(pid);
}

absl::Status EventLoop::PrepareToWatchChildren() {
  CheckThread("WatchChild");
  absl::Status status = CheckUsable("WatchChild");
  if (!status.ok()) return status;
  if (child_watcher_ == nullptr) {
    return absl::UnimplementedError(
        "WatchChild: this event loop was made without a child watcher");
  }
  if (watching_children_) return absl::OkStatus();
  // In a context of its own: it stays, and would keep the values of this one.
  status = Context().Run([this] {
    return AddReader(child_watcher_->fd(),
                     [this] { child_watcher_->Dispatch(); });
  });
  watching_children_ = status.ok();
  return status;
}

ChildWatcher::Callback EventLoop::InNextTurn(ChildWatcher::Callback on_exit) {
  EVKIT_CHECK(on_exit != nullptr, "on_exit is null");
  return [this, context = Context::CopyCurrent(), on_exit = std::move(on_exit)](
             pid_t pid, ExitStatus status) mutable {
    CallSoon([on_exit = std::move(on_exit), pid,
              status]() mutable { on_exit(pid, status); },
             context);
  };
}

}  // namespace evkit
