// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/executor/call_in_executor.h"

#include <atomic>
#include <exception>
#include <functional>
#include <latch>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "evkit/loop/context.h"
#include "evkit/loop/default_event_loop.h"
#include "evkit/loop/executor/default_executor.h"
#include "evkit/loop/executor/fake_executor.h"
#include "evkit/loop/executor/thread_pool_executor.h"
#include "evkit/loop/fatal_exception.h"
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

// Calls a function when the last copy is destroyed.
std::shared_ptr<void> AtEnd(std::function<void()> function) {
  return std::shared_ptr<void>(
      nullptr, [function = std::move(function)](void*) { function(); });
}

// Says on which thread the last copy was destroyed.
class Trace {
 public:
  std::shared_ptr<void> New() {
    return AtEnd([this] {
      thread_ = std::this_thread::get_id();
      gone_ = true;
    });
  }
  bool gone() const { return gone_; }
  bool gone_here() const {
    return gone_ && thread_ == std::this_thread::get_id();
  }

 private:
  std::thread::id thread_;
  std::atomic<bool> gone_{false};
};

// An executor and a loop that do what the test says.
class CallInExecutorTest : public ::testing::Test {
 protected:
  TestLoop test_;
  FakeExecutor executor_;
};

TEST_F(CallInExecutorTest, WorkIsTheExecutorsAndDoneTheLoops) {
  std::vector<std::string> events;
  ASSERT_TRUE(CallInExecutor(
                  test_.loop(), &executor_, [&] { events.push_back("work"); },
                  [&](const ExecutorOutcome& outcome) {
                    EXPECT_TRUE(outcome.status.ok());
                    EXPECT_EQ(outcome.exception, nullptr);
                    events.push_back("done");
                  })
                  .ok());
  EXPECT_TRUE(test_.RunUntilIdle().ok());
  EXPECT_THAT(events, ElementsAre());
  EXPECT_EQ(executor_.size(), 1u);
  executor_.RunAll();
  EXPECT_THAT(events, ElementsAre("work"));
  EXPECT_TRUE(test_.RunUntilIdle().ok());
  EXPECT_THAT(events, ElementsAre("work", "done"));
}

TEST_F(CallInExecutorTest, WorkIsDestroyedWhenItHasRunAndDoneWhenCalled) {
  Trace work;
  Trace done;
  absl::StatusOr<ExecutorCall> call = CallInExecutor(
      test_.loop(), &executor_, [trace = work.New()] {},
      [trace = done.New()](const ExecutorOutcome&) {});
  ASSERT_TRUE(call.ok());
  EXPECT_FALSE(work.gone());
  executor_.RunAll();
  EXPECT_TRUE(work.gone());
  EXPECT_FALSE(done.gone());
  EXPECT_TRUE(test_.RunUntilIdle().ok());
  EXPECT_TRUE(done.gone());
}

TEST_F(CallInExecutorTest, EachSideRunsInItsOwnCopyOfTheCallersContext) {
  static const ContextVar<std::string> variable("variable");
  std::vector<std::string> seen;
  test_->CallSoon([&] {
    variable.Set("caller's");
    ASSERT_TRUE(CallInExecutor(
                    test_.loop(), &executor_,
                    [&] {
                      seen.push_back("work: " + *variable.Get());
                      variable.Set("work's");
                    },
                    [&](const ExecutorOutcome&) {
                      seen.push_back("done: " + *variable.Get());
                      variable.Set("done's");
                    })
                    .ok());
    variable.Set("caller's later");
    test_->CallLater(absl::Seconds(1),
                     [&] { seen.push_back("afterwards: " + *variable.Get()); });
  });
  EXPECT_TRUE(test_.RunUntilIdle().ok());
  executor_.RunAll();
  EXPECT_EQ(variable.Get(), std::nullopt);
  EXPECT_TRUE(test_.RunUntilNothingIsLeft().ok());
  EXPECT_THAT(seen, ElementsAre("work: caller's", "done: caller's",
                                "afterwards: caller's later"));
}

TEST_F(CallInExecutorTest, CallsEndInTheOrderInWhichTheirWorkDoes) {
  std::vector<int> ended;
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(CallInExecutor(
                    test_.loop(), &executor_, [] {},
                    [&ended, i](const ExecutorOutcome&) { ended.push_back(i); })
                    .ok());
  }
  executor_.RunAll();
  EXPECT_TRUE(test_.RunUntilIdle().ok());
  EXPECT_THAT(ended, ElementsAre(0, 1, 2));
}

