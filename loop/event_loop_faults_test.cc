// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Loops whose system calls fail.

#include <unistd.h>

#include <cerrno>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "evkit/base/errno_status.h"
#include "evkit/base/fault_injection.h"
#include "evkit/loop/default_event_loop.h"
#include "evkit/loop/descriptor_testing.h"
#include "evkit/loop/event_loop.h"
#include "evkit/timers/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

class EpollFaultsTest : public ::testing::Test {
 protected:
  // That `fd` is not watched, and can be.
  void ExpectAddingWorks(const Pipe& pipe) {
    const int fd = pipe.read_fd();
    EXPECT_EQ(loop_.selector().size(), 1u) << "the loop's own";
    EXPECT_FALSE(loop_->RemoveReader(fd));
    EXPECT_FALSE(loop_->RemoveWriter(fd));
    int calls = 0;
    ASSERT_TRUE(loop_->AddReader(fd, [&] { ++calls; }).ok());
    loop_.RunTurns(1);
    EXPECT_EQ(calls, 0);
    ASSERT_TRUE(WriteByte(pipe.write_fd()));
    loop_.RunTurns(1);
    EXPECT_EQ(calls, 1);
    EXPECT_TRUE(loop_->RemoveReader(fd));
    ASSERT_TRUE(ReadByte(fd));
  }

  CountedLoop loop_{AllSelectorKinds().front()};
};

// FDW-07
TEST_F(EpollFaultsTest, bug_A7_FailedRegistrationLeavesNothingBehind) {
  const Pipe pipe = Pipe::MakeSocketPair();
  for (const int error : {ENOMEM, ENOSPC, EPERM, EEXIST, EBADF}) {
    auto owned = std::make_shared<int>();
    {
      FaultInjection faults;
      faults.Fail("epoll_ctl", error, 1);
      EXPECT_EQ(ErrnoFromStatus(loop_->AddReader(pipe.read_fd(), [owned] {})),
                error);
      faults.Fail("epoll_ctl", error, 1);
      EXPECT_EQ(ErrnoFromStatus(loop_->AddWriter(pipe.read_fd(), [owned] {})),
                error);
    }
    EXPECT_EQ(owned.use_count(), 1);
    ExpectAddingWorks(pipe);
  }
}

// The selector lets go of a descriptor that it cannot change, and so does the
// loop, in both directions.
TEST_F(EpollFaultsTest, bug_A7_FailedChangeLeavesNothingBehind) {
  const Pipe pipe = Pipe::MakeSocketPair();
  const int fd = pipe.read_fd();
  for (const int error : {ENOMEM, EPERM, EBADF}) {
    for (const bool in_place : {false, true}) {
      auto owned = std::make_shared<int>();
      ASSERT_TRUE(loop_->AddReader(fd, [owned] {}).ok());
      {
        FaultInjection faults;
        faults.Fail("epoll_ctl", error, 1);
        const absl::Status status = in_place ? loop_->AddReader(fd, [owned] {})
                                             : loop_->AddWriter(fd, [owned] {});
        EXPECT_EQ(ErrnoFromStatus(status), error);
      }
      EXPECT_EQ(owned.use_count(), 1);
      ExpectAddingWorks(pipe);
    }
  }
}

TEST_F(EpollFaultsTest, bug_A7_NumberThatIsNewAndCannotBeWatchedEither) {
  const Pipe pipe = Pipe::MakeSocketPair();
  const int fd = pipe.read_fd();
  auto owned = std::make_shared<int>();
  ASSERT_TRUE(loop_->AddReader(fd, [owned] {}).ok());
  {
    FaultInjection faults;
    faults.Fail("epoll_ctl", ENOENT, 1);  // MOD: another file by now.
    faults.Fail("epoll_ctl", ENOSPC, 3);  // After DEL, ADD.
    EXPECT_EQ(ErrnoFromStatus(loop_->AddWriter(fd, [owned] {})), ENOSPC);
  }
  EXPECT_EQ(owned.use_count(), 1);
  ExpectAddingWorks(pipe);
}

TEST_F(EpollFaultsTest, FailureToWatchTheChildWatcherIsReturnedAndNotKept) {
  const auto loop = NewDefaultEventLoop();
  ASSERT_TRUE(loop.ok());
  const auto ignore = [](pid_t, ExitStatus) {};
  {
    FaultInjection faults;
    faults.Fail("epoll_ctl@epoll_selector.cc", ENOSPC, 1);
    EXPECT_EQ(
        ErrnoFromStatus((*loop)->WatchSpawnedChild(::getpid(), -1, ignore)),
        ENOSPC);
  }
  EXPECT_FALSE((*loop)->UnwatchChild(::getpid()));
  EXPECT_TRUE((*loop)->WatchSpawnedChild(::getpid(), -1, ignore).ok());
  EXPECT_TRUE((*loop)->UnwatchChild(::getpid()));
}

// TURN-20
TEST_F(EpollFaultsTest, ErrorOfTheWaitEndsTheRunAndTheLoopMayRunAgain) {
  bool ran = false;
  const Pipe pipe = Pipe::Make();
  ASSERT_TRUE(loop_->AddReader(pipe.read_fd(), [] {}).ok());
  loop_->CallSoon([&] { ran = true; });
  {
    FaultInjection faults;
    faults.Fail("epoll_wait", EINVAL);
    EXPECT_EQ(ErrnoFromStatus(loop_->RunForever()), EINVAL);
    EXPECT_FALSE(loop_->IsRunning());
    EXPECT_FALSE(ran);
  }
  loop_.RunTurns(1);
  EXPECT_TRUE(ran);
}

class InterruptedWaitsTest : public ::testing::TestWithParam<SelectorKind> {
 protected:
  static constexpr int kTimes = 200;

