// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/base/check.h"

#include <cstdio>
#include <cstdlib>

namespace evkit::base_internal {

void CheckFailed(const char* file, int line, const char* condition,
                 const char* message) {
  std::fprintf(stderr, "%s:%d: check failed: %s: %s\n", file, line, condition,
               message);
  std::abort();
}

}  // namespace evkit::base_internal
