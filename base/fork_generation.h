// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// How an object finds out that it was inherited through fork(2) and now lives
// in another process than the one it was made in.

#ifndef EVKIT_BASE_FORK_GENERATION_H_
#define EVKIT_BASE_FORK_GENERATION_H_

#include <atomic>
#include <cstdint>

namespace evkit {
namespace base_internal {

// Counted up in each forked child, once `ForkGeneration()` has been called.
extern constinit std::atomic<uint32_t> fork_generation;

}  // namespace base_internal

// A number that is larger in a forked child than in its parent, and otherwise
// stays as it is: keep it at construction, compare it later. Counts libc's
// fork(), from the first call of this function on; not vfork(), nor a bare
// clone(2). A few instructions, no system call. Thread-safe.
uint32_t ForkGeneration();

// Whether this process is a forked child of the one in which `ForkGeneration()`
// returned `generation`. One comparison: for what is asked all the time.
inline bool ForkedSince(uint32_t generation) {
  return base_internal::fork_generation.load(std::memory_order_relaxed) !=
         generation;
}

}  // namespace evkit

#endif  // EVKIT_BASE_FORK_GENERATION_H_