// --- Cancelling -------------------------------------------------------------

// EXE-04
TEST_F(CallInExecutorTest, CancelledBeforeItStartsNeitherSideIsCalled) {
  Trace work;
  Trace done;
  absl::StatusOr<ExecutorCall> call = CallInExecutor(
      test_.loop(), &executor_, [trace = work.New()] { FAIL(); },
      [trace = done.New()](const ExecutorOutcome&) { FAIL(); });
  ASSERT_TRUE(call.ok());
  EXPECT_TRUE(call->Cancel());
  EXPECT_TRUE(work.gone());
  EXPECT_TRUE(done.gone());
  EXPECT_TRUE(call->Cancel()) << "it still never ran";
  executor_.RunAll();
  EXPECT_TRUE(test_.RunUntilIdle().ok());
}

// EXE-04
TEST_F(CallInExecutorTest, CancelledWhileItRunsTheWorkGoesOnAndDoneIsDropped) {
  Trace done;
  std::optional<ExecutorCall> call;
  bool ran_to_its_end = false;
  absl::StatusOr<ExecutorCall> started = CallInExecutor(
      test_.loop(), &executor_,
      [&] {
        EXPECT_FALSE(call->Cancel());
        EXPECT_TRUE(done.gone());
        ran_to_its_end = true;
      },
      [trace = done.New()](const ExecutorOutcome&) { FAIL(); });
  ASSERT_TRUE(started.ok());
  call = *started;
  executor_.RunAll();
  EXPECT_TRUE(ran_to_its_end);
  EXPECT_TRUE(test_.RunUntilIdle().ok());
  EXPECT_FALSE(call->Cancel());
}

// EXE-04
TEST_F(CallInExecutorTest, CancelledAfterTheWorkAndBeforeDoneIsCalled) {
  absl::StatusOr<ExecutorCall> call = CallInExecutor(
      test_.loop(), &executor_, [] {}, [](const ExecutorOutcome&) { FAIL(); });
  ASSERT_TRUE(call.ok());
  executor_.RunAll();
  EXPECT_FALSE(call->Cancel());
  EXPECT_TRUE(test_.RunUntilIdle().ok());
}

TEST_F(CallInExecutorTest, DoneMayCancelItsOwnCallAndStartOthers) {
  ExecutorCall call;
  Trace done;
  int others = 0;
  absl::StatusOr<ExecutorCall> started = CallInExecutor(
      test_.loop(), &executor_, [] {},
      [&, trace = done.New()](const ExecutorOutcome&) {
        EXPECT_FALSE(call.Cancel());
        EXPECT_FALSE(done.gone());
        EXPECT_TRUE(CallInExecutor(
                        test_.loop(), &executor_, [] {},
                        [&](const ExecutorOutcome&) { ++others; })
                        .ok());
      });
  ASSERT_TRUE(started.ok());
  call = *started;
  executor_.RunAll();
  EXPECT_TRUE(test_.RunUntilIdle().ok());
  EXPECT_TRUE(done.gone());
  executor_.RunAll();
  EXPECT_TRUE(test_.RunUntilIdle().ok());
  EXPECT_EQ(others, 1);
  EXPECT_FALSE(ExecutorCall().Cancel());
}

// EXE-04
TEST_F(CallInExecutorTest, CancelledJobsLeaveTheQueueOfTheDefaultExecutor) {
  ThreadPoolExecutorOptions options;
  options.max_threads = 1;
  ASSERT_EQ(SetDefaultExecutor(test_.loop(),
                               std::make_unique<ThreadPoolExecutor>(options)),
            nullptr);
  ThreadPoolExecutor& pool = **DefaultExecutor(test_.loop());
  std::latch started(1);
  std::latch release(1);
  ASSERT_TRUE(pool.Submit([&] {
                    started.count_down();
                    release.wait();
                  })
                  .ok());
  started.wait();
  absl::StatusOr<ExecutorCall> call = CallInExecutor(
      test_.loop(), nullptr, [] { FAIL(); },
      [](const ExecutorOutcome&) { FAIL(); });
  ASSERT_TRUE(call.ok());
  EXPECT_THAT(pool.DebugString(), HasSubstr("queued=1"));
  EXPECT_TRUE(call->Cancel());
  EXPECT_THAT(pool.DebugString(), HasSubstr("queued=0"));
  release.count_down();
  EXPECT_TRUE(pool.Shutdown().ok());
}

// --- When things go wrong ---------------------------------------------------

