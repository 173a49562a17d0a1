// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/executor/default_executor.h"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <latch>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "evkit/base/fault_injection.h"
#include "evkit/loop/context.h"
#include "evkit/loop/default_event_loop.h"
#include "evkit/loop/error_context.h"
#include "evkit/loop/testing/test_loop.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

bool IsRefused(const absl::Status& status) {
  return status.code() == absl::StatusCode::kFailedPrecondition;
}

bool IsTimeout(const absl::Status& status) {
  return status.code() == absl::StatusCode::kDeadlineExceeded;
}

// A job of the loop's default executor that runs until it is released.
class StuckJob {
 public:
  explicit StuckJob(AbstractEventLoop& loop) {
    absl::StatusOr<ThreadPoolExecutor*> executor = DefaultExecutor(loop);
    EXPECT_TRUE(executor.ok());
    EXPECT_TRUE((*executor)
                    ->Submit([state = state_] {
                      state->started.count_down();
                      state->release.wait();
                      state->ended.count_down();
                    })
                    .ok());
    state_->started.wait();
  }
  ~StuckJob() { Release(); }
  void Release() {
    if (std::exchange(released_, true)) return;
    state_->release.count_down();
    state_->ended.wait();
  }

 private:
  struct State {
    std::latch started{1};
    std::latch release{1};
    std::latch ended{1};
  };
  // Shared by the test and the job.
  const std::shared_ptr<State> state_ = std::make_shared<State>();
  bool released_ = false;
};

// EXE-02
TEST(DefaultExecutorTest, IsMadeWhenFirstAskedForAndThenTheSame) {
  FaultInjection faults;
  TestLoop test;
  const absl::StatusOr<ThreadPoolExecutor*> executor =
      DefaultExecutor(test.loop());
  ASSERT_TRUE(executor.ok());
  EXPECT_EQ(*DefaultExecutor(test.loop()), *executor);
  EXPECT_EQ(faults.Count("pthread_create"), 0);
  TestLoop other;
  EXPECT_NE(*DefaultExecutor(other.loop()), *executor);
}

// EXE-02
TEST(DefaultExecutorTest, HasTheDefaultSizeAndName) {
  cpu_set_t cpus;
  ASSERT_EQ(sched_getaffinity(0, sizeof(cpus), &cpus), 0);
  const int expected_threads = std::min(32, CPU_COUNT(&cpus) + 4);
  FaultInjection faults;
  TestLoop test;
  ThreadPoolExecutor& executor = **DefaultExecutor(test.loop());
  std::latch release(1);
  std::atomic<int> wrong_names{0};
  for (int i = 0; i < expected_threads + 10; ++i) {
    EXPECT_TRUE(executor
                    .Submit([&] {
                      char name[16] = {};
                      pthread_getname_np(pthread_self(), name, sizeof(name));
                      if (std::string(name).rfind("evkit_", 0) != 0) {
                        ++wrong_names;
                      }
                      release.wait();
                    })
                    .ok());
  }
  EXPECT_EQ(faults.Count("pthread_create"), expected_threads);
  release.count_down();
  EXPECT_TRUE(executor.Shutdown().ok());
  EXPECT_EQ(wrong_names.load(), 0);
}

// EXE-06
TEST(DefaultExecutorTest, AnotherTakesItsPlaceAndItIsNotShutDown) {
  TestLoop test;
  auto mine = std::make_unique<ThreadPoolExecutor>();
  ThreadPoolExecutor* const raw = mine.get();
  EXPECT_EQ(SetDefaultExecutor(test.loop(), std::move(mine)), nullptr);
  EXPECT_EQ(*DefaultExecutor(test.loop()), raw);
  const std::unique_ptr<ThreadPoolExecutor> old =
      SetDefaultExecutor(test.loop(), std::make_unique<ThreadPoolExecutor>());
  EXPECT_EQ(old.get(), raw);
  EXPECT_NE(*DefaultExecutor(test.loop()), raw);
  bool ran = false;
  EXPECT_TRUE(old->Submit([&] { ran = true; }).ok());
  EXPECT_TRUE(old->Shutdown().ok());
  EXPECT_TRUE(ran);
}

// EXE-05, RUN-32
TEST(DefaultExecutorTest, AfterItsShutdownThereIsNoneAnyMore) {
  TestLoop test;
  ASSERT_TRUE(DefaultExecutor(test.loop()).ok());
  EXPECT_TRUE(ShutdownDefaultExecutor(test.loop(), absl::InfiniteDuration(),
                                      [](const absl::Status&) {})
                  .ok());
  const absl::Status refused = DefaultExecutor(test.loop()).status();
  EXPECT_TRUE(IsRefused(refused));
  EXPECT_EQ(refused.message(), "Executor shutdown has been called");
  // Not even one that is set afterwards.
  EXPECT_NE(
      SetDefaultExecutor(test.loop(), std::make_unique<ThreadPoolExecutor>()),
      nullptr);
  EXPECT_TRUE(IsRefused(DefaultExecutor(test.loop()).status()));
}

