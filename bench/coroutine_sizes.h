// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// How much each case with coroutines does, in every program that has it.

#ifndef EVKIT_BENCH_COROUTINE_SIZES_H_
#define EVKIT_BENCH_COROUTINE_SIZES_H_

#include <chrono>
#include <cstdint>

namespace evkit {

inline constexpr int64_t kSpawns = 10'000;
inline constexpr int64_t kSpawnsAtOnce = 100;
inline constexpr int64_t kDepth = 100;
inline constexpr int64_t kChains = 100;
inline constexpr int64_t kYielding = 100;
inline constexpr int64_t kYields = 100;
inline constexpr int64_t kTurns = 10'000;
inline constexpr int64_t kSleepers = 1'000;
inline constexpr int64_t kSleeps = 20;
inline constexpr auto kNap = std::chrono::microseconds(1);
inline constexpr int64_t kMessages = 10'000;
inline constexpr int64_t kGathered = 10'000;
inline constexpr int64_t kCancelledTasks = 10'000;

}  // namespace evkit

#endif  // EVKIT_BENCH_COROUTINE_SIZES_H_
