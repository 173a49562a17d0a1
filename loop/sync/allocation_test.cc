// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// What need not wait allocates nothing, and neither does waiting itself: frames
// are recycled, places in lists are in the frames. Counted with an operator new
// of our own; sanitizers have one of theirs, under which the tests are skipped.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <new>

#include "absl/status/status.h"
#include "absl/time/time.h"
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
int64_t allocations = 0;
}  // namespace

#if EVKIT_COUNTS_ALLOCATIONS
void* operator new(size_t size) {
  ++allocations;
  void* const memory = std::malloc(size);
  if (memory == nullptr) std::abort();
  return memory;
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
#endif

namespace evkit {
namespace {

class AllocationTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!EVKIT_COUNTS_ALLOCATIONS) GTEST_SKIP();
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
    if (i == 100) before = allocations;
    co_await OrReturn(UseAll(use));
  }
  co_return allocations - before;
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
    if (i == 100) before = allocations;
    co_await OrReturn(use.queue.Put(i));
  }
  co_return allocations - before;
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