// EXE-05, RUN-25
TEST(DefaultExecutorTest, ClosedLoopHasNone) {
  TestLoop test;
  ASSERT_TRUE(DefaultExecutor(test.loop()).ok());
  EXPECT_TRUE(test->Close().ok());
  EXPECT_TRUE(IsRefused(DefaultExecutor(test.loop()).status()));
  EXPECT_TRUE(
      IsRefused(ShutdownDefaultExecutor(test.loop(), absl::InfiniteDuration(),
                                        [](const absl::Status&) { FAIL(); })));
}

// RUN-25: and what was queued still runs.
TEST(DefaultExecutorTest, CloseDoesNotWaitForJobs) {
  TestLoop test;
  ThreadPoolExecutorOptions options;
  options.max_threads = 1;
  EXPECT_EQ(SetDefaultExecutor(test.loop(),
                               std::make_unique<ThreadPoolExecutor>(options)),
            nullptr);
  StuckJob stuck(test.loop());
  auto ran = std::make_shared<std::latch>(1);
  EXPECT_TRUE((*DefaultExecutor(test.loop()))
                  ->Submit([ran] { ran->count_down(); })
                  .ok());
  EXPECT_TRUE(test->Close().ok());
  EXPECT_FALSE(ran->try_wait());
  stuck.Release();
  ran->wait();
}

// RUN-32
TEST(DefaultExecutorTest, LoopGoesOnWhileItIsShutDown) {
  const std::unique_ptr<EventLoop> loop = *NewDefaultEventLoop();
  StuckJob stuck(*loop);
  std::atomic<bool> queued_job_ran{false};
  EXPECT_TRUE(
      (*DefaultExecutor(*loop))->Submit([&] { queued_job_ran = true; }).ok());
  std::vector<std::string> events;
  EXPECT_TRUE(ShutdownDefaultExecutor(*loop, absl::InfiniteDuration(),
                                      [&](const absl::Status& status) {
                                        EXPECT_TRUE(status.ok());
                                        EXPECT_TRUE(queued_job_ran.load());
                                        events.push_back("shut down");
                                        loop->Stop();
                                      })
                  .ok());
  loop->CallLater(absl::Milliseconds(1), [&] {
    events.push_back("timer");
    stuck.Release();
  });
  EXPECT_TRUE(loop->RunForever().ok());
  EXPECT_THAT(events, ElementsAre("timer", "shut down"));
}

// RUN-33
TEST(DefaultExecutorTest, ShutdownOfOneThatWasNeverMadeEndsInTheNextTurn) {
  TestLoop test;
  std::vector<std::string> events;
  EXPECT_TRUE(ShutdownDefaultExecutor(test.loop(), absl::ZeroDuration(),
                                      [&](const absl::Status& status) {
                                        EXPECT_TRUE(status.ok());
                                        events.push_back("done");
                                      })
                  .ok());
  events.push_back("returned");
  EXPECT_TRUE(test.RunUntilIdle().ok());
  EXPECT_THAT(events, ElementsAre("returned", "done"));
  EXPECT_TRUE(IsRefused(DefaultExecutor(test.loop()).status()));
}

// RUN-34
TEST(DefaultExecutorTest, bug_L3_ShutdownGivesUpAfterItsTimeout) {
  TestLoop test;
  StuckJob stuck(test.loop());
  std::optional<absl::Status> result;
  EXPECT_TRUE(ShutdownDefaultExecutor(
                  test.loop(), absl::Seconds(300),
                  [&](absl::Status status) { result = std::move(status); })
                  .ok());
  EXPECT_TRUE(test.FastForwardBy(absl::Seconds(299)).ok());
  EXPECT_FALSE(result.has_value());
  EXPECT_TRUE(test.FastForwardBy(absl::Seconds(1)).ok());
  ASSERT_TRUE(result.has_value());
  EXPECT_TRUE(IsTimeout(*result));
  EXPECT_THAT(test.log(), ElementsAre(HasSubstr("within 5m; threads")));
  // Closing the loop and leaving do not wait for it either.
}

