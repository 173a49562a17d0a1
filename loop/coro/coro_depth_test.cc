// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Neither many awaits nor deep chains use up the machine's stack.

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/loop/coro/or_return.h"
#include "evkit/loop/coro/run_until_complete.h"
#include "evkit/loop/coro/sleep.h"
#include "evkit/loop/coro/task.h"
#include "evkit/loop/testing/test_loop.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

Coro<int> One() { co_return 1; }

Coro<int64_t> ManyAwaits(int64_t count) {
  int64_t sum = 0;
  for (int64_t i = 0; i < count; ++i) sum += co_await OrReturn(One());
  co_return sum;
}

Coro<int64_t> ManyPlainAwaits(int64_t count) {
  int64_t sum = 0;
  for (int64_t i = 0; i < count; ++i) {
    const absl::StatusOr<int> one = co_await One();
    sum += *one;
  }
  co_return sum;
}

TEST(CoroDepthTest, bug_J10_FiveMillionImmediateAwaitsDoNotGrowTheStack) {
  TestLoop test;
  EXPECT_EQ(*RunUntilComplete(test.loop(), ManyAwaits(5'000'000)), 5'000'000);
  EXPECT_EQ(*RunUntilComplete(test.loop(), ManyPlainAwaits(5'000'000)),
            5'000'000);
}

Coro<int64_t> Deep(int64_t depth, absl::Status last) {
  if (depth == 0) {
    co_await OrReturn(last);
    co_return 0;
  }
  const int64_t below = co_await OrReturn(Deep(depth - 1, last));
  co_return below + 1;
}

Coro<int64_t> DeepPlain(int64_t depth) {
  if (depth == 0) {
    const absl::Status slept = co_await Sleep(absl::InfiniteDuration());
    co_return slept;
  }
  const absl::StatusOr<int64_t> below = co_await DeepPlain(depth - 1);
  co_return below;
}

TEST(CoroDepthTest, bug_J10_AChainAMillionDeepDoesNotGrowTheStack) {
  TestLoop test;
  EXPECT_EQ(*RunUntilComplete(test.loop(), Deep(1'000'000, absl::OkStatus())),
            1'000'000);
  EXPECT_EQ(RunUntilComplete(test.loop(),
                             Deep(1'000'000, absl::DataLossError("deep")))
                .status(),
            absl::DataLossError("deep"));
}

TEST(CoroDepthTest,
     bug_J11_ASuspendedChainAMillionDeepIsDestroyedWithoutRecursion) {
  TestLoop test;
  Task<int64_t> task = CreateTask(test.loop(), DeepPlain(1'000'000));
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_FALSE(task.done());
  ASSERT_TRUE(test->Close().ok());
  EXPECT_TRUE(task.cancelled());
}

TEST(CoroDepthTest,
     bug_J11_ASuspendedChainAMillionDeepIsCancelledWithoutRecursion) {
  TestLoop test;
  Task<int64_t> task = CreateTask(test.loop(), DeepPlain(1'000'000));
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_TRUE(task.Cancel("enough"));
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_TRUE(task.cancelled());
  EXPECT_EQ(task.Error(), absl::CancelledError("enough"));
}

}  // namespace
}  // namespace evkit
