// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/base/allocation_counter.h"

#include <cstddef>
#include <cstdlib>
#include <new>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define EVKIT_COUNTS_ALLOCATIONS 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define EVKIT_COUNTS_ALLOCATIONS 0
#endif
#endif
#if !defined(EVKIT_COUNTS_ALLOCATIONS)
#define EVKIT_COUNTS_ALLOCATIONS 1
#endif

namespace {
constinit thread_local int64_t allocations = 0;
}  // namespace

#if EVKIT_COUNTS_ALLOCATIONS
void* operator new(size_t size) {
  ++allocations;
  void* const memory = std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) std::abort();
  return memory;
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
#endif

namespace evkit {

bool CountsAllocations() { return EVKIT_COUNTS_ALLOCATIONS != 0; }

int64_t AllocationCount() { return allocations; }

}  // namespace evkit
