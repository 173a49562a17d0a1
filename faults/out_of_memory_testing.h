// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Makes memory run out in a test. Linking it replaces the program's operator
// new, under sanitizers too.
//
//   EXPECT_TRUE(EveryAllocationFails([](OutOfMemory& out_of_memory) {
//     const auto loop = NewDefaultEventLoop();
//     out_of_memory.During([&] { (*loop)->CallSoon([] {}); });
//     Require((*loop)->Close().ok(), "the loop can be closed");
//   }));

#ifndef EVKIT_FAULTS_OUT_OF_MEMORY_TESTING_H_
#define EVKIT_FAULTS_OUT_OF_MEMORY_TESTING_H_

#include <cstdint>

#include "absl/functional/function_ref.h"
#include "gtest/gtest.h"

namespace evkit {

// Fails one allocation.
class OutOfMemory {
 public:
  // Fails the `n`-th, from 1.
  explicit OutOfMemory(int64_t n) : n_(n) {}
  OutOfMemory(const OutOfMemory&) = delete;
  OutOfMemory& operator=(const OutOfMemory&) = delete;

  // Calls `body`, in which the n-th allocation, on whichever thread, fails with
  // std::bad_alloc. Whether it ended without that exception. Once.
  bool During(absl::FunctionRef<void()> body);

 private:
  const int64_t n_;
};

// Calls `scenario` for n = 1, 2, ... until its During() makes fewer than n
// allocations, each time in a child process. Each must end in one of two ways:
//   - `scenario` returns, and leaves nothing allocated (under AddressSanitizer)
//     and no descriptor open that was not open before;
//   - the process is aborted, having said "out of memory" or "std::bad_alloc".
// `aborts` counts the second kind if it is not null. Prints what else happens.
testing::AssertionResult EveryAllocationFails(
    absl::FunctionRef<void(OutOfMemory&)> scenario, int* aborts = nullptr);

// For scenarios: ends the process as a failure if `condition` is false.
void Require(bool condition, const char* what);

}  // namespace evkit

#endif  // EVKIT_FAULTS_OUT_OF_MEMORY_TESTING_H_
