// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/sync/lock.h"

#include "evkit/loop/coro/or_return.h"

namespace evkit {

namespace loop_internal {

Coro<ScopedLock> AcquireScoped(LockRef lock) {
  if (!lock->TryAcquire()) co_await OrReturn(LockState::Acquire(lock));
  co_return ScopedLock(std::move(lock));
}

}  // namespace loop_internal

absl::Status ScopedLock::Release() {
  if (!lock_) return absl::FailedPreconditionError("no lock is held");
  const loop_internal::LockRef lock =
      std::exchange(lock_, loop_internal::LockRef());
  return lock->Release();
}

Lock::Lock()
    : state_(loop_internal::LockRef::Adopt(new loop_internal::LockState())) {}

Lock::~Lock() = default;

}  // namespace evkit