  // Each wait is interrupted so many times before it waits at all.
  void InterruptEveryWait(FaultInjection& faults) {
    for (const char* call :
         {"epoll_pwait2", "epoll_wait", "ppoll", "pselect"}) {
      faults.Fail(call, EINTR, 1, kTimes);
    }
  }

  CountedLoop loop_{GetParam()};
};

INSTANTIATE_TEST_SUITE_P(EverySelector, InterruptedWaitsTest,
                         ::testing::ValuesIn(AllSelectorKinds()),
                         [](const auto& tested) {
                           return std::string(tested.param.name);
                         });

TEST_P(InterruptedWaitsTest, bug_B5_StormOfSignalsMakesNoTimerEarly) {
  // With a fraction of a millisecond, for which epoll_pwait2 is there.
  for (const absl::Duration delay :
       {absl::Microseconds(5100), absl::Milliseconds(5)}) {
    FaultInjection faults;
    InterruptEveryWait(faults);
    const MonotonicTime start = Clock::Real().Now();
    const int before = loop_.selector().select_count();
    loop_->CallLater(delay, [this] { loop_->Stop(); });
    EXPECT_TRUE(loop_->RunForever().ok());
    EXPECT_GE(Clock::Real().Now() - start, delay);
    EXPECT_LE(loop_.selector().select_count() - before, 2);
  }
}

TEST_P(InterruptedWaitsTest, bug_B5_StormOfSignalsLosesNoEvent) {
  const Pipe pipe = Pipe::Make();
  ASSERT_TRUE(loop_->AddReader(pipe.read_fd(), [this] { loop_->Stop(); }).ok());
  ASSERT_TRUE(WriteByte(pipe.write_fd()));
  FaultInjection faults;
  InterruptEveryWait(faults);
  EXPECT_TRUE(loop_->RunForever().ok());
}

// A kernel, or a sandbox, without it.
TEST(OldKernelTest, bug_B4_WithoutNanosecondWaitsTimersAreLateNotEarly) {
  for (const int error : {ENOSYS, EPERM}) {
    CountedLoop loop(AllSelectorKinds().front());
    FaultInjection faults;
    faults.Fail("epoll_pwait2", error);
    const MonotonicTime start = Clock::Real().Now();
    loop->CallLater(absl::Nanoseconds(1'000'100), [&] { loop->Stop(); });
    EXPECT_TRUE(loop->RunForever().ok());
    EXPECT_GE(Clock::Real().Now() - start, absl::Nanoseconds(1'000'100));
    EXPECT_LE(loop.selector().select_count(), 2);
  }
}

// Makes a loop, and if that works, uses it.
absl::Status MakeAndUse() {
  absl::StatusOr<std::unique_ptr<EventLoop>> loop = NewDefaultEventLoop();
  if (!loop.ok()) return loop.status();
  const Pipe pipe = Pipe::Make();
  int calls = 0;
  absl::Status status = (*loop)->AddReader(pipe.read_fd(), [&] { ++calls; });
  if (!status.ok()) return status;
  EXPECT_TRUE(WriteByte(pipe.write_fd()));
  // Two turns: the poll of one that is not to sleep may come back interrupted.
  for (int turn = 0; turn < 2 && status.ok(); ++turn) {
    (*loop)->Stop();
    status = (*loop)->RunForever();
  }
  if (status.ok()) {
    EXPECT_GE(calls, 1);
  }
  return status;
}

// Every system call that a loop's life takes fails, one at a time: each with
// every errno, the first time and for good.
TEST(ErrnoSweepTest, bug_A10_NoFailureLeavesADescriptorBehind) {
  std::vector<FaultInjection::Site> sites;
  {
    FaultInjection faults;
    ASSERT_TRUE(MakeAndUse().ok());
    sites = faults.Sites();
  }
  const std::set<int> before = OpenDescriptors();
  int tried = 0;
  int failed = 0;
  for (const FaultInjection::Site& site : sites) {
    // One that fails to close keeps its descriptor by all rights; there is no
    // going on without a clock.
    if (site.call == "close" || site.call == "clock_gettime") continue;
    const std::string call = absl::StrCat(site.call, "@", site.function);
    for (const int error :
         {EINTR, EAGAIN, EMFILE, ENFILE, ENOMEM, ENOSPC, ENOSYS, EPERM}) {
      for (const bool for_good : {false, true}) {
        // Interrupted for ever is a hang by all rights.
        if (for_good && error == EINTR) continue;
        SCOPED_TRACE(absl::StrCat(call, " errno ", error, " ", for_good));
        ++tried;
        FaultInjection faults;
        if (for_good) {
          faults.Fail(call, error);
        } else {
          faults.Fail(call, error, 1);
        }
        const absl::Status status = MakeAndUse();
        if (!status.ok()) {
          ++failed;
          EXPECT_NE(ErrnoFromStatus(status), 0) << status;
        }
        EXPECT_EQ(OpenDescriptors(), before) << status;
      }
    }
  }
  EXPECT_GT(tried, 50);
  EXPECT_GT(failed, 20);
  EXPECT_LT(failed, tried);
}

TEST(OldKernelTest, LoopIsToBeHadWithoutPidfds) {
  for (const int error : {ENOSYS, EPERM}) {
    FaultInjection faults;
    faults.Fail("pidfd_open", error);
    EXPECT_TRUE(MakeAndUse().ok());
  }
}

TEST(OldKernelTest, LoopIsToBeHadWithoutEpoll) {
  FaultInjection faults;
  faults.Fail("epoll_create1@epoll_selector.cc", ENOSYS);
  EXPECT_TRUE(MakeAndUse().ok());
}

}  // namespace
}  // namespace evkit
