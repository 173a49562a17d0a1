// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// One turn, exactly: how often the loop polls, how long it asks to sleep, when
// a timer is due, what a failing selector does. What every loop does is in
// loop/testing/loop_conformance.h.

#include <algorithm>
#include <cerrno>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "evkit/base/errno_status.h"
#include "evkit/base/fault_injection.h"
#include "evkit/base/wakeup_fd.h"
#include "evkit/loop/default_event_loop.h"
#include "evkit/loop/fatal_exception.h"
#include "evkit/loop/testing/test_loop.h"
#include "evkit/policy/running_loop.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr int kInventedFd = 20'000;
constexpr absl::Duration kForever = absl::InfiniteDuration();

class EventLoopTurnTest : public ::testing::Test {
 protected:
  EventLoopTurnTest() {
    test_.selector().SetSleepHook([this](absl::Duration timeout) {
      sleeps_.push_back(timeout);
      if (timeout == kForever) return test_->Stop();
      test_.clock().AdvanceBy(timeout);
    });
  }

  // Runs until there is nothing left to wait for.
  void Run() { EXPECT_TRUE(test_->RunForever().ok()); }

  void RunOneTurn() {
    test_->Stop();
    Run();
  }

  void WatchADescriptor() {
    ASSERT_TRUE(test_->AddReader(kInventedFd, Log("io")).ok());
  }

  std::function<void()> Log(std::string word) {
    return [this, word] { trace_.push_back(word); };
  }

  TestLoop test_;
  std::vector<absl::Duration> sleeps_;
  std::vector<std::string> trace_;
};

// TURN-05
// RUN-08
TEST_F(EventLoopTurnTest, PollsWithoutWaitingIfSomethingIsReadyOrItIsStopping) {
  WatchADescriptor();
  RunOneTurn();
  EXPECT_EQ(test_.selector().select_count(), 1);
  EXPECT_EQ(test_.selector().last_timeout(), absl::ZeroDuration());

  test_->CallSoon([this] { test_->Stop(); });
  Run();
  EXPECT_EQ(test_.selector().select_count(), 2);
  EXPECT_EQ(test_.selector().last_timeout(), absl::ZeroDuration());
  EXPECT_THAT(sleeps_, IsEmpty());
}

// TURN-04
TEST_F(EventLoopTurnTest, bug_D3_PollsOnceBetweenTwoBatches) {
  WatchADescriptor();
  int left = 10;
  std::function<void()> next = [&] {
    if (--left > 0) test_->CallSoon(next);
  };
  test_->CallSoon(next);
  Run();
  // Ten turns with a callback each, and the one that sleeps.
  EXPECT_EQ(test_.selector().select_count(), 11);
}

// Nobody could see the difference.
TEST_F(EventLoopTurnTest, DoesNotPollIfThereIsNeitherAWaitNorADescriptor) {
  int left = 10;
  std::function<void()> next = [&] {
    if (--left > 0) test_->CallSoon(next);
    if (left == 5) {
      EXPECT_TRUE(test_->CallSoonThreadsafe(Log("posted")).ok());
    }
    if (left == 3) test_->CallLater(absl::ZeroDuration(), Log("timer"));
  };
  test_->CallSoon(next);
  Run();
  EXPECT_THAT(trace_, ElementsAre("posted", "timer"));
  EXPECT_EQ(test_.selector().select_count(), 1);
  EXPECT_THAT(sleeps_, ElementsAre(kForever));
}

// TURN-06
TEST_F(EventLoopTurnTest, SleepsUntilTheFirstDeadlineElseForEver) {
  test_->CallLater(absl::Seconds(5), Log("5"));
  test_->CallLater(absl::Seconds(3) + absl::Nanoseconds(7), Log("3"));
  Run();
  EXPECT_THAT(sleeps_,
              ElementsAre(absl::Seconds(3) + absl::Nanoseconds(7),
                          absl::Seconds(2) - absl::Nanoseconds(7), kForever));
  EXPECT_THAT(trace_, ElementsAre("3", "5"));
}

