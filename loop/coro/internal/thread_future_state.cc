// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/coro/internal/thread_future_state.h"

#include <string>

#include "evkit/policy/running_loop.h"

namespace evkit::loop_internal {

bool ThreadFutureState::done() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return done_;
}

bool ThreadFutureState::cancelled() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return cancelled_;
}

bool ThreadFutureState::Cancel(absl::string_view message) {
  std::shared_ptr<LoopPort> port;
  if (!CompleteWith(/*cancelled=*/true, [&] {
        slot_.status = absl::CancelledError(message);
        port = port_;
      })) {
    return false;
  }
  if (port != nullptr) {
    // If there is no loop any more, there is no task either.
    port->Post([self = shared_from_this(), text = std::string(message)] {
          if (self->task_ != nullptr) self->task_->Cancel(text);
        })
        .IgnoreError();
  }
  return true;
}

void ThreadFutureState::FailToBegin(absl::Status why) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (done_ && !abandoned_) return;
  slot_.status = std::move(why);
  done_ = true;
  cancelled_ = false;
}

bool ThreadFutureState::Begin(AbstractEventLoop& loop) {
  std::shared_ptr<LoopPort> port = LoopPort::Of(loop);
  const std::lock_guard<std::mutex> lock(mutex_);
  if (done_) return false;
  port_ = std::move(port);
  return true;
}

void ThreadFutureState::Abandon() {
  task_ = nullptr;
  CompleteWith(/*cancelled=*/true, [this] {
    slot_.status = absl::CancelledError("the event loop was closed");
    abandoned_ = true;
  });
}

absl::Status ThreadFutureState::Wait(std::unique_lock<std::mutex>& lock) const {
  if (!done_ && GetRunningLoopOrNull() == loop_) {
    return absl::FailedPreconditionError(
        "Get: the result would never come while its loop's thread waits for "
        "it; await the task instead");
  }
  completed_.wait(lock, [this] { return done_; });
  return absl::OkStatus();
}

}  // namespace evkit::loop_internal
