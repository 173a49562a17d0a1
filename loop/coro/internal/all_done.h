// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// The end of several tasks, whatever it is.

#ifndef EVKIT_LOOP_CORO_INTERNAL_ALL_DONE_H_
#define EVKIT_LOOP_CORO_INTERNAL_ALL_DONE_H_

#include <vector>

#include "evkit/loop/abstract_event_loop.h"
#include "evkit/loop/coro/future.h"
#include "evkit/loop/coro/task.h"

namespace evkit::loop_internal {

// Has a result when each of `tasks` is done; looks at none of them. As
// asyncio's gather(), which is a turn after the last.
Future<void> AllDone(AbstractEventLoop& loop,
                     const std::vector<AnyTask>& tasks);

}  // namespace evkit::loop_internal

#endif  // EVKIT_LOOP_CORO_INTERNAL_ALL_DONE_H_
