// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Running, stopping, closing: contract section 2. The rest of the suite is in
// loop_conformance_turn.cc and loop_conformance_scheduling.cc.

#include "evkit/loop/testing/loop_conformance.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <thread>

#include "absl/status/status.h"
#include "evkit/loop/fatal_exception.h"
#include "evkit/policy/running_loop.h"
#include "gmock/gmock.h"

namespace evkit {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

void LoopConformance::RunTurns(int count) {
  for (int i = 0; i < count; ++i) {
    loop_.Stop();
    ASSERT_TRUE(loop_.RunForever().ok());
  }
}

void LoopConformance::RunFor(absl::Duration delay) {
  loop_.CallLater(delay, [this] { loop_.Stop(); });
  ASSERT_TRUE(loop_.RunForever().ok());
}

LoopConformance::Pipe LoopConformance::MakePipe(bool readable) {
  int fds[2];
  EXPECT_EQ(pipe2(fds, O_NONBLOCK | O_CLOEXEC), 0);
  Pipe pipe;
  pipe.read_end.Reset(fds[0]);
  pipe.write_end.Reset(fds[1]);
  if (readable) Write(pipe.write_end);
  return pipe;
}

void LoopConformance::Write(const UniqueFd& fd) {
  EXPECT_EQ(write(fd.get(), "x", 1), 1);
}

void LoopConformance::Drain(const UniqueFd& fd) {
  char buffer[16];
  while (read(fd.get(), buffer, sizeof(buffer)) > 0) {
  }
}

namespace {

// RUN-01
TEST_P(LoopConformance, RunsTurnAfterTurnUntilItIsStopped) {
  int turns = 0;
  std::function<void()> next = [&] {
    if (++turns == 10) loop_.Stop();
    loop_.CallSoon(next);
  };
  loop_.CallSoon(next);
  EXPECT_TRUE(loop_.RunForever().ok());
  EXPECT_EQ(turns, 10);
}

// RUN-03
// RUN-05
TEST_P(LoopConformance,
       bug_D5_ARunInsideItsOwnCallbackIsRefusedAndTheLoopGoesOn) {
  loop_.CallSoon([this] {
    EXPECT_EQ(loop_.RunForever().code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_TRUE(loop_.IsRunning());
    EXPECT_EQ(GetRunningLoopOrNull(), &loop_);
    loop_.CallSoon(Log("goes on"));
    loop_.CallSoon([this] { loop_.Stop(); });
  });
  EXPECT_TRUE(loop_.RunForever().ok());
  EXPECT_THAT(trace_, ElementsAre("goes on"));
}

// RUN-04
// RUN-05
TEST_P(LoopConformance, ARunInsideACallbackOfAnotherLoopIsRefused) {
  const std::shared_ptr<AbstractEventLoop> other = MakeLoop();
  other->CallSoon(Log("other"));
  loop_.CallSoon([&] {
    EXPECT_EQ(other->RunForever().code(),
              absl::StatusCode::kFailedPrecondition);
    EXPECT_FALSE(other->IsRunning());
    EXPECT_EQ(GetRunningLoopOrNull(), &loop_);
  });
  RunTurns();
  EXPECT_THAT(trace_, IsEmpty());
  other->Stop();
  EXPECT_TRUE(other->RunForever().ok());
  EXPECT_THAT(trace_, ElementsAre("other"));
}

// RUN-06
// RUN-07
TEST_P(LoopConformance, StopLetsTheRestOfTheTurnRunAndKeepsWhatThatQueues) {
  loop_.CallSoon([this] {
    loop_.Stop();
    loop_.Stop();
    loop_.CallSoon(Log("queued before"));
  });
  loop_.CallSoon([this] {
    trace_.push_back("same turn");
    loop_.CallSoon(Log("queued after"));
  });
  EXPECT_TRUE(loop_.RunForever().ok());
  EXPECT_THAT(trace_, ElementsAre("same turn"));
  RunTurns();
  EXPECT_THAT(trace_,
              ElementsAre("same turn", "queued before", "queued after"));
}

// RUN-08
TEST_P(LoopConformance,
       bug_D5_StoppedBeforehandARunMakesOneTurnWithoutSleeping) {
  Pipe pipe = MakePipe(/*readable=*/true);
  ASSERT_TRUE(loop_.AddReader(pipe.read_end.get(), Log("io")).ok());
  loop_.CallLater(absl::ZeroDuration(), Log("timer"));
  loop_.CallLater(absl::Hours(1), Log("never"));
  loop_.CallSoon([this] {
    trace_.push_back("soon");
    loop_.CallSoon(Log("next"));
  });
  loop_.Stop();
  EXPECT_TRUE(loop_.RunForever().ok());
  EXPECT_THAT(trace_, ElementsAre("soon", "io", "timer"));
  EXPECT_TRUE(loop_.RemoveReader(pipe.read_end.get()));
  RunTurns();
  EXPECT_THAT(trace_, ElementsAre("soon", "io", "timer", "next"));
}

// RUN-09
// RUN-36
TEST_P(LoopConformance, StopCountsForOneRunOnly) {
  loop_.Stop();
  loop_.Stop();
  EXPECT_TRUE(loop_.RunForever().ok());
  bool came = false;
  loop_.CallLater(absl::Milliseconds(1), [&] {
    came = true;
    loop_.Stop();
  });
  EXPECT_TRUE(loop_.RunForever().ok());
  EXPECT_TRUE(came);
}

// RUN-10
// RUN-21
TEST_P(LoopConformance, IsRunningFromTheStartOfARunToItsEnd) {
  EXPECT_FALSE(loop_.IsRunning());
  EXPECT_EQ(GetRunningLoopOrNull(), nullptr);
  bool was_running = false;
  AbstractEventLoop* running = nullptr;
  loop_.CallSoon([&] {
    was_running = loop_.IsRunning();
    running = GetRunningLoopOrNull();
  });
  RunTurns();
  EXPECT_TRUE(was_running);
  EXPECT_EQ(running, &loop_);
  EXPECT_FALSE(loop_.IsRunning());
  EXPECT_EQ(GetRunningLoopOrNull(), nullptr);
}

#if defined(__cpp_exceptions)
class Interrupt : public FatalException {};

// RUN-10
// RUN-20
TEST_P(LoopConformance, AFatalExceptionLeavesAtOnceAndTheRestWaits) {
  loop_.CallSoon(Log("before"));
  loop_.CallSoon([this] {
    loop_.Stop();
    throw Interrupt();
  });
  loop_.CallSoon(Log("after"));
  EXPECT_THROW((void)loop_.RunForever(), Interrupt);
  EXPECT_THAT(trace_, ElementsAre("before"));
  EXPECT_FALSE(loop_.IsRunning());
  EXPECT_EQ(GetRunningLoopOrNull(), nullptr);
  // Neither lost nor stopped beforehand: RUN-09.
  loop_.CallSoon([this] { loop_.CallSoon([this] { loop_.Stop(); }); });
  EXPECT_TRUE(loop_.RunForever().ok());
  EXPECT_THAT(trace_, ElementsAre("before", "after"));
}
#endif

// RUN-22
TEST_P(LoopConformance, CloseFromACallbackIsRefusedAndChangesNothing) {
  loop_.CallSoon([this] {
    EXPECT_EQ(loop_.Close().code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_FALSE(loop_.IsClosed());
    loop_.CallSoon(Log("still open"));
  });
  loop_.CallLater(absl::ZeroDuration(), Log("timer"));
  RunTurns(2);
  EXPECT_THAT(trace_, ElementsAre("timer", "still open"));
}

// RUN-02
// RUN-23
TEST_P(LoopConformance, AClosedLoopDoesNotRunAndMayBeClosedAgain) {
  EXPECT_FALSE(loop_.IsClosed());
  EXPECT_TRUE(loop_.Close().ok());
  EXPECT_TRUE(loop_.IsClosed());
  EXPECT_TRUE(loop_.Close().ok());
  EXPECT_EQ(loop_.RunForever().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_FALSE(loop_.IsRunning());
  EXPECT_EQ(GetRunningLoopOrNull(), nullptr);
}

// RUN-24
TEST_P(LoopConformance, CloseDropsWhatIsQueuedPendingOrWatchedWithoutACall) {
  Pipe pipe = MakePipe(/*readable=*/true);
  const auto held = std::make_shared<int>();
  const auto callback = [this, held] { trace_.push_back("called"); };
  const Handle soon = loop_.CallSoon(callback);
  const TimerHandle due = loop_.CallLater(absl::ZeroDuration(), callback);
  const TimerHandle later = loop_.CallLater(absl::Hours(1), callback);
  EXPECT_TRUE(loop_.CallSoonThreadsafe(callback).ok());
  EXPECT_TRUE(loop_.AddReader(pipe.read_end.get(), callback).ok());
  EXPECT_TRUE(loop_.AddWriter(pipe.write_end.get(), callback).ok());
  EXPECT_EQ(held.use_count(), 8);
  EXPECT_TRUE(loop_.Close().ok());
  // `callback` and `held` are left, though there are handles still.
  EXPECT_EQ(held.use_count(), 2);
  EXPECT_THAT(trace_, IsEmpty());
}

// RUN-26
TEST_P(LoopConformance, AClosedLoopRefusesAndTellsTheExceptionHandler) {
  Pipe pipe = MakePipe();
  std::vector<absl::StatusCode> reported;
  loop_.SetExceptionHandler(
      [&](AbstractEventLoop& loop, const ErrorContext& error) {
        EXPECT_EQ(&loop, &loop_);
        reported.push_back(error.status.code());
      });
  EXPECT_TRUE(loop_.Close().ok());
  const auto held = std::make_shared<int>();
  const auto callback = [held] {};
  EXPECT_TRUE(loop_.CallSoon(callback).cancelled());
  EXPECT_TRUE(loop_.CallLater(absl::Seconds(1), callback).cancelled());
  EXPECT_TRUE(loop_.CallAt(loop_.Time(), callback).cancelled());
  EXPECT_THAT(reported, ElementsAre(absl::StatusCode::kFailedPrecondition,
                                    absl::StatusCode::kFailedPrecondition,
                                    absl::StatusCode::kFailedPrecondition));
  EXPECT_EQ(loop_.AddReader(pipe.read_end.get(), callback).code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(loop_.AddWriter(pipe.write_end.get(), callback).code(),
            absl::StatusCode::kFailedPrecondition);
  // SOON-06
  EXPECT_EQ(loop_.CallSoonThreadsafe(callback).code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(reported.size(), 3);
  EXPECT_EQ(held.use_count(), 2);
}

// RUN-27
TEST_P(LoopConformance, WhatNeedsNoOpenLoopWorksOnAClosedOne) {
  Pipe pipe = MakePipe();
  const TimerHandle timer = loop_.CallLater(absl::Hours(1), [] {});
  ASSERT_TRUE(loop_.AddReader(pipe.read_end.get(), [] {}).ok());
  EXPECT_TRUE(loop_.Close().ok());
  loop_.Stop();
  EXPECT_GT(loop_.Time(), timer.when() - absl::Hours(2));
  EXPECT_FALSE(loop_.IsRunning());
  EXPECT_FALSE(loop_.RemoveReader(pipe.read_end.get()));
  EXPECT_FALSE(loop_.RemoveWriter(pipe.write_end.get()));
  EXPECT_FALSE(loop_.DebugString().empty());
  Handle(timer).Cancel();
  EXPECT_TRUE(timer.cancelled());
}

// RUN-29
TEST_P(LoopConformance, CloseLeavesTheDescriptorsOfOthersOpen) {
  Pipe pipe = MakePipe();
  ASSERT_TRUE(loop_.AddReader(pipe.read_end.get(), [] {}).ok());
  ASSERT_TRUE(loop_.AddWriter(pipe.write_end.get(), [] {}).ok());
  EXPECT_TRUE(loop_.Close().ok());
  DestroyLoop();
  Write(pipe.write_end);
  char byte;
  EXPECT_EQ(read(pipe.read_end.get(), &byte, 1), 1);
}

// RUN-24
TEST_P(LoopConformance, WhatCloseDestroysMayCallTheLoop) {
  std::vector<std::string> reports;
  loop_.SetExceptionHandler([&](AbstractEventLoop&, const ErrorContext& error) {
    reports.push_back(error.message);
  });
  TimerHandle other = loop_.CallLater(absl::Hours(2), [] {});
  const auto on_destruction = [&](AbstractEventLoop* loop) {
    EXPECT_TRUE(loop->IsClosed());
    EXPECT_TRUE(loop->CallSoon([] {}).cancelled());
    EXPECT_FALSE(loop->CallSoonThreadsafe([] {}).ok());
    EXPECT_FALSE(loop->RemoveReader(0));
    EXPECT_TRUE(loop->Close().ok());
    EXPECT_FALSE(loop->RunForever().ok());
    other.Cancel();
  };
  const auto guard = [&] {
    return std::shared_ptr<AbstractEventLoop>(&loop_, on_destruction);
  };
  Pipe pipe = MakePipe();
  loop_.CallSoon([held = guard()] {});
  loop_.CallLater(absl::Hours(1), [held = guard()] {});
  EXPECT_TRUE(loop_.CallSoonThreadsafe([held = guard()] {}).ok());
  ASSERT_TRUE(loop_.AddReader(pipe.read_end.get(), [held = guard()] {}).ok());
  EXPECT_TRUE(loop_.Close().ok());
  EXPECT_EQ(reports.size(), 4);
}

// RUN-36
TEST_P(LoopConformance, WhatIsQueuedOrPendingStaysBetweenRuns) {
  loop_.CallLater(absl::Milliseconds(5), Log("timer"));
  loop_.CallSoon([this] { loop_.CallSoon(Log("soon")); });
  RunTurns();
  EXPECT_THAT(trace_, IsEmpty());
  RunTurns();
  EXPECT_THAT(trace_, ElementsAre("soon"));
  RunFor(absl::Milliseconds(5));
  EXPECT_THAT(trace_, ElementsAre("soon", "timer"));
}

// RUN-37
TEST_P(LoopConformance, OneThreadAfterAnotherMayRunIt) {
  for (int i = 0; i < 3; ++i) {
    loop_.CallSoon(Log("here"));
    RunTurns();
    std::thread thread([this] {
      loop_.CallSoon(Log("there"));
      loop_.CallSoon([this] { EXPECT_EQ(GetRunningLoopOrNull(), &loop_); });
      RunTurns();
    });
    thread.join();
  }
  EXPECT_THAT(trace_,
              ElementsAre("here", "there", "here", "there", "here", "there"));
}

}  // namespace
}  // namespace evkit
