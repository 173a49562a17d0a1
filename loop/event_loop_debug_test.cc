// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Debug mode: slow callbacks are reported, calls from the wrong thread abort.

#include <stdlib.h>

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "evkit/loop/event_loop.h"
#include "evkit/loop/handle.h"
#include "evkit/loop/testing/test_loop.h"
#include "evkit/selectors/fake_selector.h"
#include "evkit/timers/clock.h"
#include "evkit/timers/fake_clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;
using ::testing::SizeIs;

constexpr int kInventedFd = 20'000;

// Sets EVKIT_DEBUG for a scope; null unsets it.
class ScopedDebugVariable {
 public:
  explicit ScopedDebugVariable(const char* value) {
    const char* const before = ::getenv("EVKIT_DEBUG");
    if (before != nullptr) before_ = before;
    was_set_ = before != nullptr;
    Set(value);
  }
  ~ScopedDebugVariable() { Set(was_set_ ? before_.c_str() : nullptr); }

 private:
  static void Set(const char* value) {
    if (value == nullptr) {
      ::unsetenv("EVKIT_DEBUG");
    } else {
      ::setenv("EVKIT_DEBUG", value, 1);
    }
  }

  std::string before_;
  bool was_set_;
};

// DBG-01
TEST(DebugModeTest, IsOnFromTheStartIfTheEnvironmentSaysSo) {
  for (const auto& [value, expected] :
       {std::pair<const char*, bool>(nullptr, false),
        std::pair<const char*, bool>("", false),
        std::pair<const char*, bool>("1", true),
        std::pair<const char*, bool>("0", true)}) {
    const ScopedDebugVariable variable(value);
    EXPECT_EQ(EventLoopOptions().debug, expected);
    TestLoop test;
    EXPECT_EQ(test->GetDebug(), expected);
  }
}

class EventLoopDebugTest : public ::testing::Test {
 protected:
  // A callback that takes `time`.
  auto Take(absl::Duration time) {
    return [this, time] { test_.clock().AdvanceBy(time); };
  }

  const ScopedDebugVariable not_by_environment_{nullptr};
  TestLoop test_;
};

// DBG-01
TEST_F(EventLoopDebugTest, IsOffUntilSwitchedOn) {
  EXPECT_FALSE(test_->GetDebug());
  test_->SetDebug(true);
  EXPECT_TRUE(test_->GetDebug());
  EXPECT_EQ(test_->DebugString(),
            "<EventLoop running=false closed=false debug=true>");
  test_->SetDebug(false);
  EXPECT_FALSE(test_->GetDebug());
}

// DBG-06
TEST_F(EventLoopDebugTest, WaitingIsNeverSlow) {
  test_->SetDebug(true);
  bool called = false;
  test_->CallLater(absl::Hours(1), [&called] { called = true; });
  ASSERT_TRUE(test_.RunUntilNothingIsLeft().ok());
  EXPECT_TRUE(called);
  EXPECT_THAT(test_.log(), IsEmpty());
}

// DBG-03
TEST_F(EventLoopDebugTest, CallbackAsSlowAsTheLimitIsReportedAndNoFasterOne) {
  test_->SetDebug(true);
  test_->CallSoon(Take(absl::Milliseconds(100) - absl::Nanoseconds(1)));
  EXPECT_TRUE(test_.RunUntilIdle().ok());
  EXPECT_THAT(test_.log(), IsEmpty());
  test_->CallSoon(Take(absl::Milliseconds(100)));
  test_->CallSoon(Take(absl::Milliseconds(1234)));
  EXPECT_TRUE(test_.RunUntilIdle().ok());
  EXPECT_THAT(test_.log(),
              ElementsAre(MatchesRegex("Executing <Handle scheduled at "
                                       ".*event_loop_debug_test\\.cc:[0-9]+ in "
                                       "TestBody> took 0\\.100 seconds"),
                          EndsWith(" took 1.234 seconds")));
}

// DBG-03
TEST_F(EventLoopDebugTest, EveryKindOfCallbackIsTimed) {
  test_->SetDebug(true);
  const auto slow = Take(absl::Seconds(1));
  test_->CallLater(absl::Seconds(1), slow);
  ASSERT_TRUE(test_->CallSoonThreadsafe(slow).ok());
  ASSERT_TRUE(test_
                  ->AddReader(kInventedFd,
                              [&] {
                                test_.selector().ClearReady(kInventedFd);
                                slow();
                              })
                  .ok());
  test_.selector().SetReady(kInventedFd, Interest::kRead);
  ASSERT_TRUE(test_->WatchChild(7, [&](pid_t, ExitStatus) { slow(); }).ok());
  test_.children().Exit(7, ExitStatus::Exited(0));
  EXPECT_TRUE(test_.FastForwardBy(absl::Seconds(10)).ok());
  EXPECT_THAT(test_.log(), SizeIs(4));
  EXPECT_THAT(test_.log(),
              ::testing::Contains(HasSubstr("<TimerHandle when=")));
}

