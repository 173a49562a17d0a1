// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/policy/internal/minimal_loop.h"

#include <utility>

#include "evkit/base/check.h"
#include "evkit/policy/running_loop.h"

namespace evkit::policy_internal {
namespace {

absl::Status NotSupported() {
  return absl::UnimplementedError("not by this minimal loop");
}

}  // namespace

MinimalLoop::~MinimalLoop() {
  EVKIT_CHECK(Close().ok(), "a loop was destroyed while it was running");
}

absl::Status MinimalLoop::RunForever() {
  if (closed_ || GetRunningLoopOrNull() != nullptr) {
    return absl::FailedPreconditionError("closed, or a loop is running");
  }
  const ScopedRunningLoop scope(*this);
  running_ = true;
  while (!stopping_ && !ready_.empty()) {
    Callback callback = std::move(ready_.front());
    ready_.pop_front();
    callback();
  }
  running_ = stopping_ = false;
  return absl::OkStatus();
}

absl::Status MinimalLoop::Close() {
  if (running_) return absl::FailedPreconditionError("it is running");
  closed_ = true;
  ready_.clear();
  DestroyLocals();
  return absl::OkStatus();
}

Handle MinimalLoop::DoCallSoon(Callback&& callback, const Context*,
                               SourceLocation) {
  ready_.push_back(std::move(callback));
  return Handle();
}

absl::Status MinimalLoop::DoCallSoonThreadsafe(Callback&&, const Context*,
                                               SourceLocation) {
  return NotSupported();
}

TimerHandle MinimalLoop::DoCallAt(MonotonicTime, Callback&&, const Context*,
                                  SourceLocation) {
  return TimerHandle();
}

absl::Status MinimalLoop::DoAddReader(int, Callback&&, SourceLocation) {
  return NotSupported();
}

absl::Status MinimalLoop::DoAddWriter(int, Callback&&, SourceLocation) {
  return NotSupported();
}

}  // namespace evkit::policy_internal