// RUN-34
TEST(DefaultExecutorTest, ReportOfTheTimeoutGoesToTheExceptionHandler) {
  TestLoop test;
  StuckJob stuck(test.loop());
  std::vector<std::string> events;
  test->SetExceptionHandler([&](AbstractEventLoop&, const ErrorContext& error) {
    EXPECT_TRUE(IsTimeout(error.status));
    events.push_back("reported");
  });
  EXPECT_TRUE(ShutdownDefaultExecutor(
                  test.loop(), absl::Seconds(1),
                  [&](const absl::Status&) { events.push_back("done"); })
                  .ok());
  EXPECT_TRUE(test.FastForwardBy(absl::Seconds(1)).ok());
  EXPECT_THAT(events, ElementsAre("reported", "done"));
}

// RUN-35
TEST(DefaultExecutorTest, TimeoutOfZeroOrLessIsOverInTheNextTurn) {
  for (const absl::Duration timeout :
       {absl::ZeroDuration(), absl::Seconds(-1), -absl::InfiniteDuration()}) {
    TestLoop test;
    StuckJob stuck(test.loop());
    std::optional<absl::Status> result;
    EXPECT_TRUE(
        ShutdownDefaultExecutor(test.loop(), timeout, [&](absl::Status status) {
          result = std::move(status);
        }).ok());
    EXPECT_FALSE(result.has_value());
    EXPECT_TRUE(test.RunUntilIdle().ok());
    ASSERT_TRUE(result.has_value());
    EXPECT_TRUE(IsTimeout(*result));
  }
}

TEST(DefaultExecutorTest, EachShutdownHasItsOwnTimeout) {
  TestLoop test;
  StuckJob stuck(test.loop());
  std::vector<std::string> events;
  const auto shutdown = [&](absl::Duration timeout, const std::string& name) {
    EXPECT_TRUE(ShutdownDefaultExecutor(
                    test.loop(), timeout,
                    [&events, name](const absl::Status& status) {
                      events.push_back(name + (status.ok() ? " ok" : " late"));
                    })
                    .ok());
  };
  shutdown(absl::Seconds(2), "second");
  shutdown(absl::Seconds(1), "first");
  shutdown(absl::InfiniteDuration(), "third");
  EXPECT_TRUE(test.FastForwardBy(absl::Seconds(5)).ok());
  EXPECT_THAT(events, ElementsAre("first late", "second late"));
  shutdown(absl::InfiniteDuration(), "fourth");
  stuck.Release();
  while (events.size() < 4) {
    EXPECT_TRUE(test.RunUntilIdle().ok());
    std::this_thread::yield();
  }
  shutdown(absl::ZeroDuration(), "fifth");
  EXPECT_TRUE(test.RunUntilIdle().ok());
  EXPECT_THAT(events, ElementsAre("first late", "second late", "third ok",
                                  "fourth ok", "fifth ok"));
}

TEST(DefaultExecutorTest, DoneRunsInACopyOfTheCallersContext) {
  static const ContextVar<int> variable("variable");
  const std::unique_ptr<EventLoop> loop = *NewDefaultEventLoop();
  ASSERT_TRUE((*DefaultExecutor(*loop))->Submit([] {}).ok());
  std::optional<int> seen;
  Context context;
  context.Run([&] {
    variable.Set(7);
    EXPECT_TRUE(ShutdownDefaultExecutor(*loop, absl::InfiniteDuration(),
                                        [&](const absl::Status&) {
                                          seen = variable.Get();
                                          loop->Stop();
                                        })
                    .ok());
    variable.Set(8);
  });
  EXPECT_TRUE(loop->RunForever().ok());
  EXPECT_EQ(seen, 7);
}

TEST(DefaultExecutorTest, LoopThatIsClosedMeanwhileDropsDone) {
  auto test = std::make_unique<TestLoop>();
  StuckJob stuck(test->loop());
  auto alive = std::make_shared<int>();
  for (const absl::Duration timeout :
       {absl::Seconds(1), absl::InfiniteDuration()}) {
    EXPECT_TRUE(
        ShutdownDefaultExecutor(test->loop(), timeout,
                                [alive](const absl::Status&) { FAIL(); })
            .ok());
  }
  EXPECT_EQ(alive.use_count(), 3);
  EXPECT_TRUE((*test)->Close().ok());
  EXPECT_EQ(alive.use_count(), 1);
  test.reset();
}

TEST(DefaultExecutorDeathTest, NullIsABug) {
  TestLoop test;
  EXPECT_DEATH((void)SetDefaultExecutor(test.loop(), nullptr),
               "executor is null");
  EXPECT_DEATH(
      (void)ShutdownDefaultExecutor(test.loop(), absl::Seconds(1), nullptr),
      "done is null");
}

}  // namespace
}  // namespace evkit
