// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#ifndef EVKIT_BENCH_MICRO_ASIO_CASES_H_
#define EVKIT_BENCH_MICRO_ASIO_CASES_H_

#include <vector>

#include "evkit/bench/micro/micro.h"

namespace evkit {

// None where asio's coroutines do not compile: without exceptions, and with
// clang before 15 (asio 1.22).
std::vector<Case> AsioCoroutineCases();

}  // namespace evkit

#endif  // EVKIT_BENCH_MICRO_ASIO_CASES_H_
