// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// What need not wait allocates nothing, and neither does waiting itself: frames
// are recycled, places in lists are in the frames.

#include <cstdint>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "evkit/base/allocation_counter.h"
#include "evkit/loop/coro/or_return.h"
#include "evkit/loop/coro/run_until_complete.h"
#include "evkit/loop/coro/sleep.h"
#include "evkit/loop/coro/task.h"
#include "evkit/loop/sync/condition.h"
#include "evkit/loop/sync/event.h"
#include "evkit/loop/sync/lock.h"
#include "evkit/loop/sync/queue.h"
#include "evkit/loop/sync/semaphore.h"
#include "evkit/loop/testing/test_loop.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

class AllocationTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!CountsAllocations()) GTEST_SKIP();
  }
};

class Primitives {
 public:
  Primitives() : semaphore(1), queue(4) {}

  Lock lock;
  Semaphore semaphore;
  Condition condition;
  Event event;
  Queue<int> queue;
};

Coro<void> UseAll(Primitives& use) {
  {
    ScopedLock held = co_await OrReturn(use.lock.AcquireScoped());
    ScopedSlot slot = co_await OrReturn(use.semaphore.AcquireScoped());
    ScopedLock guard = co_await OrReturn(use.condition.AcquireScoped());
    co_await OrReturn(use.condition.NotifyAll());
  }
  for (int i = 0; i < 4; ++i) co_await OrReturn(use.queue.Put(i));
  for (int i = 0; i < 4; ++i) {
    co_await OrReturn(use.queue.Get());
    co_await OrReturn(use.queue.TaskDone());
  }
  co_await OrReturn(use.queue.Join());
  use.event.Set();
  co_await OrReturn(use.event.Wait());
  use.event.Clear();
  co_return absl::OkStatus();
}

Coro<int64_t> AllocationsWithoutWaiting(Primitives& use) {
  int64_t before = 0;
  for (int i = 0; i < 1000; ++i) {
    if (i == 100) before = AllocationCount();
    co_await OrReturn(UseAll(use));
  }
  co_return AllocationCount() - before;
}

TEST_F(AllocationTest, WhatNeedNotWaitAllocatesNothing) {
  TestLoop test;
  Primitives use;
  EXPECT_EQ(*RunUntilComplete(test.loop(), AllocationsWithoutWaiting(use)), 0);
}

Coro<void> Consume(Primitives& use) {
  for (;;) {
    co_await OrReturn(use.queue.Get());
    ScopedLock held = co_await OrReturn(use.lock.AcquireScoped());
    ScopedSlot slot = co_await OrReturn(use.semaphore.AcquireScoped());
    co_await OrReturn(Sleep(absl::ZeroDuration()));
  }
}

Coro<int64_t> AllocationsOfWaiting(Primitives& use) {
  int64_t before = 0;
  for (int i = 0; i < 1000; ++i) {
    // When the queue has been through all its memory.
    if (i == 500) before = AllocationCount();
    co_await OrReturn(use.queue.Put(i));
  }
  co_return AllocationCount() - before;
}

TEST_F(AllocationTest, WaitingAllocatesNothing) {
  TestLoop test;
  Primitives use;
  CreateTask(test.loop(), Consume(use));
  CreateTask(test.loop(), Consume(use));
  CreateTask(test.loop(), Consume(use));
  EXPECT_EQ(*RunUntilComplete(test.loop(), AllocationsOfWaiting(use)), 0);
}

}  // namespace
}  // namespace evkit
