// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/sockets/internal/socket_wait.h"

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "evkit/loop/abstract_event_loop.h"

namespace evkit::net_internal {

void SocketWait::Arm() {
  AbstractEventLoop& loop = *task()->loop();
  absl::Status status = direction_ == Direction::kRead
                            ? loop.AddReader(fd_, OnReady(this))
                            : loop.AddWriter(fd_, OnReady(this));
  if (status.ok()) return;
  status_ = std::move(status);
  state_ = State::kDone;
  task()->Yield();
}

void SocketWait::Disarm() {
  if (on_ready_ == nullptr) return;
  std::exchange(on_ready_, nullptr)->Detach();
  AbstractEventLoop* const loop = task()->loop();
  if (loop == nullptr) return;
  if (direction_ == Direction::kRead) {
    loop->RemoveReader(fd_);
  } else {
    loop->RemoveWriter(fd_);
  }
}

void SocketWait::TryAgain() {
  if (!Attempt()) return;
  Disarm();
  state_ = State::kDone;
  task()->Continue();
}

bool SocketWait::CancelWait(absl::string_view message) {
  if (state_ != State::kWaiting) return false;
  Disarm();
  status_ = absl::CancelledError(message);
  state_ = State::kCancelled;
  task()->Wake();
  return true;
}

absl::Status SocketWait::Finish() {
  absl::Status cancellation;
  if (TakeCancellation(&cancellation) && state_ != State::kCancelled) {
    return cancellation;
  }
  return std::move(status_);
}

void SocketWait::Fail(const IoResult& result, absl::string_view call) {
  status_ = result.ToStatus(absl::StrCat(call, "(fd=", fd_, ")"));
}

std::string SocketWait::Describe() const {
  return absl::StrCat(name_, "(fd=", fd_, ")");
}

}  // namespace evkit::net_internal
