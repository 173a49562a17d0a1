// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// The interface of one function by which blocking work is handed to somebody
// else: a thread pool, a queue of a test.

#ifndef EVKIT_BASE_EXECUTOR_H_
#define EVKIT_BASE_EXECUTOR_H_

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"

namespace evkit {

// Thread-safe.
class Executor {
 public:
  virtual ~Executor() = default;

  // Arranges for `work` to be called once, somewhere else, and returns without
  // waiting for it. `work` is never called inside Submit(). An error means that
  // it will not be called: kFailedPrecondition after shutdown,
  // kResourceExhausted where a queue has a limit; it is then destroyed before
  // Submit() returns, on the caller's thread.
  virtual absl::Status Submit(absl::AnyInvocable<void() &&> work) = 0;
};

}  // namespace evkit

#endif  // EVKIT_BASE_EXECUTOR_H_
