// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Once a loop has warmed up, scheduling callbacks of ordinary size allocates
// nothing.

#include <array>
#include <cstdint>
#include <functional>
#include <memory>

#include "absl/time/time.h"
#include "evkit/base/allocation_counter.h"
#include "evkit/base/wakeup_fd.h"
#include "evkit/loop/context.h"
#include "evkit/loop/default_event_loop.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

class AllocationTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!CountsAllocations()) GTEST_SKIP();
  }

  // How often `round` and the turn after it allocate, once they have been
  // through a few times.
  int64_t AllocationsOf(const std::function<void()>& round) {
    int64_t before = 0;
    for (int i = 0; i < 10; ++i) {
      if (i == 5) before = AllocationCount();
      round();
      loop_->Stop();
      EXPECT_TRUE(loop_->RunForever().ok());
    }
    return AllocationCount() - before;
  }

  const std::unique_ptr<EventLoop> loop_ = *NewDefaultEventLoop();
  int64_t runs_ = 0;
};

TEST_F(AllocationTest, TheCounterCounts) {
  EXPECT_GT(AllocationsOf([] { delete new int; }), -1);
  const int64_t before = AllocationCount();
  const auto held = std::make_shared<int>();
  EXPECT_EQ(AllocationCount(), before + 1);
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
