// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/coro/run_until_complete.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "evkit/loop/context.h"
#include "evkit/loop/coro/or_return.h"
#include "evkit/loop/coro/sleep.h"
#include "evkit/loop/coro/task.h"
#include "evkit/loop/error_context.h"
#include "evkit/loop/fatal_exception.h"
#include "evkit/loop/testing/test_loop.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

Coro<int> Give(int value) { co_return value; }
Coro<void> Fail(absl::Status error) { co_return error; }
Coro<void> Forever() {
  co_await OrReturn(Sleep(absl::InfiniteDuration()));
  co_return absl::OkStatus();
}

// RUN-11
TEST(RunUntilCompleteTest, GivesTheValueTheErrorOrTheCancellation) {
  TestLoop test;
  const Future<int> value = CreateFuture<int>(test.loop());
  test->CallSoon([&] { value.SetResult(7).IgnoreError(); });
  EXPECT_EQ(*RunUntilComplete(test.loop(), value), 7);

  const Future<int> error = CreateFuture<int>(test.loop());
  test->CallSoon(
      [&] { error.SetError(absl::NotFoundError("nothing")).IgnoreError(); });
  EXPECT_EQ(RunUntilComplete(test.loop(), error).status(),
            absl::NotFoundError("nothing"));

  const Future<void> cancelled = CreateFuture<void>(test.loop());
  test->CallSoon([&] { cancelled.Cancel("enough"); });
  EXPECT_EQ(RunUntilComplete(test.loop(), cancelled),
            absl::CancelledError("enough"));
  EXPECT_TRUE(cancelled.cancelled());
}

