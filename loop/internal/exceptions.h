// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// The one place of this package where exceptions of the user's code are caught.
// The library throws none of its own, and builds without exceptions too.

#ifndef EVKIT_LOOP_INTERNAL_EXCEPTIONS_H_
#define EVKIT_LOOP_INTERNAL_EXCEPTIONS_H_

#include <exception>
#include <new>
#include <string>
#include <utility>

#include "evkit/loop/fatal_exception.h"

namespace evkit::loop_internal {

// Ends the process with a message, for a std::bad_alloc that nobody caught: it
// may come from the middle of anything (docs/architecture.md, "Out of memory").
[[noreturn]] void DieOutOfMemory();

// Calls `function`, and `report` with what it threw, if it threw. A
// FatalException passes through; a std::bad_alloc ends the process. Inline
// whatever the compiler thinks of it: then it costs nothing unless something is
// thrown.
template <typename F, typename Report>
[[gnu::always_inline]] inline void ReportExceptions(F&& function,
                                                    Report&& report) {
#if defined(__cpp_exceptions)
  try {
    function();
  } catch (const FatalException&) {
    throw;
  } catch (const std::bad_alloc&) {
    DieOutOfMemory();
  } catch (...) {
    report(std::current_exception());
  }
#else
  (void)report;
  function();
#endif
}

// The same for every exception, those two included.
template <typename F, typename Report>
void ReportAllExceptions(F&& function, Report&& report) {
#if defined(__cpp_exceptions)
  try {
    function();
  } catch (...) {
    report(std::current_exception());
  }
#else
  (void)report;
  function();
#endif
}

// Calls `function` and returns what it threw; null if nothing. A FatalException
// passes through; a std::bad_alloc ends the process.
template <typename F>
std::exception_ptr CatchExceptions(F&& function) {
  std::exception_ptr exception;
  ReportExceptions(std::forward<F>(function),
                   [&](std::exception_ptr thrown) { exception = thrown; });
  return exception;
}

// The same for every exception, those two included.
template <typename F>
std::exception_ptr CatchAllExceptions(F&& function) {
  std::exception_ptr exception;
  ReportAllExceptions(std::forward<F>(function),
                      [&](std::exception_ptr thrown) { exception = thrown; });
  return exception;
}

// What is being handled, for a coroutine's unhandled_exception(). A
// std::bad_alloc ends the process.
std::exception_ptr UnhandledException();

// Whether it is a FatalException.
bool IsFatalException(const std::exception_ptr& exception);

// The exception's `what()`, or that it has none.
std::string DescribeException(const std::exception_ptr& exception);

}  // namespace evkit::loop_internal

#endif  // EVKIT_LOOP_INTERNAL_EXCEPTIONS_H_
