// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// What the user's callbacks throw, where there are exceptions.

#if defined(__cpp_exceptions)

#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "evkit/loop/context.h"
#include "evkit/loop/error_context.h"
#include "evkit/loop/event_loop.h"
#include "evkit/loop/fatal_exception.h"
#include "evkit/loop/handle.h"
#include "evkit/loop/testing/test_loop.h"
#include "evkit/selectors/fake_selector.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

constexpr int kInventedFd = 20'000;

class EventLoopExceptionsTest : public ::testing::Test {
 protected:
  // A handler that keeps what it is told.
  ExceptionHandler Keep() {
    return [this](AbstractEventLoop&, const ErrorContext& error) {
      kept_.push_back(error);
    };
  }

  TestLoop test_;
  std::vector<ErrorContext> kept_;
};

// ERR-09, TURN-19, HND-06
TEST_F(EventLoopExceptionsTest, CallbackThatThrowsIsReportedAndTheOthersRun) {
  test_->SetExceptionHandler(Keep());
  const Handle thrower =
      test_->CallSoon([] { throw std::runtime_error("it is raining"); });
  bool ran = false;
  test_->CallSoon([&] { ran = true; });
  EXPECT_TRUE(test_.RunUntilIdle().ok());
  EXPECT_TRUE(ran);
  ASSERT_THAT(kept_, SizeIs(1));
  EXPECT_THAT(kept_[0].message,
              StartsWith("Exception in callback <Handle scheduled at "));
  EXPECT_EQ(kept_[0].handle, thrower);
  EXPECT_THROW(std::rethrow_exception(kept_[0].exception), std::runtime_error);
  EXPECT_THAT(kept_[0].ToString(), HasSubstr("\nexception: it is raining\n"));
}

// Throws what it is told to, from each kind of callback.
enum class Thrown { kException, kInt, kPointer };

void Throw(Thrown what) {
  switch (what) {
    case Thrown::kException:
      throw std::runtime_error("thrown");
    case Thrown::kInt:
      throw 7;
    case Thrown::kPointer:
      throw "text";
  }
}

class ThrowingCallbacksTest
    : public EventLoopExceptionsTest,
      public ::testing::WithParamInterface<std::pair<Thrown, bool>> {
 protected:
  // Schedules one callback of each kind that throws; each runs once.
  void ScheduleAll() {
    const Thrown what = GetParam().first;
    const auto thrower = [this, what] {
      ++calls_;
      Throw(what);
    };
    test_->CallSoon(thrower);
    test_->CallLater(absl::ZeroDuration(), thrower);
    test_->CallLater(absl::Seconds(1), thrower);
    ASSERT_TRUE(test_->CallSoonThreadsafe(thrower).ok());
    const auto once = [this, thrower] {
      test_.selector().ClearReady(kInventedFd + calls_in_fds_++);
      thrower();
    };
    ASSERT_TRUE(test_->AddReader(kInventedFd, once).ok());
    ASSERT_TRUE(test_->AddWriter(kInventedFd + 1, once).ok());
    ASSERT_TRUE(
        test_->WatchChild(4711, [thrower](pid_t, ExitStatus) { thrower(); })
            .ok());
    test_.children().Exit(4711, ExitStatus::Exited(0));
  }
  static constexpr int kKinds = 7;

  int calls_ = 0;
  int calls_in_fds_ = 0;
};

INSTANTIATE_TEST_SUITE_P(Everything, ThrowingCallbacksTest,
                         ::testing::Values(std::pair(Thrown::kException, false),
                                           std::pair(Thrown::kInt, false),
                                           std::pair(Thrown::kPointer, false),
                                           std::pair(Thrown::kException, true),
                                           std::pair(Thrown::kInt, true)));

// ERR-04, ERR-09
TEST_P(ThrowingCallbacksTest, bug_D4_LoopOutlivesEveryCallbackThatThrows) {
  const auto [what, handler_throws_too] = GetParam();
  int reports = 0;
  test_->SetExceptionHandler(
      [&, thrown = what, too = handler_throws_too](AbstractEventLoop&,
                                                   const ErrorContext& error) {
        ++reports;
        EXPECT_NE(error.exception, nullptr);
        if (too) Throw(thrown);
      });
  ScheduleAll();
  // In turn, so that each descriptor is ready once.
  test_.selector().SetReady(kInventedFd, Interest::kRead);
  EXPECT_TRUE(test_.FastForwardBy(absl::Milliseconds(1)).ok());
  test_.selector().SetReady(kInventedFd + 1, Interest::kWrite);
  EXPECT_TRUE(test_.FastForwardBy(absl::Seconds(1)).ok());
  EXPECT_EQ(calls_, kKinds);
  EXPECT_EQ(reports, kKinds);
  EXPECT_THAT(test_.log(), SizeIs(handler_throws_too ? kKinds : 0));
  for (const std::string& line : test_.log()) {
    EXPECT_THAT(line, StartsWith("Unhandled error in exception handler"));
  }

  bool alive = false;
  test_->CallSoon([&] { alive = true; });
  EXPECT_TRUE(test_.RunUntilIdle().ok());
  EXPECT_TRUE(alive);
}

// ERR-04
TEST_F(EventLoopExceptionsTest, HandlerThatThrowsIsReportedWithWhatItWasTold) {
  test_->SetExceptionHandler([](AbstractEventLoop&, const ErrorContext&) {
    throw std::runtime_error("second");
  });
  test_->CallSoon([] { throw std::runtime_error("first"); });
  EXPECT_TRUE(test_.RunUntilIdle().ok());
  ASSERT_THAT(test_.log(), SizeIs(1));
  EXPECT_THAT(
      test_.log()[0],
      AllOf(StartsWith("Unhandled error in exception handler\n"
                       "context: Exception in callback <Handle"),
            HasSubstr("exception: first"), HasSubstr("\nexception: second")));
}