// RUN-12
TEST(RunUntilCompleteTest, ACoroutineBecomesATaskIfTheLoopCanRun) {
  TestLoop test;
  EXPECT_EQ(*RunUntilComplete(test.loop(), Give(3)), 3);

  absl::Status nested;
  size_t tasks = 1;
  test->CallSoon([&] {
    nested = RunUntilComplete(test.loop(), Forever());
    tasks = AllTasks(test.loop()).size();
  });
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_EQ(nested.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(tasks, 0u);

  TestLoop other;
  test->CallSoon([&] {
    nested = RunUntilComplete(other.loop(), Forever());
    tasks = AllTasks(other.loop()).size();
  });
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_EQ(nested.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(tasks, 0u);

  ASSERT_TRUE(test->Close().ok());
  EXPECT_EQ(RunUntilComplete(test.loop(), Forever()).code(),
            absl::StatusCode::kFailedPrecondition);
}

// RUN-13
TEST(RunUntilCompleteTest, OneThatIsDoneAlreadyStillTakesATurn) {
  TestLoop test;
  const Future<int> done = CreateFuture<int>(test.loop());
  ASSERT_TRUE(done.SetResult(1).ok());
  std::vector<std::string> trace;
  test->CallSoon([&] {
    trace.push_back("ready before");
    test->CallSoon([&] { trace.push_back("next turn"); });
  });
  EXPECT_EQ(*RunUntilComplete(test.loop(), done), 1);
  EXPECT_THAT(trace, ElementsAre("ready before"));
}

// RUN-14
TEST(RunUntilCompleteTest, TheRestOfTheBatchInWhichItIsToldStillRuns) {
  TestLoop test;
  const Future<int> future = CreateFuture<int>(test.loop());
  std::vector<std::string> trace;
  test->CallSoon([&] {
    future.SetResult(1).IgnoreError();  // Queues the callback that stops.
    test->CallSoon([&] {
      trace.push_back("same batch");
      test->CallSoon([&] { trace.push_back("next run"); });
    });
  });
  EXPECT_EQ(*RunUntilComplete(test.loop(), future), 1);
  EXPECT_THAT(trace, ElementsAre("same batch"));
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_THAT(trace, ElementsAre("same batch", "next run"));
}

// RUN-15, RUN-16: also that it may be run again.
TEST(RunUntilCompleteTest, StoppedByAnotherItFailsAndLeavesTheFutureAlone) {
  TestLoop test;
  const Future<int> future = CreateFuture<int>(test.loop());
  test->CallSoon([&] { test->Stop(); });
  const absl::Status stopped = RunUntilComplete(test.loop(), future).status();
  EXPECT_EQ(stopped.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(stopped.message()), HasSubstr("stopped before"));
  EXPECT_FALSE(future.done());

  // Nothing of the first run stops the loop when the future is done.
  bool went_on = false;
  test->CallSoon([&] { future.SetResult(5).IgnoreError(); });
  test->CallLater(absl::Seconds(1), [&] { went_on = true; });
  ASSERT_TRUE(test.RunUntilNothingIsLeft().ok());
  EXPECT_TRUE(went_on);
  EXPECT_EQ(*RunUntilComplete(test.loop(), future), 5);
}

TEST(RunUntilCompleteTest, StoppedByAnotherTheTaskOfACoroutineIsLeftInTheLoop) {
  TestLoop test;
  test->CallSoon([&] { test->Stop(); });
  EXPECT_EQ(RunUntilComplete(test.loop(), Forever()).code(),
            absl::StatusCode::kFailedPrecondition);
  ASSERT_THAT(AllTasks(test.loop()), SizeIs(1));
  AllTasks(test.loop())[0].Cancel();
  ASSERT_TRUE(test.RunUntilIdle().ok());
}

// RUN-18
TEST(RunUntilCompleteTest, AnErrorOfItsOwnTaskIsNeverReportedAsUnseen) {
  TestLoop test;
  EXPECT_EQ(RunUntilComplete(test.loop(), Fail(absl::AbortedError("no"))),
            absl::AbortedError("no"));
  // The task ends with an error in the very turn that stops the loop, before
  // the run is told of it.
  test->CallSoon([&] { test->Stop(); });
  EXPECT_EQ(RunUntilComplete(test.loop(), Fail(absl::AbortedError("no"))),
            absl::AbortedError("no"));
  EXPECT_THAT(test.log(), IsEmpty());
}

// RUN-19
TEST(RunUntilCompleteTest, AFutureOfAnotherLoopIsRefused) {
  TestLoop one;
  TestLoop two;
  const Future<int> future = CreateFuture<int>(two.loop());
  EXPECT_EQ(RunUntilComplete(one.loop(), future).status().code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_FALSE(future.done());
}

// ERR-07
TEST(ErrorContextTest, TheHandlerRunsInTheContextOfTheTaskConcerned) {
  static const ContextVar<int> number("number");
  TestLoop test;
  std::vector<int> seen;
  test->SetExceptionHandler([&](AbstractEventLoop&, const ErrorContext&) {
    seen.push_back(number.Get().value_or(-1));
  });
  const auto set_and_fail = []() -> Coro<void> {
    number.Set(7);
    co_return absl::AbortedError("no");
  };
  CreateTask(test.loop(), set_and_fail);
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_THAT(seen, ElementsAre(7));

  // Also before that of a handle.
  ErrorContext error("both");
  Context().Run([&] {
    number.Set(1);
    error.handle = test->CallSoon([] {});
    number.Set(2);
    error.context = Context::CopyCurrent();
  });
  test->CallExceptionHandler(error);
  EXPECT_THAT(seen, ElementsAre(7, 2));
}

#if defined(__cpp_exceptions)

class Interrupt : public FatalException {};

Coro<void> ThrowFatal() {
  throw Interrupt();
  co_return absl::OkStatus();
}

// RUN-17, RUN-18: of a fatal exception as well.
TEST(RunUntilCompleteTest, AFatalExceptionPassesAndDoesNotStopTheNextRun) {
  TestLoop test;
  EXPECT_THROW((void)RunUntilComplete(test.loop(), ThrowFatal()), Interrupt);
  EXPECT_THAT(test.log(), IsEmpty());
  bool went_on = false;
  test->CallLater(absl::Seconds(1), [&] { went_on = true; });
  ASSERT_TRUE(test.RunUntilNothingIsLeft().ok());
  EXPECT_TRUE(went_on);
  EXPECT_THAT(test.log(), IsEmpty());
}

#endif  // defined(__cpp_exceptions)

}  // namespace
}  // namespace evkit
