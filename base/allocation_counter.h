// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Counts what a test allocates. Linking it replaces the program's operator new;
// under sanitizers, which have one of their own, it counts nothing.
//
//   if (!CountsAllocations()) GTEST_SKIP();
//   const int64_t before = AllocationCount();

#ifndef EVKIT_BASE_ALLOCATION_COUNTER_H_
#define EVKIT_BASE_ALLOCATION_COUNTER_H_

#include <cstdint>

namespace evkit {

// Whether anything is counted in this build.
bool CountsAllocations();

// How often operator new was called on this thread.
int64_t AllocationCount();

}  // namespace evkit

#endif  // EVKIT_BASE_ALLOCATION_COUNTER_H_