TEST_F(EventLoopExceptionsTest, WhatIsNotAStdExceptionIsReportedWithoutAText) {
  test_->CallSoon([] { throw 7; });
  EXPECT_TRUE(test_.RunUntilIdle().ok());
  EXPECT_THAT(test_.log(),
              ElementsAre(HasSubstr(
                  "exception: an exception that is not a std::exception")));
}

// ERR-04: "errors there are only logged", and here it is the log that fails.
TEST_F(EventLoopExceptionsTest, LogThatThrowsDoesNotStopTheLoop) {
  EventLoopOptions options;
  options.selector = std::make_unique<FakeSelector>();
  options.log = [](absl::string_view) { throw std::runtime_error("no log"); };
  const auto loop = EventLoop::Create(std::move(options));
  ASSERT_TRUE(loop.ok());
  bool ran = false;
  (*loop)->CallSoon([] { throw 7; });
  (*loop)->CallSoon([&] { ran = true; });
  (*loop)->Stop();
  EXPECT_TRUE((*loop)->RunForever().ok());
  EXPECT_TRUE(ran);
}

// ERR-07
TEST_F(EventLoopExceptionsTest, HandlerSeesTheValuesOfTheCallbackThatThrew) {
  const ContextVar<int> number("number");
  int seen = 0;
  test_->SetExceptionHandler([&](AbstractEventLoop&, const ErrorContext&) {
    seen = number.Get().value_or(-1);
  });
  test_->CallSoon([&] {
    number.Set(7);
    throw 1;
  });
  EXPECT_TRUE(test_.RunUntilIdle().ok());
  EXPECT_EQ(seen, 7);
  EXPECT_EQ(number.Get(), std::nullopt);
}

class Quit : public FatalException {};

// RUN-20
TEST_F(EventLoopExceptionsTest,
       FatalExceptionLeavesTheLoopAndTheRestStaysQueued) {
  test_->SetExceptionHandler(Keep());
  std::vector<std::string> trace;
  const ContextVar<int> number("number");
  auto owned = std::make_shared<int>();
  test_->CallSoon([&] { trace.push_back("a"); });
  test_->CallSoon([&number, owned] {
    number.Set(7);
    throw Quit();
  });
  test_->CallSoon([&] { trace.push_back("b"); });
  EXPECT_THROW((void)test_->RunForever(), Quit);
  EXPECT_THAT(trace, ElementsAre("a"));
  // RUN-10
  EXPECT_FALSE(test_->IsRunning());
  EXPECT_EQ(number.Get(), std::nullopt);
  EXPECT_EQ(owned.use_count(), 1);

  EXPECT_TRUE(test_.RunUntilIdle().ok());
  EXPECT_THAT(trace, ElementsAre("a", "b"));
  EXPECT_THAT(kept_, IsEmpty());
}

// RUN-20
TEST_F(EventLoopExceptionsTest, ReaderThatThrowsAFatalExceptionStaysWatched) {
  int calls = 0;
  ASSERT_TRUE(test_
                  ->AddReader(kInventedFd,
                              [&] {
                                test_.selector().ClearReady(kInventedFd);
                                if (++calls == 1) throw Quit();
                              })
                  .ok());
  test_.selector().SetReady(kInventedFd, Interest::kRead);
  EXPECT_THROW((void)test_->RunForever(), Quit);
  test_.selector().SetReady(kInventedFd, Interest::kRead);
  EXPECT_TRUE(test_.RunUntilIdle().ok());
  EXPECT_EQ(calls, 2);
}

// ERR-05
TEST_F(EventLoopExceptionsTest, FatalExceptionOfAHandlerLeavesTheLoopToo) {
  test_->SetExceptionHandler(
      [](AbstractEventLoop&, const ErrorContext&) { throw Quit(); });
  bool ran = false;
  test_->CallSoon([] { throw 7; });
  test_->CallSoon([&] { ran = true; });
  EXPECT_THROW((void)test_->RunForever(), Quit);
  EXPECT_FALSE(ran);
  EXPECT_TRUE(test_.RunUntilIdle().ok());
  EXPECT_TRUE(ran);
  EXPECT_THROW(test_->CallExceptionHandler(ErrorContext("one")), Quit);
}

// TURN-16: a handler is the only one to get hold of a reader's handle.
TEST_F(EventLoopExceptionsTest, ReaderWhoseHandleIsCancelledIsWatchedNoMore) {
  test_->SetExceptionHandler([](AbstractEventLoop&, const ErrorContext& error) {
    Handle(error.handle).Cancel();
  });
  int calls = 0;
  const auto thrower = [&] {
    ++calls;
    throw 7;
  };
  ASSERT_TRUE(test_->AddReader(kInventedFd, thrower).ok());
  ASSERT_TRUE(test_->AddWriter(kInventedFd, thrower).ok());
  test_.selector().SetReady(kInventedFd, Interest::kReadWrite);
  const size_t before = test_.selector().size();
  EXPECT_TRUE(test_.RunUntilIdle().ok()) << "does not go round for ever";
  EXPECT_EQ(calls, 2);
  EXPECT_EQ(test_.selector().size(), before - 1);
  EXPECT_FALSE(test_->RemoveReader(kInventedFd));
}

}  // namespace
}  // namespace evkit

#endif  // __cpp_exceptions
