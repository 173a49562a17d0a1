// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/coro/timeout.h"

#include "evkit/base/check.h"
#include "evkit/loop/abstract_event_loop.h"
#include "evkit/loop/coro/internal/task_state.h"
#include "evkit/policy/running_loop.h"

namespace evkit {

using loop_internal::TaskState;

namespace loop_internal {

absl::Status TimedOutError() {
  return absl::DeadlineExceededError("timed out");
}

}  // namespace loop_internal

Timeout::Timeout(absl::Duration delay) : Timeout(std::nullopt, delay) {
  const AbstractEventLoop* const loop = GetRunningLoopOrNull();
  if (loop != nullptr && delay != absl::InfiniteDuration()) {
    when_ = loop->Time() + delay;
  }
}

absl::Status Timeout::Enter() {
  if (state_ != State::kCreated) {
    return absl::FailedPreconditionError("Timeout has already been entered");
  }
  state_ = State::kEntered;
  task_ = TaskState::Current();
  EVKIT_CHECK(task_ != nullptr, "a coroutine runs in a task");
  cancelling_ = task_->cancelling();
  if (!when_.has_value() && delay_ != absl::InfiniteDuration()) {
    when_ = task_->loop()->Time() + delay_;
  }
  Arm();
  return absl::OkStatus();
}

absl::Status Timeout::Reschedule(std::optional<MonotonicTime> when) {
  if (state_ == State::kCreated) {
    return absl::FailedPreconditionError("Timeout has not been entered");
  }
  if (state_ != State::kEntered) {
    return absl::FailedPreconditionError(state_ == State::kExited
                                             ? "Timeout has finished"
                                             : "Timeout has expired");
  }
  when_ = when;
  Arm();
  return absl::OkStatus();
}

void Timeout::Arm() {
  handle_.Cancel();
  handle_ = Handle();
  if (!when_.has_value()) return;
  AbstractEventLoop& loop = *task_->loop();
  if (*when_ <= loop.Time()) {
    handle_ = loop.CallSoon([this] { OnTimeout(); });
  } else {
    handle_ = loop.CallAt(*when_, [this] { OnTimeout(); });
  }
}

void Timeout::OnTimeout() {
  task_->Cancel("");
  state_ = State::kExpiring;
}

bool Timeout::Exit() {
  handle_.Cancel();
  handle_ = Handle();
  TaskState& task = *task_;
  task_ = nullptr;
  if (state_ == State::kEntered) {
    state_ = State::kExited;
    return false;
  }
  state_ = State::kExpired;
  return task.Uncancel() <= cancelling_;
}

}  // namespace evkit
