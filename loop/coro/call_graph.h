// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Looking at tasks from outside: where one stands, who waits for it, and what
// all tasks of a loop are doing. For reports, debuggers and signal handlers'
// callbacks; asyncio's capture_call_graph() and its like (INT-02 to INT-04).
//
//   PrintCallGraph(task).IgnoreError();
//
//   * Task(name='fetch', id=0x55d0c8a4e340)
//     + Call stack:
//     |   File 'net/fetch.cc', line 40, in ReadBody()
//     |   File 'net/fetch.cc', line 61, in Fetch()
//     + Awaited by:
//       * Task(name='main', id=0x55d0c8a4e1c0)
//         + Call stack:
//         |   File 'main.cc', line 17, in Main()
//
// Costs the tasks nothing: each frame knows the `co_await` that it is in, and
// each future those who wait for it. All of this belongs to the loop's thread,
// may be called at any time there, runs no code of the user's, and is bounded
// by the number of tasks, also where they wait for each other in a circle.

#ifndef EVKIT_LOOP_CORO_CALL_GRAPH_H_
#define EVKIT_LOOP_CORO_CALL_GRAPH_H_

#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "evkit/base/source_location.h"
#include "evkit/loop/abstract_event_loop.h"
#include "evkit/loop/coro/future.h"

namespace evkit {

// How much to capture. Fill in a named object.
class CallGraphOptions {
 public:
  CallGraphOptions();

  // Of the current task's call stack: begin at its n-th entry. 1 is the place
  // of the call, 2 the `co_await` of the coroutine that called that one.
  int depth = 1;
  // How many entries to keep of each call stack: if positive, those nearest to
  // where the task stands; if negative, the outermost; 0: none. All by default.
  std::optional<int> limit;
  // How far to follow those who wait. More are left out, and said to be.
  int max_levels = 100;
};

// A future in a call graph.
class FutureCallGraphEntry {
 public:
  FutureCallGraphEntry(AnyFuture its_future, int its_level);

  AnyFuture future;
  // 0 for the future that was asked about; one of level n + 1 waits for the
  // nearest one of level n before it.
  int level;
  // Of a task: where it stands, innermost first. Empty for one that has not
  // begun, and for a future that is no task.
  std::vector<SourceLocation> call_stack;
  // It was in the graph before, with its call stack and those who wait for it.
  bool repeated = false;
  // Somebody waits for it who is left out.
  bool cut_off = false;
};

// A tree: each entry is followed by those who wait for it, in the order in
// which they came, each of them with those who wait for that one.
using FutureCallGraph = std::vector<FutureCallGraphEntry>;

// Captures where `future` stands, if it is a task, and who waits for it,
// directly or through a gather, a shield or a group. Of the current task the
// call stack begins with `where`. Empty if `future` refers to nothing.
FutureCallGraph CaptureCallGraph(const AnyFuture& future,
                                 CallGraphOptions options = CallGraphOptions(),
                                 SourceLocation where = SourceLocation::Here());

// Of the current task; empty if a plain callback is running (INT-03).
//   kFailedPrecondition: no loop is running in this thread.
absl::StatusOr<FutureCallGraph> CaptureCallGraph(
    CallGraphOptions options = CallGraphOptions(),
    SourceLocation where = SourceLocation::Here());

// The graph as text, as above (INT-04), without a newline at the end. Empty if
// the graph is.
std::string FormatCallGraph(const FutureCallGraph& graph);
std::string FormatCallGraph(const AnyFuture& future,
                            CallGraphOptions options = CallGraphOptions(),
                            SourceLocation where = SourceLocation::Here());
absl::StatusOr<std::string> FormatCallGraph(
    CallGraphOptions options = CallGraphOptions(),
    SourceLocation where = SourceLocation::Here());

// The text and a newline, written to `file`. Errors as above, and kUnknown if
// it cannot be written.
absl::Status PrintCallGraph(const AnyFuture& future,
                            CallGraphOptions options = CallGraphOptions(),
                            std::FILE* file = stdout,
                            SourceLocation where = SourceLocation::Here());
absl::Status PrintCallGraph(CallGraphOptions options = CallGraphOptions(),
                            std::FILE* file = stdout,
                            SourceLocation where = SourceLocation::Here());

// All tasks of `loop` that have not ended, as text: those that nobody waits
// for, each followed by the tasks that it waits for; of each its state, what it
// waits for, where, and where it was created. A task that several wait for, or
// that waits for itself in the end, is shown once and only named afterwards.
//
//   * Task(name='main', id=0x55d0c8a4e1c0)
//     + Waiting for: task fetch
//     |   File 'main.cc', line 17, in Main()
//     + Created: File 'main.cc', line 90, in main()
//     + Awaits:
//       * Task(name='fetch', id=0x55d0c8a4e340)
//         + Waiting for: Sleep(1s)
//         |   File 'net/fetch.cc', line 40, in ReadBody()
//         |   File 'net/fetch.cc', line 61, in Fetch()
//         + Created: File 'main.cc', line 16, in Main()
std::string FormatTasks(AbstractEventLoop& loop);

}  // namespace evkit

#endif  // EVKIT_LOOP_CORO_CALL_GRAPH_H_
