// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Small programs of callbacks whose traces are those of the same programs on
// CPython's asyncio, in real time and with real threads.

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "evkit/loop/coro/future.h"
#include "evkit/loop/coro/run_until_complete.h"
#include "evkit/loop/default_event_loop.h"
#include "evkit/loop/fatal_exception.h"
#include "evkit/timers/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using ::testing::ElementsAre;

class ScenarioTest : public ::testing::Test {
 protected:
  void Log(std::string word) { trace_.push_back(std::move(word)); }
  std::function<void()> Logs(const std::string& word) {
    return [this, word] { Log(word); };
  }

  // Runs until `delay` is over and what is due then has run.
  void RunFor(absl::Duration delay) {
    loop_->CallLater(delay, [this] { loop_->Stop(); });
    EXPECT_TRUE(loop_->RunForever().ok());
  }

  static void BlockFor(absl::Duration duration) {
    const MonotonicTime end = Clock::Real().Now() + duration;
    while (Clock::Real().Now() < end) std::this_thread::yield();
  }

  const std::unique_ptr<EventLoop> loop_ = *NewDefaultEventLoop();
  std::vector<std::string> trace_;
};

TEST_F(ScenarioTest, D01_FirstInFirstOut) {
  loop_->CallSoon([this] {
    Log("a");
    loop_->CallSoon(Logs("e"));
  });
  loop_->CallSoon([this] {
    Log("b");
    loop_->CallSoon(Logs("d"));
  });
  loop_->CallSoon(Logs("c"));
  RunFor(absl::Milliseconds(5));
  EXPECT_THAT(trace_, ElementsAre("a", "b", "c", "e", "d"));
}

TEST_F(ScenarioTest, D03_CancelWithinTheBatch) {
  Handle y;
  loop_->CallSoon([&] {
    Log("x");
    y.Cancel();
  });
  y = loop_->CallSoon(Logs("y"));
  loop_->CallSoon(Logs("z"));
  RunFor(absl::Milliseconds(5));
  EXPECT_THAT(trace_, ElementsAre("x", "z"));
}

TEST_F(ScenarioTest, D05_ATimerCancelledByATimer) {
  TimerHandle second;
  loop_->CallLater(absl::Milliseconds(10), [&] {
    Log("first");
    second.Cancel();
  });
  second = loop_->CallLater(absl::Milliseconds(20), Logs("second"));
  loop_->CallSoon([] { BlockFor(absl::Milliseconds(40)); });
  RunFor(absl::Milliseconds(50));
  Log(second.cancelled() ? "cancelled True" : "cancelled False");
  EXPECT_THAT(trace_, ElementsAre("first", "cancelled True"));
}

TEST_F(ScenarioTest, D07_AZeroDelayFromACallback) {
  loop_->CallSoon([this] {
    loop_->CallLater(absl::ZeroDuration(), Logs("T"));
    loop_->CallSoon([this] {
      Log("S1");
      loop_->CallSoon(Logs("S2"));
    });
  });
  RunFor(absl::Milliseconds(5));
  EXPECT_THAT(trace_, ElementsAre("S1", "T", "S2"));
}

TEST_F(ScenarioTest, D41_StopAndTheStatesOfALoop) {
  loop_->CallSoon([this] {
    Log("a");
    loop_->CallSoon(Logs("b"));
  });
  loop_->Stop();
  EXPECT_TRUE(loop_->RunForever().ok());
  Log("returned");
  loop_->CallSoon([this] {
    Log("c");
    loop_->Stop();
    loop_->CallSoon([this] {
      Log("d");
      loop_->Stop();
    });
  });
  loop_->CallSoon(Logs("e"));
  EXPECT_TRUE(loop_->RunForever().ok());
  Log("again");
  const absl::StatusOr<int> stopped =
      RunUntilComplete(*loop_, CreateFuture<int>(*loop_));
  EXPECT_EQ(stopped.status().code(), absl::StatusCode::kFailedPrecondition);
  Log("RuntimeError");
  EXPECT_TRUE(loop_->Close().ok());
  EXPECT_TRUE(loop_->Close().ok());
  loop_->SetExceptionHandler(
      [this](AbstractEventLoop&, const ErrorContext& error) {
        EXPECT_EQ(error.status.code(), absl::StatusCode::kFailedPrecondition);
        Log("closed");
      });
  EXPECT_TRUE(loop_->CallSoon(Logs("f")).cancelled());
  EXPECT_THAT(trace_, ElementsAre("a", "returned", "b", "c", "e", "again", "d",
                                  "RuntimeError", "closed"));
}

#if defined(__cpp_exceptions)
class KeyboardInterrupt : public FatalException {};

TEST_F(ScenarioTest, AFatalExceptionLeavesTheRestOfTheBatchToTheNextRun) {
  loop_->CallSoon([this] {
    Log("a");
    loop_->CallSoon(Logs("d"));
  });
  loop_->CallSoon([this] {
    Log("b");
    throw KeyboardInterrupt();
  });
  loop_->CallSoon(Logs("c"));
  EXPECT_THROW((void)loop_->RunForever(), KeyboardInterrupt);
  Log("interrupted");
  RunFor(absl::Milliseconds(5));
  EXPECT_THAT(trace_, ElementsAre("a", "b", "interrupted", "c", "d"));
}
#endif

// SOON-04
// SOON-08
TEST_F(ScenarioTest, FourThreadsPostAThousandTimesEach) {
  constexpr size_t kThreads = 4;
  constexpr int kPosts = 1000;
  std::vector<std::vector<int>> arrived(kThreads);
  size_t left = kThreads * kPosts;
  std::vector<std::thread> threads;
  for (size_t thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (int post = 0; post < kPosts; ++post) {
        const absl::Status status =
            loop_->CallSoonThreadsafe([&, thread, post] {
              arrived[thread].push_back(post);
              if (--left == 0) loop_->Stop();
            });
        EXPECT_TRUE(status.ok());
      }
    });
  }
  // No timer: only the posts can end the sleeps.
  EXPECT_TRUE(loop_->RunForever().ok());
  for (std::thread& thread : threads) thread.join();
  std::vector<int> expected;
  for (int post = 0; post < kPosts; ++post) expected.push_back(post);
  for (const std::vector<int>& posts : arrived) EXPECT_EQ(posts, expected);
}

}  // namespace
}  // namespace evkit