// TURN-06
// TURN-07
TEST_F(EventLoopTurnTest, SleepsADayAtMostAndThenMakesAnEmptyTurn) {
  test_->CallLater(absl::Hours(30), Log("30"));
  Run();
  EXPECT_THAT(sleeps_, ElementsAre(absl::Hours(24), absl::Hours(6), kForever));
  EXPECT_THAT(trace_, ElementsAre("30"));
}

// TURN-08
TEST_F(EventLoopTurnTest, CancelledTimersDoNotShortenTheSleep) {
  TimerHandle first = test_->CallLater(absl::Seconds(1), Log("first"));
  test_->CallLater(absl::Seconds(5), Log("second"));
  TimerHandle third = test_->CallLater(absl::Seconds(7), Log("third"));
  first.Cancel();
  third.Cancel();
  Run();
  EXPECT_THAT(sleeps_, ElementsAre(absl::Seconds(5), kForever));
  EXPECT_THAT(trace_, ElementsAre("second"));
}

// Where asyncio sweeps them out now and then, they leave at once.
// TURN-09
// TURN-10
TEST_F(EventLoopTurnTest, NothingIsLeftOfManyCancelledTimers) {
  const auto held = std::make_shared<int>();
  std::vector<TimerHandle> timers;
  for (int i = 0; i < 1000; ++i) {
    timers.push_back(test_->CallLater(absl::Milliseconds(i), [held] {}));
  }
  for (TimerHandle& timer : timers) timer.Cancel();
  EXPECT_EQ(held.use_count(), 1);
  Run();
  EXPECT_THAT(sleeps_, ElementsAre(kForever));
}

// TURN-11
TEST_F(EventLoopTurnTest, ATimerIsDueAtItsDeadlineAndNotANanosecondBefore) {
  const TimerHandle timer = test_->CallLater(absl::Seconds(1), Log("due"));
  test_.clock().SetTo(timer.when() - absl::Nanoseconds(1));
  RunOneTurn();
  EXPECT_THAT(trace_, IsEmpty());
  test_.clock().SetTo(timer.when());
  RunOneTurn();
  EXPECT_THAT(trace_, ElementsAre("due"));
}

// TURN-11
TEST_F(EventLoopTurnTest, TheTimeIsReadAfterThePoll) {
  WatchADescriptor();
  test_->CallLater(absl::Seconds(1), Log("timer"));
  test_.selector().SetSleepHook([this](absl::Duration) {
    test_.selector().SetReady(kInventedFd, Interest::kRead);
    test_.clock().AdvanceBy(absl::Seconds(2));
    test_->Stop();
  });
  Run();
  EXPECT_THAT(trace_, ElementsAre("io", "timer"));
}

// TURN-12
TEST_F(EventLoopTurnTest, ATimerThatBecomesDueDuringATurnIsForTheNext) {
  test_->CallLater(absl::Milliseconds(1), [this] {
    trace_.push_back("1");
    test_.clock().AdvanceBy(absl::Milliseconds(5));
    test_->CallSoon(Log("soon"));
  });
  test_->CallLater(absl::Milliseconds(2), Log("2"));
  Run();
  EXPECT_THAT(trace_, ElementsAre("1", "soon", "2"));
}

// TURN-15
TEST_F(EventLoopTurnTest, DescriptorsAreServedInTheOrderOfTheSelector) {
  test_.selector().SetEventOrder([](std::vector<ReadyEvent>& events) {
    std::reverse(events.begin(), events.end());
  });
  for (int i = 0; i < 3; ++i) {
    const int fd = kInventedFd + i;
    ASSERT_TRUE(test_->AddReader(fd, Log(std::to_string(i))).ok());
    test_.selector().SetReady(fd, Interest::kRead);
  }
  RunOneTurn();
  EXPECT_THAT(trace_, ElementsAre("2", "1", "0"));
}

// TURN-17
TEST_F(EventLoopTurnTest, AReaderIsQueuedOnceForATurn) {
  WatchADescriptor();
  test_.selector().SetReady(kInventedFd, Interest::kReadWrite);
  RunOneTurn();
  EXPECT_THAT(trace_, ElementsAre("io"));
}

#if defined(__cpp_exceptions)
class Interrupt : public FatalException {};