TEST_F(CallInExecutorTest, RefusedByTheExecutorNeitherSideIsCalled) {
  Trace work;
  Trace done;
  executor_.Refuse(absl::ResourceExhaustedError("full"));
  const absl::StatusOr<ExecutorCall> call = CallInExecutor(
      test_.loop(), &executor_, [trace = work.New()] { FAIL(); },
      [trace = done.New()](const ExecutorOutcome&) { FAIL(); });
  EXPECT_EQ(call.status().message(), "full");
  EXPECT_TRUE(work.gone());
  EXPECT_TRUE(done.gone());
  EXPECT_TRUE(test_.RunUntilIdle().ok());
}

TEST_F(CallInExecutorTest, DroppedByTheExecutorDoneIsCalledWithCancelled) {
  Trace work;
  absl::Status status;
  absl::StatusOr<ExecutorCall> call = CallInExecutor(
      test_.loop(), &executor_, [trace = work.New()] { FAIL(); },
      [&](const ExecutorOutcome& outcome) { status = outcome.status; });
  ASSERT_TRUE(call.ok());
  EXPECT_TRUE(executor_.DropNext());
  EXPECT_TRUE(work.gone());
  EXPECT_TRUE(test_.RunUntilIdle().ok());
  EXPECT_EQ(status.code(), absl::StatusCode::kCancelled);
  EXPECT_TRUE(call->Cancel()) << "it never ran";
}

// EXE-05
TEST_F(CallInExecutorTest, AfterItsShutdownOnlyExplicitExecutorsWork) {
  EXPECT_TRUE(ShutdownDefaultExecutor(test_.loop(), absl::InfiniteDuration(),
                                      [](const absl::Status&) {})
                  .ok());
  Trace work;
  const absl::StatusOr<ExecutorCall> refused = CallInExecutor(
      test_.loop(), nullptr, [trace = work.New()] { FAIL(); },
      [](const ExecutorOutcome&) { FAIL(); });
  EXPECT_TRUE(IsRefused(refused.status()));
  EXPECT_EQ(refused.status().message(), "Executor shutdown has been called");
  EXPECT_TRUE(work.gone());
  bool done = false;
  EXPECT_TRUE(CallInExecutor(
                  test_.loop(), &executor_, [] {},
                  [&](const ExecutorOutcome&) { done = true; })
                  .ok());
  executor_.RunAll();
  EXPECT_TRUE(test_.RunUntilIdle().ok());
  EXPECT_TRUE(done);
}

// EXE-05
TEST_F(CallInExecutorTest, AfterCloseNoExecutorWorks) {
  EXPECT_TRUE(test_->Close().ok());
  for (Executor* const executor : std::vector<Executor*>{&executor_, nullptr}) {
    EXPECT_TRUE(IsRefused(CallInExecutor(
                              test_.loop(), executor, [] { FAIL(); },
                              [](const ExecutorOutcome&) { FAIL(); })
                              .status()));
  }
  EXPECT_EQ(executor_.size(), 0u);
}

TEST(CallInExecutorDeathTest, NullIsABug) {
  TestLoop test;
  FakeExecutor executor;
  EXPECT_DEATH((void)CallInExecutor(test.loop(), &executor, nullptr,
                                    [](const ExecutorOutcome&) {}),
               "work is null");
  EXPECT_DEATH((void)CallInExecutor(
                   test.loop(), &executor, [] {}, nullptr),
               "done is null");
}

#if defined(__cpp_exceptions)

TEST_F(CallInExecutorTest, bug_L6_WhatTheWorkThrowsIsGivenToDone) {
  Trace work;
  std::string thrown;
  ASSERT_TRUE(CallInExecutor(
                  test_.loop(), &executor_,
                  [trace = work.New()] { throw std::runtime_error("no disk"); },
                  [&](const ExecutorOutcome& outcome) {
                    EXPECT_EQ(outcome.status,
                              absl::UnknownError("the work threw: no disk"));
                    try {
                      std::rethrow_exception(outcome.exception);
                    } catch (const std::runtime_error& error) {
                      thrown = error.what();
                    }
                  })
                  .ok());
  executor_.RunAll();
  EXPECT_TRUE(work.gone());
  EXPECT_TRUE(test_.RunUntilIdle().ok());
  EXPECT_EQ(thrown, "no disk");
  EXPECT_THAT(test_.log(), ElementsAre());
}

