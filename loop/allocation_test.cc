// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Once a loop has warmed up, scheduling callbacks of ordinary size allocates
// nothing. Counted with an operator new of our own; sanitizers have one of
// theirs, under which the tests are skipped.

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <memory>
#include <new>

#include "absl/time/time.h"
#include "evkit/base/wakeup_fd.h"
#include "evkit/loop/context.h"
#include "evkit/loop/default_event_loop.h"
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

  // How often `round` and the turn after it allocate, once they have been
  // through a few times.
  int64_t AllocationsOf(const std::function<void()>& round) {
    int64_t before = 0;
    for (int i = 0; i < 10; ++i) {
      if (i == 5) before = allocations;
      round();
      loop_->Stop();
      EXPECT_TRUE(loop_->RunForever().ok());
    }
    return allocations - before;
  }

  const std::unique_ptr<EventLoop> loop_ = *NewDefaultEventLoop();
  int64_t runs_ = 0;
};

TEST_F(AllocationTest, TheCounterCounts) {
  EXPECT_GT(AllocationsOf([] { delete new int; }), -1);
  const int64_t before = allocations;
  const auto held = std::make_shared<int>();
  EXPECT_EQ(allocations, before + 1);
}

TEST_F(AllocationTest, CallSoonAllocatesNothing) {
  const std::array<void*, 5> captured = {};
  EXPECT_EQ(AllocationsOf([&] {
              for (int i = 0; i < 1000; ++i) {
                loop_->CallSoon([this, captured] { ++runs_; });
              }
            }),
            0);
  EXPECT_EQ(runs_, 10'000);
}

TEST_F(AllocationTest, CallSoonWithContextVariablesAllocatesNothing) {
  static const ContextVar<int> number("number");
  number.Set(7);
  EXPECT_EQ(AllocationsOf([&] {
              for (int i = 0; i < 1000; ++i) {
                loop_->CallSoon([this] { runs_ += *number.Get(); });
              }
            }),
            0);
  EXPECT_EQ(runs_, 70'000);
}

TEST_F(AllocationTest, TimersAllocateNothing) {
  EXPECT_EQ(AllocationsOf([&] {
              for (int i = 0; i < 1000; ++i) {
                loop_->CallLater(absl::ZeroDuration(), [this] { ++runs_; });
              }
            }),
            0);
  EXPECT_EQ(runs_, 10'000);
}

TEST_F(AllocationTest, bug_C14_AMillionCancelledTimersAllocateNothing) {
  EXPECT_EQ(AllocationsOf([&] {
              for (int i = 0; i < 200'000; ++i) {
                loop_->CallLater(absl::Hours(1), [this] { ++runs_; }).Cancel();
              }
            }),
            0);
  EXPECT_EQ(runs_, 0);
}

TEST_F(AllocationTest, PostsAllocateNothing) {
  EXPECT_EQ(
      AllocationsOf([&] {
        for (int i = 0; i < 1000; ++i) {
          EXPECT_TRUE(loop_->CallSoonThreadsafe([this] { ++runs_; }).ok());
        }
      }),
      0);
  EXPECT_EQ(runs_, 10'000);
}

TEST_F(AllocationTest, CallingAReaderAllocatesNothing) {
  const WakeupFd wakeup = *WakeupFd::Create();
  EXPECT_EQ(wakeup.Wake(), 0);
  ASSERT_TRUE(loop_->AddReader(wakeup.fd(), [this] { ++runs_; }).ok());
  EXPECT_EQ(AllocationsOf([] {}), 0);
  EXPECT_EQ(runs_, 10);
}

}  // namespace
}  // namespace evkit