// RUN-20
TEST_F(EventLoopTurnTest, WhatAFatalExceptionLeftQueuedIsNotQueuedTwice) {
  WatchADescriptor();
  test_.selector().SetReady(kInventedFd, Interest::kRead);
  test_->CallSoon([] { throw Interrupt(); });
  test_->CallLater(absl::ZeroDuration(), Log("timer"));
  test_->Stop();
  EXPECT_THROW((void)test_->RunForever(), Interrupt);
  EXPECT_THAT(trace_, IsEmpty());
  // The descriptor is still queued from the first poll.
  RunOneTurn();
  EXPECT_THAT(trace_, ElementsAre("io", "timer"));
}

// RUN-24
TEST_F(EventLoopTurnTest, WhatAFatalExceptionLeftQueuedCanBeClosed) {
  const auto held = std::make_shared<int>();
  test_->CallSoon([held] { throw Interrupt(); });
  test_->CallSoon([held] {});
  test_->CallLater(absl::ZeroDuration(), [held] {});
  EXPECT_THROW((void)test_->RunForever(), Interrupt);
  EXPECT_EQ(held.use_count(), 3);
  EXPECT_TRUE(test_->Close().ok());
  EXPECT_EQ(held.use_count(), 1);
}
#endif

// SOON-09
TEST_F(EventLoopTurnTest, APostFromTheLoopsOwnThreadWakesNobody) {
  FaultInjection faults;
  test_->CallSoon(
      [this] { EXPECT_TRUE(test_->CallSoonThreadsafe(Log("posted")).ok()); });
  Run();
  EXPECT_THAT(trace_, ElementsAre("posted"));
  EXPECT_EQ(faults.Count("write"), 0);
  EXPECT_THAT(sleeps_, ElementsAre(kForever));
}

// TURN-20
TEST_F(EventLoopTurnTest, AWakeupDescriptorThatCannotBeReadEndsTheRun) {
  FaultInjection faults;
  faults.Fail("read@wakeup_fd.cc", EIO, /*nth=*/1);
  test_.selector().SetSleepHook([this](absl::Duration) {
    EXPECT_TRUE(test_->CallSoonThreadsafe([this] { test_->Stop(); }).ok());
  });
  EXPECT_EQ(ErrnoFromStatus(test_->RunForever()), EIO);
  Run();
}

class FailingSelectorTest : public ::testing::Test {
 protected:
  // Fails if, and only if, the loop would sleep.
  absl::Status RunFailing(const char* call, int error) {
    faults_.Fail(call, error);
    const absl::Status status = loop_->RunForever();
    faults_.Clear();
    return status;
  }

  const std::unique_ptr<EventLoop> loop_ = *NewDefaultEventLoop();
  FaultInjection faults_;
};

// TURN-20
// RUN-10
TEST_F(FailingSelectorTest, AnErrorOfTheSelectorEndsTheRunAndLosesNothing) {
  WakeupFd wakeup = *WakeupFd::Create();
  bool soon = false;
  ASSERT_TRUE(loop_->AddReader(wakeup.fd(), [] {}).ok());
  loop_->CallSoon([&] { soon = true; });
  EXPECT_EQ(ErrnoFromStatus(RunFailing("epoll_wait", EBADF)), EBADF);
  EXPECT_FALSE(soon);
  EXPECT_FALSE(loop_->IsRunning());
  EXPECT_EQ(GetRunningLoopOrNull(), nullptr);

  loop_->CallSoon([this] { loop_->Stop(); });
  EXPECT_TRUE(loop_->RunForever().ok());
  EXPECT_TRUE(soon);
}

// TURN-22
TEST_F(FailingSelectorTest, bug_B4_AShortTimerTakesOneSleepAndAtMostOneMore) {
  const TimerHandle timer =
      loop_->CallLater(absl::Microseconds(400), [this] { loop_->Stop(); });
  EXPECT_TRUE(loop_->RunForever().ok());
  EXPECT_GE(loop_->Time(), timer.when());
  EXPECT_LE(faults_.Count("epoll_wait") + faults_.Count("epoll_pwait2"), 2);
}

}  // namespace
}  // namespace evkit
