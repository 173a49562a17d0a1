// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// The order of things within a turn: contract section 3.

#include <sys/socket.h>

#include <stdexcept>

#include "evkit/loop/testing/loop_conformance.h"
#include "gmock/gmock.h"

namespace evkit {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// TURN-01
// TURN-02
TEST_P(LoopConformance, ATurnRunsWhatWasQueuedThenDescriptorsThenTimers) {
  Pipe pipe = MakePipe(/*readable=*/true);
  loop_.CallLater(absl::ZeroDuration(), Log("timer"));
  ASSERT_TRUE(loop_.AddReader(pipe.read_end.get(), Log("io")).ok());
  loop_.CallSoon(Log("soon"));
  RunTurns();
  EXPECT_THAT(trace_, ElementsAre("soon", "io", "timer"));
}

// TURN-03
// SOON-03
TEST_P(LoopConformance, WhatATurnQueuesRunsInTheNextBeforeItsDescriptors) {
  Pipe pipe = MakePipe(/*readable=*/true);
  ASSERT_TRUE(loop_.AddReader(pipe.read_end.get(), Log("io")).ok());
  loop_.CallSoon([this] {
    loop_.CallSoon(Log("soon"));
    EXPECT_TRUE(loop_.CallSoonThreadsafe(Log("threadsafe")).ok());
  });
  RunTurns();
  EXPECT_THAT(trace_, ElementsAre("io"));
  RunTurns();
  EXPECT_THAT(trace_, ElementsAre("io", "soon", "threadsafe", "io"));
}

// TURN-04
TEST_P(LoopConformance, ACallbackThatAlwaysReschedulesItselfStarvesNobody) {
  Pipe pipe = MakePipe();
  std::function<void()> spin = [&] { loop_.CallSoon(spin); };
  loop_.CallSoon(spin);
  bool timer_came = false;
  ASSERT_TRUE(loop_
                  .AddReader(pipe.read_end.get(),
                             [&] {
                               EXPECT_TRUE(timer_came);
                               loop_.Stop();
                             })
                  .ok());
  loop_.CallLater(absl::ZeroDuration(), [&] {
    timer_came = true;
    Write(pipe.write_end);
  });
  EXPECT_TRUE(loop_.RunForever().ok());
}

// TURN-12
// TIME-03
TEST_P(LoopConformance, AZeroDelayWithinATurnMeansTheNextTurn) {
  loop_.CallLater(absl::ZeroDuration(), [this] {
    trace_.push_back("timer");
    loop_.CallLater(absl::ZeroDuration(), Log("timer of timer"));
    loop_.CallLater(-absl::Hours(1), Log("overdue timer of timer"));
    loop_.CallSoon(Log("soon of timer"));
  });
  RunTurns();
  EXPECT_THAT(trace_, ElementsAre("timer"));
  trace_.clear();
  RunTurns();
  EXPECT_THAT(trace_, ElementsAre("soon of timer", "overdue timer of timer",
                                  "timer of timer"));
}

// TURN-13
TEST_P(LoopConformance, WhatAnEarlierCallbackOfTheTurnCancelsIsSkipped) {
  Handle second;
  loop_.CallSoon([&] { second.Cancel(); });
  second = loop_.CallSoon(Log("second"));
  loop_.CallSoon(Log("third"));
  RunTurns();
  EXPECT_THAT(trace_, ElementsAre("third"));
}

// TURN-14
TEST_P(LoopConformance, ADescriptorReadyBothWaysCallsItsReaderFirst) {
  int fds[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
  const UniqueFd near(fds[0]);
  const UniqueFd far(fds[1]);
  Write(far);
  ASSERT_TRUE(loop_.AddWriter(near.get(), Log("write")).ok());
  ASSERT_TRUE(loop_.AddReader(near.get(), Log("read")).ok());
  RunTurns();
  EXPECT_THAT(trace_, ElementsAre("read", "write"));
}

// TURN-17
TEST_P(LoopConformance, AReaderIsCalledInEachTurnWhileThereIsSomethingToRead) {
  Pipe pipe = MakePipe(/*readable=*/true);
  int calls = 0;
  ASSERT_TRUE(loop_.AddReader(pipe.read_end.get(), [&] { ++calls; }).ok());
  RunTurns(3);
  EXPECT_EQ(calls, 3);
  Drain(pipe.read_end);
  RunTurns(3);
  EXPECT_EQ(calls, 3);
  Write(pipe.write_end);
  RunTurns();
  EXPECT_EQ(calls, 4);
  EXPECT_TRUE(loop_.RemoveReader(pipe.read_end.get()));
  EXPECT_FALSE(loop_.RemoveReader(pipe.read_end.get()));
  RunTurns();
  EXPECT_EQ(calls, 4);
}

// TURN-18
TEST_P(LoopConformance, AReaderRemovedWhileItIsQueuedIsSkipped) {
  Pipe pipe = MakePipe(/*readable=*/true);
  loop_.CallSoon([&] { EXPECT_TRUE(loop_.RemoveReader(pipe.read_end.get())); });
  ASSERT_TRUE(loop_.AddReader(pipe.read_end.get(), Log("removed")).ok());
  RunTurns(2);
  EXPECT_THAT(trace_, IsEmpty());
}

// TURN-18
TEST_P(LoopConformance, AReaderReplacedWhileItIsQueuedIsSkipped) {
  Pipe pipe = MakePipe(/*readable=*/true);
  loop_.CallSoon([&] {
    EXPECT_TRUE(loop_.AddReader(pipe.read_end.get(), Log("new")).ok());
  });
  ASSERT_TRUE(loop_.AddReader(pipe.read_end.get(), Log("old")).ok());
  RunTurns();
  EXPECT_THAT(trace_, IsEmpty());
  RunTurns();
  EXPECT_THAT(trace_, ElementsAre("new"));
}

#if defined(__cpp_exceptions)
// TURN-19
// HND-06
TEST_P(LoopConformance, bug_D4_WhatACallbackThrowsIsReportedAndTheTurnGoesOn) {
  std::vector<std::string> reports;
  Handle failing;
  loop_.SetExceptionHandler([&](AbstractEventLoop&, const ErrorContext& error) {
    reports.push_back(error.message.substr(0, 21));
    EXPECT_NE(error.exception, nullptr);
    EXPECT_EQ(error.handle, failing);
  });
  failing = loop_.CallSoon([] { throw std::runtime_error("no"); });
  loop_.CallSoon(Log("next"));
  RunTurns();
  EXPECT_THAT(reports, ElementsAre("Exception in callback"));
  EXPECT_THAT(trace_, ElementsAre("next"));
}
#endif

}  // namespace
}  // namespace evkit