TEST_F(CallInExecutorTest, bug_L6_FatalExceptionsCrossThreadsToo) {
  class Fatal : public FatalException {
   public:
    const char* what() const noexcept override { return "fatal"; }
  };
  bool done = false;
  ThreadPoolExecutor pool;
  ASSERT_TRUE(CallInExecutor(
                  test_.loop(), &pool, [] { throw Fatal(); },
                  [&](const ExecutorOutcome& outcome) {
                    done = true;
                    std::rethrow_exception(outcome.exception);
                  })
                  .ok());
  EXPECT_TRUE(pool.Shutdown().ok());
  EXPECT_THROW((void)test_.RunUntilIdle(), Fatal);
  EXPECT_TRUE(done);
}

TEST_F(CallInExecutorTest, WhatDoneThrowsIsReportedByTheLoop) {
  ASSERT_TRUE(CallInExecutor(
                  test_.loop(), &executor_, [] {},
                  [](const ExecutorOutcome&) {
                    throw std::runtime_error("thrown by done");
                  })
                  .ok());
  executor_.RunAll();
  EXPECT_TRUE(test_.RunUntilIdle().ok());
  EXPECT_THAT(test_.log(), ElementsAre(HasSubstr("thrown by done")));
}

TEST_F(CallInExecutorTest, bug_L6_WorkThatThrowsWhenTheLoopIsGoneIsDropped) {
  static std::atomic<int> alive{0};
  class Thrown : public std::exception {
   public:
    Thrown() { ++alive; }
    Thrown(const Thrown&) { ++alive; }
    ~Thrown() override { --alive; }
  };
  ThreadPoolExecutor pool;
  std::latch release(1);
  ASSERT_TRUE(CallInExecutor(
                  test_.loop(), &pool,
                  [&] {
                    release.wait();
                    throw Thrown();
                  },
                  [](const ExecutorOutcome&) { FAIL(); })
                  .ok());
  EXPECT_TRUE(test_->Close().ok());
  release.count_down();
  EXPECT_TRUE(pool.Shutdown().ok());
  EXPECT_EQ(alive.load(), 0);
}

#endif

// --- Loops that go ----------------------------------------------------------

// EXE-08
TEST_F(CallInExecutorTest, bug_L4_WorkThatEndsAfterTheLoopIsDropped) {
  auto test = std::make_unique<TestLoop>();
  Trace result;
  Trace done;
  auto shared = result.New();
  absl::StatusOr<ExecutorCall> call = CallInExecutor(
      test->loop(), &executor_, [shared] {},
      [shared, trace = done.New()](const ExecutorOutcome&) { FAIL(); });
  shared.reset();
  ASSERT_TRUE(call.ok());
  EXPECT_TRUE((*test)->Close().ok());
  EXPECT_TRUE(done.gone()) << "destroyed by Close()";
  EXPECT_FALSE(result.gone());
  test.reset();
  executor_.RunAll();
  EXPECT_TRUE(result.gone());
  EXPECT_FALSE(call->Cancel());
}

// EXE-08
TEST_F(CallInExecutorTest, bug_L6_DoneDiesOnTheLoopsThreadTheWorkOnItsOwn) {
  auto test = std::make_unique<TestLoop>();
  ThreadPoolExecutor pool;
  Trace work;
  Trace result;
  Trace done;
  auto shared = result.New();
  std::latch release(1);
  ASSERT_TRUE(
      CallInExecutor(
          test->loop(), &pool,
          [&release, shared, trace = work.New()] { release.wait(); },
          [shared, trace = done.New()](const ExecutorOutcome&) { FAIL(); })
          .ok());
  shared.reset();
  test.reset();
  EXPECT_TRUE(done.gone_here());
  EXPECT_FALSE(work.gone());
  release.count_down();
  EXPECT_TRUE(pool.Shutdown().ok());
  EXPECT_TRUE(work.gone());
  EXPECT_FALSE(work.gone_here());
  EXPECT_TRUE(result.gone());
  EXPECT_FALSE(result.gone_here());
}

// EXE-08
TEST_F(CallInExecutorTest, EndThatIsQueuedWhenTheLoopIsClosedIsDropped) {
  Trace done;
  ASSERT_TRUE(CallInExecutor(
                  test_.loop(), &executor_, [] {},
                  [trace = done.New()](const ExecutorOutcome&) { FAIL(); })
                  .ok());
  executor_.RunAll();
  EXPECT_TRUE(test_->Close().ok());
  EXPECT_TRUE(done.gone());
}

