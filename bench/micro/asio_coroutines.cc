// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// The same as in //loop/coro:coro_benchmark, where more cases are.

#include <chrono>
#include <cstdint>
#include <vector>

#include "evkit/bench/coroutine_sizes.h"
#include "evkit/bench/micro/asio_cases.h"
#include "evkit/bench/micro/micro.h"

#if defined(__cpp_exceptions)
#include "asio.hpp"
#endif

namespace evkit {

#if defined(ASIO_HAS_CO_AWAIT)

namespace {

constexpr auto kUse = asio::use_awaitable;
template <typename T>
using Awaitable = asio::awaitable<T>;

Awaitable<int64_t> One(int64_t n) { co_return n; }
Awaitable<void> Spawn(asio::io_context& context) {
  for (int64_t i = 0; i < kSpawns; ++i) {
    asio::co_spawn(context, One(i), asio::detached);
    if (i % kSpawnsAtOnce == 0) co_await asio::post(context, kUse);
  }
}

Awaitable<int64_t> Chain(int64_t depth) {
  if (depth == 0) co_return 0;
  co_return (co_await Chain(depth - 1)) + 1;
}
Awaitable<void> Chains(asio::io_context&) {
  int64_t sum = 0;
  for (int64_t i = 0; i < kChains; ++i) sum += co_await Chain(kDepth);
  Keep(sum);
}

Awaitable<void> Yields(asio::io_context& context) {
  for (int64_t i = 0; i < kYields; ++i) co_await asio::post(context, kUse);
}
Awaitable<void> Yield(asio::io_context& context) {
  for (int64_t i = 0; i < kYielding; ++i) {
    asio::co_spawn(context, Yields(context), asio::detached);
  }
  co_return;
}

Awaitable<void> Sleeps(asio::io_context& context) {
  asio::steady_timer timer(context);
  for (int64_t i = 0; i < kSleeps; ++i) {
    timer.expires_after(kNap);
    co_await timer.async_wait(kUse);
  }
}
Awaitable<void> SleepMany(asio::io_context& context) {
  for (int64_t i = 0; i < kSleepers; ++i) {
    asio::co_spawn(context, Sleeps(context), asio::detached);
  }
  co_return;
}

Case CaseOf(const char* name, int64_t count,
            Awaitable<void> (*main)(asio::io_context&)) {
  return Case(name, [count, main](Meter& meter) {
    asio::io_context context(1);
    meter.Run(count, [&] {
      asio::co_spawn(context, main(context), asio::detached);
      context.run();
      context.restart();
    });
  });
}

}  // namespace

std::vector<Case> AsioCoroutineCases() {
  return {
      CaseOf("coro_spawn", kSpawns, Spawn),
      CaseOf("coro_chain", kChains * kDepth, Chains),
      CaseOf("coro_yield", kYielding * kYields, Yield),
      CaseOf("coro_sleep", kSleepers * kSleeps, SleepMany),
  };
}

#else

std::vector<Case> AsioCoroutineCases() { return {}; }

#endif  // defined(ASIO_HAS_CO_AWAIT)

}  // namespace evkit
