// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/internal/exceptions.h"

#include <cstdio>
#include <cstdlib>

namespace evkit::loop_internal {

void DieOutOfMemory() {
  std::fputs("evkit: out of memory: nobody caught a std::bad_alloc\n", stderr);
  std::abort();
}

std::exception_ptr UnhandledException() {
#if defined(__cpp_exceptions)
  try {
    throw;
  } catch (const std::bad_alloc&) {
    DieOutOfMemory();
  } catch (...) {
    return std::current_exception();
  }
#else
  return nullptr;
#endif
}

bool IsFatalException(const std::exception_ptr& exception) {
#if defined(__cpp_exceptions)
  if (exception == nullptr) return false;
  try {
    std::rethrow_exception(exception);
  } catch (const FatalException&) {
    return true;
  } catch (...) {
    return false;
  }
#else
  (void)exception;
  return false;
#endif
}

std::string DescribeException(const std::exception_ptr& exception) {
#if defined(__cpp_exceptions)
  try {
    std::rethrow_exception(exception);
  } catch (const std::exception& thrown) {
    return thrown.what();
  } catch (...) {
    return "an exception that is not a std::exception";
  }
#else
  (void)exception;
  return "an exception";
#endif
}

}  // namespace evkit::loop_internal
