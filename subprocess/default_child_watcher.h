// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// The best child watcher that this machine has.

#ifndef EVKIT_SUBPROCESS_DEFAULT_CHILD_WATCHER_H_
#define EVKIT_SUBPROCESS_DEFAULT_CHILD_WATCHER_H_

#include <memory>

#include "absl/status/statusor.h"
#include "evkit/subprocess/child_watcher.h"

namespace evkit {

// A PidfdChildWatcher if pidfd_open(2) works here and now, else (old kernel,
// forbidden by a sandbox) a ThreadChildWatcher, as asyncio chooses. Asks the
// kernel at every call and remembers nothing. kResourceExhausted when out of
// descriptors or memory. Thread-safe.
absl::StatusOr<std::unique_ptr<ChildWatcher>> NewDefaultChildWatcher();

}  // namespace evkit

#endif  // EVKIT_SUBPROCESS_DEFAULT_CHILD_WATCHER_H_
