// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// A whole program: makes a loop, runs one coroutine on it, cleans up.
//
//   evkit::Coro<void> Main() {
//     co_await evkit::OrReturn(evkit::Sleep(absl::Seconds(1)));
//     std::cout << "hello\n";
//     co_return absl::OkStatus();
//   }
//   int main() { return evkit::Run(Main()).ok() ? 0 : 1; }
//
// Ctrl-C cancels the coroutine, which may clean up; a second one ends the
// process. See docs/running.md.

#ifndef EVKIT_LOOP_CORO_RUN_H_
#define EVKIT_LOOP_CORO_RUN_H_

#include <utility>

#include "absl/status/status.h"
#include "evkit/base/source_location.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/loop/coro/outcome.h"
#include "evkit/loop/coro/runner.h"
#include "evkit/loop/coro/task.h"

namespace evkit {

// Runs `main` on a new loop, as the only task at first, and returns its result
// (RNR-01); an exception of the user's is rethrown. Before that, cleans up as
// `Runner::Close()` does: tasks that are left are cancelled and awaited, so it
// returns when all have ended. Errors as `Runner::Run()`; if `main` succeeded,
// also those of `Runner::Close()`.
template <typename T>
Outcome<T> Run(Coro<T> main, RunOptions options = RunOptions(),
               SourceLocation where = SourceLocation::Here()) {
  Runner runner(std::move(options));
  Outcome<T> outcome = runner.Run(std::move(main), where);
  absl::Status closed = runner.Close();
  if (outcome.ok() && !closed.ok()) return closed;
  return outcome;
}

// Of a function object without parameters that returns a Coro: it is kept as
// long as the coroutine runs, so it may be a lambda with captures.
template <loop_internal::CoroFunction F>
Outcome<loop_internal::CoroFunctionValue<F>> Run(
    F main, RunOptions options = RunOptions(),
    SourceLocation where = SourceLocation::Here()) {
  return Run(loop_internal::CallAndKeep(std::move(main)), std::move(options),
             where);
}

}  // namespace evkit

#endif  // EVKIT_LOOP_CORO_RUN_H_
