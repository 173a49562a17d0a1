// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/base/fork_generation.h"

#include <pthread.h>

#include <atomic>

namespace evkit {
namespace base_internal {

constinit std::atomic<uint32_t> fork_generation{0};

}  // namespace base_internal

namespace {

void InForkedChild() {
  base_internal::fork_generation.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace

uint32_t ForkGeneration() {
  [[maybe_unused]] static const int registered =
      pthread_atfork(nullptr, nullptr, &InForkedChild);
  return base_internal::fork_generation.load(std::memory_order_relaxed);
}

}  // namespace evkit
