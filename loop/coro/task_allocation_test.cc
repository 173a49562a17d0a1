// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// A task is one allocation beside the frames of its coroutines, and both are
// recycled: a program that has warmed up allocates for neither.

#include <cstdint>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "evkit/base/allocation_counter.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/loop/coro/future.h"
#include "evkit/loop/coro/or_return.h"
#include "evkit/loop/coro/run_until_complete.h"
#include "evkit/loop/coro/sleep.h"
#include "evkit/loop/coro/task.h"
#include "evkit/loop/testing/test_loop.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

class TaskAllocationTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!CountsAllocations()) GTEST_SKIP();
  }

  TestLoop test_;
};

Coro<int> One() { co_return 1; }

// As large as no other frame, so that none of its size has been recycled.
Coro<int> Large() {
  char bytes[1000] = {};
  co_await OrReturn(Sleep(absl::ZeroDuration()));
  co_return static_cast<int>(bytes[999]);
}

TEST_F(TaskAllocationTest, ANewTaskIsOneAllocationBesideItsFrame) {
  ASSERT_TRUE(RunUntilComplete(test_.loop(), One()).ok());
  std::vector<Task<int>> tasks;
  tasks.reserve(100);
  int64_t before = AllocationCount();
  std::vector<Coro<int>> frames;
  frames.reserve(100);
  for (int i = 0; i < 100; ++i) frames.push_back(Large());
  EXPECT_EQ(AllocationCount() - before, 101);
  before = AllocationCount();
  for (Coro<int>& frame : frames) {
    tasks.push_back(CreateTask(test_.loop(), std::move(frame)));
  }
  EXPECT_LE(AllocationCount() - before, 100);
  ASSERT_TRUE(test_.RunUntilIdle().ok());
}

Coro<void> Work(Future<void> ready) {
  co_await OrReturn(Sleep(absl::ZeroDuration()));
  co_await OrReturn(One());
  co_await OrReturn(ready);
  co_await OrReturn(Sleep(absl::Milliseconds(1)));
  co_return absl::OkStatus();
}

Coro<int64_t> AllocationsOfManyTasks() {
  int64_t before = 0;
  for (int i = 0; i < 1000; ++i) {
    if (i == 100) before = AllocationCount();
    const auto ready = CreateFuture<void>(*CurrentTask().loop());
    const Task<void> task = CreateTask(Work(ready));
    co_await OrReturn(Sleep(absl::ZeroDuration()));
    co_await OrReturn(ready.SetResult());
    co_await OrReturn(task);
  }
  co_return AllocationCount() - before;
}

TEST_F(TaskAllocationTest, TasksThatComeAndGoAllocateNothing) {
  EXPECT_EQ(*RunUntilComplete(test_.loop(), AllocationsOfManyTasks()), 0);
}

}  // namespace
}  // namespace evkit
