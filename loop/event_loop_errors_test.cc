// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Errors that nobody handles: who is told, and that the loop goes on.

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "evkit/loop/context.h"
#include "evkit/loop/error_context.h"
#include "evkit/loop/event_loop.h"
#include "evkit/loop/handle.h"
#include "evkit/loop/testing/test_loop.h"
#include "evkit/selectors/fake_selector.h"
#include "evkit/timers/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::SizeIs;
using ::testing::StartsWith;

class EventLoopErrorsTest : public ::testing::Test {
 protected:
  // A handler that keeps what it is told.
  ExceptionHandler Keep() {
    return [this](AbstractEventLoop& loop, const ErrorContext& error) {
      EXPECT_EQ(&loop, &test_.loop());
      kept_.push_back(error);
    };
  }

  TestLoop test_;
  std::vector<ErrorContext> kept_;
};

// ERR-01, ERR-03
TEST_F(EventLoopErrorsTest, ReportsGoToTheHandlerIfOneIsSetElseToTheLog) {
  test_->CallExceptionHandler(ErrorContext("one"));
  EXPECT_EQ(test_->SetExceptionHandler(Keep()), nullptr);
  test_->CallExceptionHandler(ErrorContext("two"));
  EXPECT_NE(test_->SetExceptionHandler(nullptr), nullptr);
  test_->CallExceptionHandler(ErrorContext("three"));
  ASSERT_THAT(kept_, SizeIs(1));
  EXPECT_EQ(kept_[0].message, "two");
  EXPECT_THAT(test_.log(), ElementsAre("one", "three"));
}

// ERR-03
TEST_F(EventLoopErrorsTest, HandlerThatWasReplacedCanBePutBack) {
  test_->SetExceptionHandler(Keep());
  ExceptionHandler mine = test_->SetExceptionHandler(nullptr);
  EXPECT_EQ(test_->SetExceptionHandler(std::move(mine)), nullptr);
  test_->CallExceptionHandler(ErrorContext("one"));
  EXPECT_THAT(kept_, SizeIs(1));
}

// ERR-03
TEST_F(EventLoopErrorsTest, HandlerMayBePutBackAnyNumberOfTimes) {
  test_->SetExceptionHandler(Keep());
  for (int i = 0; i < 200'000; ++i) {
    ExceptionHandler mine = test_->SetExceptionHandler(nullptr);
    test_->SetExceptionHandler(std::move(mine));
  }
  test_->CallExceptionHandler(ErrorContext("one"));
  EXPECT_THAT(kept_, SizeIs(1));
}

// ERR-03
TEST_F(EventLoopErrorsTest, HandlerMayReplaceItselfWhileItRuns) {
  std::vector<std::string> trace;
  ExceptionHandler first_again;
  test_->SetExceptionHandler([&, owned = std::make_unique<int>(7)](
                                 AbstractEventLoop& loop, const ErrorContext&) {
    trace.push_back("first");
    if (first_again == nullptr) {
      first_again = loop.SetExceptionHandler(
          [&](AbstractEventLoop&, const ErrorContext&) {
            trace.push_back("second");
          });
      loop.CallExceptionHandler(ErrorContext("inside"));
    }
    EXPECT_EQ(*owned, 7);
  });
  test_->CallExceptionHandler(ErrorContext("a"));
  test_->CallExceptionHandler(ErrorContext("b"));
  test_->SetExceptionHandler(std::move(first_again));
  first_again = [](AbstractEventLoop&, const ErrorContext&) {};
  test_->CallExceptionHandler(ErrorContext("c"));
  EXPECT_THAT(trace, ElementsAre("first", "second", "second", "first"));
}

// ERR-03
TEST_F(EventLoopErrorsTest, HandlerMayDropItselfWhileItRuns) {
  auto watched = std::make_shared<int>(7);
  test_->SetExceptionHandler(
      [&, owned = watched](AbstractEventLoop& loop, const ErrorContext&) {
        loop.SetExceptionHandler(nullptr);
        EXPECT_EQ(owned.use_count(), 2) << "lives until it returns";
      });
  test_->CallExceptionHandler(ErrorContext("one"));
  EXPECT_EQ(watched.use_count(), 1);
}

