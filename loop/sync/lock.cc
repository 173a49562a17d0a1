// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/sync/lock.h"

#include "evkit/loop/coro/or_return.h"

namespace evkit {
namespace {

using loop_internal::LockRef;
using loop_internal::LockState;

Coro<ScopedLock> AcquireScopedOf(LockRef lock) {
  if (!lock->TryAcquire()) co_await OrReturn(LockState::Acquire(lock));
  co_return ScopedLock(std::move(lock));
}

}  // namespace

absl::Status ScopedLock::Release() {
  if (!lock_) return absl::FailedPreconditionError("no lock is held");
  const LockRef lock = std::exchange(lock_, LockRef());
  return lock->Release();
}

Lock::Lock() : state_(LockRef::Adopt(new LockState())) {}

Lock::~Lock() = default;

Coro<ScopedLock> Lock::AcquireScoped() { return AcquireScopedOf(state_); }

}  // namespace evkit
