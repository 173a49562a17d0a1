// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/executor/fake_executor.h"

#include <utility>

#include "evkit/base/check.h"

namespace evkit {

absl::Status FakeExecutor::Submit(absl::AnyInvocable<void() &&> work) {
  EVKIT_CHECK(work != nullptr, "work is null");
  if (refusal_.ok()) jobs_.push_back(std::move(work));
  return refusal_;
}

bool FakeExecutor::RunNext() {
  if (jobs_.empty()) return false;
  absl::AnyInvocable<void() &&> job = std::move(jobs_.front());
  jobs_.pop_front();
  std::move(job)();
  return true;
}

bool FakeExecutor::DropNext() {
  if (jobs_.empty()) return false;
  const absl::AnyInvocable<void() &&> job = std::move(jobs_.front());
  jobs_.pop_front();
  return true;
}

void FakeExecutor::Refuse(absl::Status status) { refusal_ = std::move(status); }

}  // namespace evkit
