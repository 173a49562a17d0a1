// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// For tests of what a primitive does when a frame that waits for it is
// destroyed, which in a program only the loop's `Close()` does, to all of them.

#ifndef EVKIT_LOOP_SYNC_DESTROY_TASK_H_
#define EVKIT_LOOP_SYNC_DESTROY_TASK_H_

#include "evkit/loop/coro/task.h"

namespace evkit {

// Destroys the frames of a task that is not running, wherever it waits. The
// task counts as cancelled. Nothing happens if it has ended.
inline void DestroyTask(const AnyTask& task) {
  if (task.done()) return;
  task.task().hub().Remove(task.task());
  task.task().Abandon();
}

}  // namespace evkit

#endif  // EVKIT_LOOP_SYNC_DESTROY_TASK_H_