// DBG-03
TEST_F(EventLoopDebugTest, LimitCanBeSet) {
  EXPECT_EQ(test_->slow_callback_duration(), absl::Milliseconds(100));
  test_->SetDebug(true);
  test_->set_slow_callback_duration(absl::Seconds(2));
  test_->CallSoon(Take(absl::Seconds(1)));
  EXPECT_TRUE(test_.RunUntilIdle().ok());
  EXPECT_THAT(test_.log(), IsEmpty());
  test_->set_slow_callback_duration(absl::Microseconds(1));
  test_->CallSoon(Take(absl::Microseconds(1)));
  EXPECT_TRUE(test_.RunUntilIdle().ok());
  EXPECT_THAT(test_.log(), SizeIs(1));
}

// DBG-03
TEST_F(EventLoopDebugTest, CallbackThatCancelsOrRemovesItselfIsReportedToo) {
  test_->SetDebug(true);
  Handle handle;
  handle = test_->CallSoon([&] {
    test_.clock().AdvanceBy(absl::Seconds(1));
    std::exchange(handle, Handle()).Cancel();
  });
  ASSERT_TRUE(test_
                  ->AddReader(kInventedFd,
                              [&] {
                                test_.clock().AdvanceBy(absl::Seconds(1));
                                EXPECT_TRUE(test_->RemoveReader(kInventedFd));
                              })
                  .ok());
  test_.selector().SetReady(kInventedFd, Interest::kRead);
  EXPECT_TRUE(test_.RunUntilIdle().ok());
  EXPECT_THAT(test_.log(),
              ElementsAre("Executing <Handle cancelled> took 1.000 seconds",
                          "Executing <Handle cancelled> took 1.000 seconds"));
}

TEST_F(EventLoopDebugTest, NothingIsTimedOutsideOfDebugMode) {
  test_->CallSoon(Take(absl::Hours(1)));
  EXPECT_TRUE(test_.RunUntilIdle().ok());
  EXPECT_THAT(test_.log(), IsEmpty());
}

// Counts how often it is asked.
class CountingClock final : public Clock {
 public:
  MonotonicTime Now() override {
    ++readings;
    return clock.Now();
  }
  FakeClock clock;
  int readings = 0;
};

class SlowCallbackReportsTest : public ::testing::Test {
 protected:
  std::unique_ptr<EventLoop> NewLoop(bool report_slow_callbacks) {
    EventLoopOptions options;
    options.selector = std::make_unique<FakeSelector>();
    options.clock = &clock_;
    options.debug = false;
    options.report_slow_callbacks = report_slow_callbacks;
    options.slow_callback_duration = absl::Seconds(1);
    options.log = [this](absl::string_view text) { log_.emplace_back(text); };
    auto loop = EventLoop::Create(std::move(options));
    EXPECT_TRUE(loop.ok());
    return *std::move(loop);
  }

  CountingClock clock_;
  std::vector<std::string> log_;
};

TEST_F(SlowCallbackReportsTest, AreToBeHadWithoutDebugMode) {
  const auto loop = NewLoop(true);
  EXPECT_FALSE(loop->GetDebug());
  loop->CallSoon([&] { clock_.clock.AdvanceBy(absl::Seconds(1)); });
  loop->CallSoon([&] { clock_.clock.AdvanceBy(absl::Milliseconds(999)); });
  loop->Stop();
  EXPECT_TRUE(loop->RunForever().ok());
  EXPECT_THAT(log_, ElementsAre(EndsWith(" took 1.000 seconds")));
}

TEST_F(SlowCallbackReportsTest, CostNoReadingOfTheClockWhereTheyAreNotWanted) {
  for (const bool wanted : {false, true}) {
    const auto loop = NewLoop(wanted);
    for (int i = 0; i < 100; ++i) loop->CallSoon([] {});
    loop->Stop();
    clock_.readings = 0;
    EXPECT_TRUE(loop->RunForever().ok());
    EXPECT_EQ(clock_.readings, wanted ? 200 : 0);
  }
}