TEST_F(CallInExecutorTest, WhatCloseDestroysMayCancelAndCall) {
  std::vector<ExecutorCall> calls;
  int destroyed = 0;
  for (int i = 0; i < 3; ++i) {
    absl::StatusOr<ExecutorCall> call = CallInExecutor(
        test_.loop(), &executor_, [] { FAIL(); },
        [at_end = AtEnd([&] {
           ++destroyed;
           for (ExecutorCall& other : calls) EXPECT_TRUE(other.Cancel());
           EXPECT_TRUE(IsRefused(CallInExecutor(
                                     test_.loop(), &executor_, [] { FAIL(); },
                                     [](const ExecutorOutcome&) { FAIL(); })
                                     .status()));
         })](const ExecutorOutcome&) { FAIL(); });
    ASSERT_TRUE(call.ok());
    calls.push_back(*call);
  }
  EXPECT_TRUE(test_->Close().ok());
  EXPECT_EQ(destroyed, 3);
  executor_.RunAll();
}

// --- With real threads ------------------------------------------------------

TEST(CallInExecutorThreadsTest, SleepingLoopIsWokenWithTheResult) {
  const std::unique_ptr<EventLoop> loop = *NewDefaultEventLoop();
  const std::thread::id here = std::this_thread::get_id();
  auto result = std::make_shared<std::thread::id>();
  bool done = false;
  ASSERT_TRUE(CallInExecutor(
                  *loop, nullptr,
                  [result] { *result = std::this_thread::get_id(); },
                  [&, result](const ExecutorOutcome& outcome) {
                    EXPECT_TRUE(outcome.status.ok());
                    EXPECT_EQ(std::this_thread::get_id(), here);
                    EXPECT_NE(*result, here);
                    EXPECT_NE(*result, std::thread::id());
                    done = true;
                    loop->Stop();
                  })
                  .ok());
  EXPECT_TRUE(loop->RunForever().ok());
  EXPECT_TRUE(done);
}

TEST(CallInExecutorThreadsTest, EveryCallEndsOnceWhateverIsCancelled) {
  const std::unique_ptr<EventLoop> loop = *NewDefaultEventLoop();
  constexpr int kCalls = 10'000;
  std::atomic<int> worked{0};
  int done = 0;
  int prevented = 0;
  int dropped = 0;
  for (int i = 0; i < kCalls; ++i) {
    absl::StatusOr<ExecutorCall> call = CallInExecutor(
        *loop, nullptr, [&] { ++worked; },
        [&](const ExecutorOutcome& outcome) {
          EXPECT_TRUE(outcome.status.ok());
          ++done;
        });
    ASSERT_TRUE(call.ok());
    if (i % 3 == 0) ++(call->Cancel() ? prevented : dropped);
  }
  EXPECT_TRUE(ShutdownDefaultExecutor(*loop, absl::InfiniteDuration(),
                                      [&](const absl::Status& status) {
                                        EXPECT_TRUE(status.ok());
                                        loop->Stop();
                                      })
                  .ok());
  EXPECT_TRUE(loop->RunForever().ok());
  EXPECT_EQ(worked.load(), kCalls - prevented);
  EXPECT_EQ(done, kCalls - prevented - dropped);
}

TEST(CallInExecutorThreadsTest, bug_L4_LoopsMayGoAtAnyMomentOfTheWork) {
  ThreadPoolExecutorOptions options;
  options.max_threads = 4;
  ThreadPoolExecutor pool(options);
  std::atomic<int> alive{0};
  std::atomic<int> worked{0};
  int rounds_with_work_left = 0;
  for (int round = 0; round < 200; ++round) {
    std::unique_ptr<EventLoop> loop = *NewDefaultEventLoop();
    int left = 50;
    const int work_before_close = worked.load() + round % 50;
    for (int i = 0; i < 50; ++i) {
      ++alive;
      ASSERT_TRUE(CallInExecutor(
                      *loop, &pool,
                      [&, at_end = AtEnd([&] { --alive; })] { ++worked; },
                      [&](const ExecutorOutcome&) {
                        if (--left == 0) loop->Stop();
                      })
                      .ok());
    }
    if (round % 2 == 0) {
      while (worked.load() < work_before_close) std::this_thread::yield();
      loop->Stop();
    }
    EXPECT_TRUE(loop->RunForever().ok());
    if (left > 0) ++rounds_with_work_left;
    loop.reset();
  }
  EXPECT_TRUE(pool.Shutdown().ok());
  EXPECT_EQ(alive.load(), 0);
  EXPECT_EQ(worked.load(), 200 * 50);
  EXPECT_LE(rounds_with_work_left, 100);
}

}  // namespace
}  // namespace evkit
