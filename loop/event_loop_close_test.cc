// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Closing a real loop: what it frees, when it may be closed, and how many can
// be made.

#include <dirent.h>

#include <functional>
#include <memory>
#include <thread>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "evkit/base/wakeup_fd.h"
#include "evkit/loop/default_event_loop.h"
#include "evkit/loop/loop_local.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

int CountOpenDescriptors() {
  DIR* const directory = opendir("/proc/self/fd");
  EXPECT_NE(directory, nullptr);
  int count = -3;  // ".", "..", and the directory itself.
  while (readdir(directory) != nullptr) ++count;
  closedir(directory);
  return count;
}

struct Attached {
  std::shared_ptr<int> held;
};
const LoopLocal<Attached> attached;

class EventLoopCloseTest : public ::testing::Test {
 protected:
  // Everything that a loop can have pending.
  void MakeWorkPending(EventLoop& loop) {
    loop.CallSoon(Counted());
    loop.CallLater(absl::ZeroDuration(), Counted());
    loop.CallLater(absl::Hours(1), Counted());
    loop.CallLater(absl::InfiniteDuration(), Counted());
    EXPECT_TRUE(loop.CallSoonThreadsafe(Counted()).ok());
    EXPECT_TRUE(loop.AddReader(wakeup_.fd(), Counted()).ok());
    EXPECT_TRUE(loop.AddWriter(wakeup_.fd(), Counted()).ok());
    attached.Get(loop).held = held_;
  }
  std::function<void()> Counted() {
    return [held = held_, this] { ++calls_; };
  }

  WakeupFd wakeup_ = *WakeupFd::Create();
  const std::shared_ptr<int> held_ = std::make_shared<int>();
  int calls_ = 0;
};

// RUN-24
TEST_F(EventLoopCloseTest, bug_L1_CloseDestroysEachPendingThingOnce) {
  const int before = CountOpenDescriptors();
  std::unique_ptr<EventLoop> loop = *NewDefaultEventLoop();
  MakeWorkPending(*loop);
  EXPECT_EQ(held_.use_count(), 9);
  EXPECT_TRUE(loop->Close().ok());
  EXPECT_EQ(held_.use_count(), 1);
  EXPECT_EQ(CountOpenDescriptors(), before);
  EXPECT_FALSE(loop->RunForever().ok());
  loop.reset();
  EXPECT_EQ(CountOpenDescriptors(), before);
  EXPECT_EQ(calls_, 0);
}

TEST_F(EventLoopCloseTest, bug_L1_DestroyingAnOpenLoopClosesIt) {
  const int before = CountOpenDescriptors();
  {
    const std::unique_ptr<EventLoop> loop = *NewDefaultEventLoop();
    MakeWorkPending(*loop);
  }
  EXPECT_EQ(held_.use_count(), 1);
  EXPECT_EQ(CountOpenDescriptors(), before);
  EXPECT_EQ(calls_, 0);
}

// What waits in the queues after a run that was stopped early.
TEST_F(EventLoopCloseTest, bug_L1_CloseAfterARunThatLeftWorkBehind) {
  const std::unique_ptr<EventLoop> loop = *NewDefaultEventLoop();
  Handle handle;
  loop->CallSoon([&] {
    handle = loop->CallSoon(Counted());
    EXPECT_TRUE(loop->CallSoonThreadsafe(Counted()).ok());
    loop->CallLater(absl::ZeroDuration(), Counted());
    loop->Stop();
  });
  EXPECT_TRUE(loop->RunForever().ok());
  EXPECT_EQ(held_.use_count(), 4);
  EXPECT_TRUE(loop->Close().ok());
  EXPECT_EQ(held_.use_count(), 1);
}

// RUN-22
// RUN-23
TEST_F(EventLoopCloseTest, bug_L2_ClosingTwiceIsFineAndFromACallbackIsNot) {
  const std::unique_ptr<EventLoop> loop = *NewDefaultEventLoop();
  loop->CallSoon([&] {
    EXPECT_EQ(loop->Close().code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_EQ(loop->Close().code(), absl::StatusCode::kFailedPrecondition);
    MakeWorkPending(*loop);
    loop->Stop();
  });
  EXPECT_TRUE(loop->RunForever().ok());
  EXPECT_TRUE(loop->Close().ok());
  EXPECT_TRUE(loop->Close().ok());
  EXPECT_EQ(held_.use_count(), 1);
}

TEST_F(EventLoopCloseTest, bug_L2_AnotherThreadMayCloseALoopThatIsNotRunning) {
  const std::unique_ptr<EventLoop> loop = *NewDefaultEventLoop();
  MakeWorkPending(*loop);
  std::thread([&] { EXPECT_TRUE(loop->Close().ok()); }).join();
  EXPECT_TRUE(loop->IsClosed());
  EXPECT_EQ(held_.use_count(), 1);
}

using EventLoopCloseDeathTest = EventLoopCloseTest;

TEST_F(EventLoopCloseDeathTest, DestroyingARunningLoopIsABug) {
  EXPECT_DEATH(
      {
        std::unique_ptr<EventLoop> loop = *NewDefaultEventLoop();
        loop->CallSoon([&] { loop.reset(); });
        (void)loop->RunForever();
      },
      "while it was running");
}

// RUN-24
TEST_F(EventLoopCloseTest, bug_N3_AThousandLoopsLeaveNoDescriptor) {
  const int before = CountOpenDescriptors();
  for (int i = 0; i < 1000; ++i) {
    const std::unique_ptr<EventLoop> loop = *NewDefaultEventLoop();
    MakeWorkPending(*loop);
    if (i % 2 == 0) {
      loop->Stop();
      EXPECT_TRUE(loop->RunForever().ok());
    }
    if (i % 3 == 0) {
      EXPECT_TRUE(loop->Close().ok());
    }
  }
  EXPECT_EQ(CountOpenDescriptors(), before);
  EXPECT_EQ(held_.use_count(), 1);
}

// LOOP-21
TEST_F(EventLoopCloseTest, ALoopThatNeverRanFreesItsDescriptorsToo) {
  const int before = CountOpenDescriptors();
  {
    const std::unique_ptr<EventLoop> loop = *NewDefaultEventLoop();
    EXPECT_GT(CountOpenDescriptors(), before);
  }
  EXPECT_EQ(CountOpenDescriptors(), before);
}

}  // namespace
}  // namespace evkit
