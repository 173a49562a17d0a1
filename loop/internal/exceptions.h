// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// The one place of this package where exceptions of the user's code are caught.
// The library throws none of its own, and builds without exceptions too.

#ifndef EVKIT_LOOP_INTERNAL_EXCEPTIONS_H_
#define EVKIT_LOOP_INTERNAL_EXCEPTIONS_H_

#include <exception>
#include <string>

#include "evkit/loop/fatal_exception.h"

namespace evkit::loop_internal {

// Calls `function` and returns what it threw; null if nothing. A FatalException
// passes through.
template <typename F>
std::exception_ptr CatchExceptions(F&& function) {
#if defined(__cpp_exceptions)
  try {
    function();
  } catch (const FatalException&) {
    throw;
  } catch (...) {
    return std::current_exception();
  }
#else
  function();
#endif
  return nullptr;
}

// The same for every exception, FatalException included.
template <typename F>
std::exception_ptr CatchAllExceptions(F&& function) {
#if defined(__cpp_exceptions)
  try {
    function();
  } catch (...) {
    return std::current_exception();
  }
#else
  function();
#endif
  return nullptr;
}

// The exception's `what()`, or that it has none.
std::string DescribeException(const std::exception_ptr& exception);

}  // namespace evkit::loop_internal

#endif  // EVKIT_LOOP_INTERNAL_EXCEPTIONS_H_
