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
  absl::Status status = task()->loop()->WatchFd(
      fd_, socket_.id(), direction_ == Direction::kWrite, *this);
  if (status.ok()) return;
  status_ = std::move(status);
  state_ = State::kDone;
  task()->Yield();
}

// A socket that just took some will take more: watching it on would only lead
// to a turn in which nobody wants to know.
void SocketWait::Disarm() {
  if (direction_ == Direction::kWrite && watching()) {
    task()->loop()->RemoveWriter(fd_);
  } else {
    StopWatching();
  }
}

void SocketWait::OnReady() {
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

void SocketWait::Fail(const IoResult& result, absl::string_view call) {
  status_ = result.ToStatus(absl::StrCat(call, "(fd=", fd_, ")"));
}

std::string SocketWait::Describe() const {
  return absl::StrCat(name_, "(fd=", fd_, ")");
}

}  // namespace evkit::net_internal