// DBG-07
TEST_F(EventLoopDebugTest, SwitchedOnByACallbackItTimesFromTheNextTurnOn) {
  test_->CallSoon([&] {
    test_->SetDebug(true);
    test_->CallSoon(Take(absl::Seconds(2)));
  });
  test_->CallSoon(Take(absl::Seconds(1)));
  EXPECT_TRUE(test_.RunUntilIdle().ok());
  EXPECT_THAT(test_.log(), ElementsAre(EndsWith(" took 2.000 seconds")));
}

// DBG-08
TEST_F(EventLoopDebugTest, ClosingIsLogged) {
  test_->SetDebug(true);
  EXPECT_TRUE(test_->Close().ok());
  EXPECT_TRUE(test_->Close().ok());
  EXPECT_THAT(test_.log(), ElementsAre(AllOf(HasSubstr("Close <EventLoop"),
                                             HasSubstr("debug=true"))));
}

// Does `call` on a thread of its own while the loop, with or without debug
// mode, is running in this one.
void CallFromAnotherThread(bool debug,
                           const std::function<void(EventLoop&)>& call) {
  TestLoop test;
  test->SetDebug(debug);
  test->CallSoon([&] {
    std::thread([&] { call(test.loop()); }).join();
    test->Stop();
  });
  EXPECT_TRUE(test->RunForever().ok());
}

class WrongThreadDeathTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ::testing::GTEST_FLAG(death_test_style) = "threadsafe";
  }
};

// SOON-04, DBG-02
TEST_F(WrongThreadDeathTest, SchedulingFromTheWrongThreadAborts) {
  EXPECT_DEATH(CallFromAnotherThread(
                   true, [](EventLoop& loop) { loop.CallSoon([] {}); }),
               "non-thread-safe operation: CallSoon .*use CallSoonThreadsafe");
  EXPECT_DEATH(CallFromAnotherThread(true,
                                     [](EventLoop& loop) {
                                       loop.CallLater(absl::Seconds(1), [] {});
                                     }),
               "non-thread-safe operation: CallAt");
  EXPECT_DEATH(
      CallFromAnotherThread(
          true, [](EventLoop& loop) { loop.CallAt(loop.Time(), [] {}); }),
      "non-thread-safe operation: CallAt");
}

// DBG-02
TEST_F(WrongThreadDeathTest, WatchingFromTheWrongThreadAborts) {
  EXPECT_DEATH(CallFromAnotherThread(true,
                                     [](EventLoop& loop) {
                                       (void)loop.AddReader(kInventedFd, [] {});
                                     }),
               "non-thread-safe operation: AddReader");
  EXPECT_DEATH(
      CallFromAnotherThread(
          true, [](EventLoop& loop) { loop.RemoveWriter(kInventedFd); }),
      "non-thread-safe operation: RemoveWriter");
  EXPECT_DEATH(CallFromAnotherThread(true,
                                     [](EventLoop& loop) {
                                       (void)loop.WatchChild(
                                           7, [](pid_t, ExitStatus) {});
                                     }),
               "non-thread-safe operation: WatchChild");
  EXPECT_DEATH(CallFromAnotherThread(
                   true, [](EventLoop& loop) { loop.UnwatchChild(7); }),
               "non-thread-safe operation: UnwatchChild");
}

// DBG-09
TEST(RightThreadTest, CallSoonThreadsafeIsNeverChecked) {
  bool ok = false;
  CallFromAnotherThread(
      true, [&](EventLoop& loop) { ok = loop.CallSoonThreadsafe([] {}).ok(); });
  EXPECT_TRUE(ok);
}

// DBG-02
TEST(RightThreadTest, ALoopThatIsNotRunningMayBeUsedFromAnyThread) {
  TestLoop test;
  test->SetDebug(true);
  bool ran = false;
  std::thread([&] { test->CallSoon([&] { ran = true; }); }).join();
  EXPECT_TRUE(test.RunUntilIdle().ok());
  EXPECT_TRUE(ran);
}

// DBG-02: not its purpose, and a race; but without debug mode nobody checks.
TEST(RightThreadTest, NothingIsCheckedOutsideOfDebugMode) {
  bool returned = false;
  CallFromAnotherThread(false, [&](EventLoop& loop) {
    loop.CallSoon([] {}).Cancel();
    returned = true;
  });
  EXPECT_TRUE(returned);
}

}  // namespace
}  // namespace evkit
