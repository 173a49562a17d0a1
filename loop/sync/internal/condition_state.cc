// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/sync/internal/condition_state.h"

namespace evkit::loop_internal {

// One task's wait. If it ends in a failure, or with the destruction of the
// frame, somebody else is notified, since this one may have been.
class ConditionState::Turn {
 public:
  explicit Turn(ConditionState& condition)
      : condition_(condition), place_(condition.waiters_, "Condition.Wait") {}
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  ~Turn() {
    place_.Leave();
    if (!succeeded_) condition_.Wake(1);
  }

  Waiter& waiter() { return place_.waiter(); }
  void Leave() { place_.Leave(); }
  void Succeed() { succeeded_ = true; }

 private:
  ConditionState& condition_;
  WaitPlace place_;
  bool succeeded_ = false;
};

Coro<void> ConditionState::Wait(ConditionRef condition) {
  const LockRef lock = condition->lock_;
  if (!lock->locked()) {
    co_return absl::FailedPreconditionError("cannot wait on un-acquired lock");
  }
  absl::Status status = condition->Bind("Condition");
  if (!status.ok()) co_return status;
  lock->Release().IgnoreError();
  Turn turn(*condition);
  status = co_await turn.waiter();
  turn.Leave();
  for (;;) {
    absl::Status acquired = co_await LockState::Acquire(lock);
    if (acquired.ok()) break;
    status = std::move(acquired);
    if (!absl::IsCancelled(status)) break;
  }
  if (status.ok()) turn.Succeed();
  co_return status;
}

absl::Status ConditionState::Notify(int n) {
  if (!lock_->locked()) {
    return absl::FailedPreconditionError("cannot notify on un-acquired lock");
  }
  Wake(n);
  return absl::OkStatus();
}

}  // namespace evkit::loop_internal
