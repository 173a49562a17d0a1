// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// How an object finds out that it was inherited through fork(2) and now lives
// in another process than the one it was made in.

#ifndef EVKIT_BASE_FORK_GENERATION_H_
#define EVKIT_BASE_FORK_GENERATION_H_

#include <cstdint>

namespace evkit {

// A number that is larger in a forked child than in its parent, and otherwise
// stays as it is: keep it at construction, compare it later. Counts libc's
// fork(), from the first call of this function on; not vfork(), nor a bare
// clone(2). A few instructions, no system call. Thread-safe.
uint32_t ForkGeneration();

}  // namespace evkit

#endif  // EVKIT_BASE_FORK_GENERATION_H_
