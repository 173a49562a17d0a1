// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Hearing of a child's end from whatever loop there is.

#ifndef EVKIT_SUBPROCESS_PROCESS_INTERNAL_LOOP_CHILDREN_H_
#define EVKIT_SUBPROCESS_PROCESS_INTERNAL_LOOP_CHILDREN_H_

#include <sys/types.h>

#include "absl/status/status.h"
#include "evkit/loop/abstract_event_loop.h"
#include "evkit/subprocess/child_watcher.h"

namespace evkit::subprocess_internal {

// ChildWatching::WatchSpawnedChild() of a loop that watches children itself. Of
// another, the same by a default watcher that is made for it
// (default_child_watcher.h) and goes with it.
absl::Status WatchSpawnedChild(AbstractEventLoop& loop, pid_t pid, int pidfd,
                               ChildWatcher::Callback on_exit);

}  // namespace evkit::subprocess_internal

#endif  // EVKIT_SUBPROCESS_PROCESS_INTERNAL_LOOP_CHILDREN_H_
