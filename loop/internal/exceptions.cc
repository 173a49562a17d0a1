// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/internal/exceptions.h"

namespace evkit::loop_internal {

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