// ERR-02, ERR-06
TEST_F(EventLoopErrorsTest, ReportHasTheMessageThenWhatIsKnownSortedByName) {
  ErrorContext error("it failed");
  EXPECT_EQ(error.ToString(), "it failed");
  error.status = absl::NotFoundError("no such thing");
  error.details["zebra"] = "2";
  error.details["fd"] = "7";
  EXPECT_EQ(error.ToString(),
            "it failed\nfd: 7\nstatus: NOT_FOUND: no such thing\nzebra: 2");
  error.handle = test_->CallSoon([] {});
  EXPECT_THAT(
      error.ToString(),
      AllOf(StartsWith("it failed\nfd: 7\nhandle: <Handle scheduled at "),
            HasSubstr("event_loop_errors_test.cc:")));
}

// ERR-06
TEST_F(EventLoopErrorsTest, ReportWithoutAMessageHasTheDefaultOne) {
  EXPECT_EQ(ErrorContext().ToString(), "Unhandled exception in event loop");
  test_->DefaultExceptionHandler(ErrorContext());
  EXPECT_THAT(test_.log(), ElementsAre("Unhandled exception in event loop"));
}

// ERR-07
TEST_F(EventLoopErrorsTest, HandlerRunsInTheContextOfTheHandleConcerned) {
  const ContextVar<int> number("number");
  std::vector<int> seen;
  test_->SetExceptionHandler([&](AbstractEventLoop&, const ErrorContext&) {
    seen.push_back(number.Get().value_or(-1));
    number.Set(2);
  });
  Context().Run([&] {
    ErrorContext error("one");
    number.Set(1);
    error.handle = test_->CallSoon([] {});
    number.Set(10);
    test_->CallExceptionHandler(error);
    test_->CallExceptionHandler(error);
    EXPECT_EQ(number.Get(), 10);
    // Concerning no handle: in the context of the caller.
    test_->CallExceptionHandler(ErrorContext("two"));
    EXPECT_EQ(number.Get(), 2);
  });
  EXPECT_THAT(seen, ElementsAre(1, 2, 10));
}

// RUN-26
TEST_F(EventLoopErrorsTest, CallbacksOnAClosedLoopAreRefusedWithAReport) {
  test_->SetExceptionHandler(Keep());
  ASSERT_TRUE(test_->Close().ok());
  auto owned = std::make_shared<int>();
  EXPECT_TRUE(test_->CallSoon([owned] {}).cancelled());
  EXPECT_TRUE(test_->CallLater(absl::Seconds(1), [owned] {}).cancelled());
  EXPECT_EQ(owned.use_count(), 1);
  ASSERT_THAT(kept_, SizeIs(2));
  for (const ErrorContext& error : kept_) {
    EXPECT_EQ(error.status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(error.ToString(), HasSubstr("event loop is closed"));
  }
}

TEST_F(EventLoopErrorsTest, ReportsGoToStderrIfNothingElseWasSaid) {
  EventLoopOptions options;
  options.selector = std::make_unique<FakeSelector>();
  const auto loop = EventLoop::Create(std::move(options));
  ASSERT_TRUE(loop.ok());
  ::testing::internal::CaptureStderr();
  (*loop)->CallExceptionHandler(ErrorContext("it is raining"));
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "it is raining\n");
}

// HND-05
TEST_F(EventLoopErrorsTest, HandlesSayWhereTheyWereScheduled) {
  Handle soon = test_->CallSoon([] {});
  EXPECT_THAT(
      soon.DebugString(),
      MatchesRegex("<Handle scheduled at "
                   ".*event_loop_errors_test\\.cc:[0-9]+ in TestBody>"));
  soon.Cancel();
  EXPECT_EQ(soon.DebugString(), "<Handle cancelled>");

  TimerHandle timer =
      test_->CallAt(MonotonicTime::FromNanos(12'500'000'000'000), [] {});
  EXPECT_THAT(timer.DebugString(),
              StartsWith("<TimerHandle when=12500.000000000 scheduled at "));
  timer.Cancel();
  EXPECT_EQ(timer.DebugString(),
            "<TimerHandle when=12500.000000000 cancelled>");
  EXPECT_EQ(Handle().DebugString(), "<Handle cancelled>");
  EXPECT_EQ(TimerHandle().DebugString(), "<TimerHandle cancelled>");
}

}  // namespace
}  // namespace evkit
