// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// All of evkit that a program with an event loop needs to begin. To take less,
// see the table of components in README.md.

#ifndef EVKIT_EVKIT_H_
#define EVKIT_EVKIT_H_

#include "evkit/loop/context.h"                        // IWYU pragma: export
#include "evkit/loop/coro/as_completed.h"              // IWYU pragma: export
#include "evkit/loop/coro/async_generator.h"           // IWYU pragma: export
#include "evkit/loop/coro/call_graph.h"                // IWYU pragma: export
#include "evkit/loop/coro/coro.h"                      // IWYU pragma: export
#include "evkit/loop/coro/deadline.h"                  // IWYU pragma: export
#include "evkit/loop/coro/error_group.h"               // IWYU pragma: export
#include "evkit/loop/coro/future.h"                    // IWYU pragma: export
#include "evkit/loop/coro/gather.h"                    // IWYU pragma: export
#include "evkit/loop/coro/or_return.h"                 // IWYU pragma: export
#include "evkit/loop/coro/run.h"                       // IWYU pragma: export
#include "evkit/loop/coro/run_coroutine_threadsafe.h"  // IWYU pragma: export
#include "evkit/loop/coro/run_in_executor.h"           // IWYU pragma: export
#include "evkit/loop/coro/run_until_complete.h"        // IWYU pragma: export
#include "evkit/loop/coro/runner.h"                    // IWYU pragma: export
#include "evkit/loop/coro/shield.h"                    // IWYU pragma: export
#include "evkit/loop/coro/sleep.h"                     // IWYU pragma: export
#include "evkit/loop/coro/task.h"                      // IWYU pragma: export
#include "evkit/loop/coro/task_canceller.h"            // IWYU pragma: export
#include "evkit/loop/coro/task_group.h"                // IWYU pragma: export
#include "evkit/loop/coro/timeout.h"                   // IWYU pragma: export
#include "evkit/loop/coro/to_thread.h"                 // IWYU pragma: export
#include "evkit/loop/coro/wait.h"                      // IWYU pragma: export
#include "evkit/loop/coro/wait_for.h"                  // IWYU pragma: export
#include "evkit/loop/coro/waiter.h"                    // IWYU pragma: export
#include "evkit/loop/executor/call_in_executor.h"      // IWYU pragma: export
#include "evkit/loop/executor/default_executor.h"      // IWYU pragma: export
#include "evkit/loop/executor/thread_pool_executor.h"  // IWYU pragma: export
#include "evkit/loop/loop.h"                           // IWYU pragma: export
#include "evkit/loop/loop_local.h"                     // IWYU pragma: export
#include "evkit/loop/signals/signal_handlers.h"        // IWYU pragma: export
#include "evkit/loop/sync/barrier.h"                   // IWYU pragma: export
#include "evkit/loop/sync/condition.h"                 // IWYU pragma: export
#include "evkit/loop/sync/event.h"                     // IWYU pragma: export
#include "evkit/loop/sync/lock.h"                      // IWYU pragma: export
#include "evkit/loop/sync/queue.h"                     // IWYU pragma: export
#include "evkit/loop/sync/semaphore.h"                 // IWYU pragma: export
#include "evkit/loop/timer/timer.h"                    // IWYU pragma: export
#include "evkit/subprocess/exit_status.h"              // IWYU pragma: export
#include "evkit/subprocess/spawn.h"                    // IWYU pragma: export

#endif  // EVKIT_EVKIT_H_
