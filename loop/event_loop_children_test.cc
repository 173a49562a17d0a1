// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Children watched by a loop: invented ones on a test loop, real ones on the
// default loop.

#include <sys/wait.h>

#include <cerrno>
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
#include "evkit/loop/default_event_loop.h"
#include "evkit/loop/descriptor_testing.h"
#include "evkit/loop/event_loop.h"
#include "evkit/loop/testing/test_loop.h"
#include "evkit/policy/running_loop.h"
#include "evkit/selectors/fake_selector.h"
#include "evkit/subprocess/exit_status.h"
#include "evkit/subprocess/fake_child_watcher.h"
#include "evkit/subprocess/spawn.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

// Thread sanitizer takes a child that shares the memory for a fork, after which
// it does not want to see new threads.
extern "C" const char* __tsan_default_options() { return "die_after_fork=0"; }

namespace evkit {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Optional;

constexpr pid_t kPid = 4711;

class FakeChildrenTest : public ::testing::Test {
 protected:
  // A callback that notes the code with which the child ended.
  auto Note() {
    return [this](pid_t, ExitStatus status) {
      codes_.push_back(status.returncode());
    };
  }

  TestLoop test_;
  std::vector<int> codes_;
};

TEST_F(FakeChildrenTest, ExitIsReportedInACallbackOfTheLoop) {
  ASSERT_TRUE(test_
                  ->WatchChild(kPid,
                               [&](pid_t pid, ExitStatus status) {
                                 EXPECT_EQ(pid, kPid);
                                 EXPECT_EQ(status, ExitStatus::Signaled(15));
                                 EXPECT_EQ(GetRunningLoopOrNull(),
                                           &test_.loop());
                                 Note()(pid, status);
                               })
                  .ok());
  EXPECT_TRUE(test_.RunUntilIdle().ok());
  EXPECT_THAT(codes_, IsEmpty());
  test_.children().Exit(kPid, ExitStatus::Signaled(15));
  EXPECT_THAT(codes_, IsEmpty());
  EXPECT_TRUE(test_.RunUntilIdle().ok());
  EXPECT_THAT(codes_, ElementsAre(-15));
  EXPECT_FALSE(test_->UnwatchChild(kPid));
}

TEST_F(FakeChildrenTest, ChildThatIsGoneAlreadyIsNotReportedInsideTheWatch) {
  test_.children().Exit(kPid, ExitStatus::Exited(3));
  ASSERT_TRUE(test_->WatchSpawnedChild(kPid, -1, Note()).ok());
  EXPECT_THAT(codes_, IsEmpty());
  EXPECT_TRUE(test_.RunUntilIdle().ok());
  EXPECT_THAT(codes_, ElementsAre(3));
}

TEST_F(FakeChildrenTest, UnwatchedChildIsNotReported) {
  ASSERT_TRUE(test_->WatchChild(kPid, Note()).ok());
  EXPECT_TRUE(test_->UnwatchChild(kPid));
  EXPECT_FALSE(test_->UnwatchChild(kPid));
  test_.children().Exit(kPid, ExitStatus::Exited(0));
  EXPECT_TRUE(test_.RunUntilIdle().ok());
  EXPECT_THAT(codes_, IsEmpty());
}

TEST_F(FakeChildrenTest, ReportThatIsQueuedAlreadyStillRunsAfterUnwatch) {
  ASSERT_TRUE(test_->WatchChild(kPid, Note()).ok());
  test_.children().Exit(kPid, ExitStatus::Exited(3));
  std::optional<bool> was_watched;
  // Timers run after descriptors in a turn, and the report in the next one.
  test_->CallLater(absl::ZeroDuration(),
                   [&] { was_watched = test_->UnwatchChild(kPid); });
  EXPECT_TRUE(test_.RunUntilIdle().ok());
  EXPECT_THAT(was_watched, Optional(false));
  EXPECT_THAT(codes_, ElementsAre(3));
}

TEST_F(FakeChildrenTest, SecondWatchTakesThePlaceOfTheFirst) {
  auto owned = std::make_shared<int>();
  ASSERT_TRUE(
      test_->WatchChild(kPid, [owned](pid_t, ExitStatus) { FAIL(); }).ok());
  ASSERT_TRUE(test_->WatchChild(kPid, Note()).ok());
  EXPECT_EQ(owned.use_count(), 1);
  test_.children().Exit(kPid, ExitStatus::Exited(3));
  EXPECT_TRUE(test_.RunUntilIdle().ok());
  EXPECT_THAT(codes_, ElementsAre(3));
}

TEST_F(FakeChildrenTest, CallbackMayWatchTheNextChild) {
  ASSERT_TRUE(test_
                  ->WatchChild(kPid,
                               [&](pid_t pid, ExitStatus status) {
                                 Note()(pid, status);
                                 ASSERT_TRUE(
                                     test_->WatchChild(kPid + 1, Note()).ok());
                               })
                  .ok());
  test_.children().Exit(kPid, ExitStatus::Exited(1));
  test_.children().Exit(kPid + 1, ExitStatus::Exited(2));
  EXPECT_TRUE(test_.RunUntilIdle().ok());
  EXPECT_THAT(codes_, ElementsAre(1, 2));
}

TEST_F(FakeChildrenTest, WhatTheWatcherRefusesIsReturned) {
  EXPECT_EQ(test_->WatchChild(-1, Note()).code(),
            absl::StatusCode::kInvalidArgument);
  test_.children().FailWatch(absl::ResourceExhaustedError("no more"));
  EXPECT_EQ(test_->WatchChild(kPid, Note()).code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(test_->WatchSpawnedChild(kPid, -1, Note()).code(),
            absl::StatusCode::kResourceExhausted);
  test_.children().FailWatch(absl::OkStatus());
  EXPECT_TRUE(test_->WatchChild(kPid, Note()).ok());
}

TEST_F(FakeChildrenTest, ClosedLoopRefusesAndForgetsWhatItWatched) {
  auto owned = std::make_shared<int>();
  ASSERT_TRUE(
      test_->WatchChild(kPid, [owned](pid_t, ExitStatus) { FAIL(); }).ok());
  ASSERT_TRUE(test_->Close().ok());
  EXPECT_EQ(owned.use_count(), 1);
  EXPECT_EQ(test_->WatchChild(kPid, Note()).code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(test_->WatchSpawnedChild(kPid, -1, Note()).code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_FALSE(test_->UnwatchChild(kPid));
}

TEST(EventLoopWithoutChildWatcherTest, SaysThatItCannotWatchChildren) {
  EventLoopOptions options;
  options.selector = std::make_unique<FakeSelector>();
  const auto loop = EventLoop::Create(std::move(options));
  ASSERT_TRUE(loop.ok());
  const auto ignore = [](pid_t, ExitStatus) {};
  EXPECT_EQ((*loop)->WatchChild(kPid, ignore).code(),
            absl::StatusCode::kUnimplemented);
  EXPECT_EQ((*loop)->WatchSpawnedChild(kPid, -1, ignore).code(),
            absl::StatusCode::kUnimplemented);
  EXPECT_FALSE((*loop)->UnwatchChild(kPid));
}

TEST(EventLoopChildrenDeathTest, NullCallbackIsABug) {
  ::testing::GTEST_FLAG(death_test_style) = "threadsafe";
  TestLoop test;
  EXPECT_DEATH((void)test->WatchChild(kPid, nullptr), "on_exit is null");
}

// A child that does what a shell is told.
Child Shell(const std::string& command) {
  SpawnOptions options;
  options.argv = {"/bin/sh", "-c", command};
  absl::StatusOr<Child> child = Spawn(options);
  EXPECT_TRUE(child.ok()) << child.status();
  return *std::move(child);
}

bool IsReaped(pid_t pid) {
  return ::waitpid(pid, nullptr, WNOHANG) == -1 && errno == ECHILD;
}

// WATCH-02
TEST(RealChildrenTest, ExitIsReportedAndTheChildReaped) {
  const std::set<int> before = OpenDescriptors();
  {
    const auto loop = NewDefaultEventLoop();
    ASSERT_TRUE(loop.ok());
    for (const auto& [command, expected] :
         {std::pair("exit 3", 3), std::pair("kill -TERM $$", -15)}) {
      const Child child = Shell(command);
      int code = 0;
      ASSERT_TRUE((*loop)
                      ->WatchSpawnedChild(
                          child.pid, child.pidfd.get(),
                          [&, pid = child.pid](pid_t whose, ExitStatus status) {
                            EXPECT_EQ(whose, pid);
                            code = status.returncode();
                            (*loop)->Stop();
                          })
                      .ok());
      EXPECT_TRUE((*loop)->RunForever().ok());
      EXPECT_EQ(code, expected);
      EXPECT_TRUE(IsReaped(child.pid));
    }
  }
  EXPECT_EQ(OpenDescriptors(), before);
}

// WATCH-03
TEST(RealChildrenTest, ChildThatSomebodyElseReapedIsReportedAsUnknown) {
  const auto loop = NewDefaultEventLoop();
  ASSERT_TRUE(loop.ok());
  const Child child = Shell("exit 3");
  ASSERT_EQ(::waitpid(child.pid, nullptr, 0), child.pid);
  std::vector<ExitStatus> statuses;
  const auto note = [&](pid_t, ExitStatus status) {
    statuses.push_back(status);
    (*loop)->Stop();
  };
  EXPECT_EQ((*loop)->WatchChild(child.pid, note).code(),
            absl::StatusCode::kNotFound);
  ASSERT_TRUE(
      (*loop)->WatchSpawnedChild(child.pid, child.pidfd.get(), note).ok());
  EXPECT_TRUE((*loop)->RunForever().ok());
  EXPECT_THAT(statuses, ElementsAre(ExitStatus::Unknown()));
  EXPECT_EQ(statuses[0].returncode(), 255);
}

TEST(RealChildrenTest, UnwatchedChildIsTheCallersToReap) {
  const auto loop = NewDefaultEventLoop();
  ASSERT_TRUE(loop.ok());
  const Child unwatched = Shell("exit 3");
  const Child watched = Shell("exit 4");
  ASSERT_TRUE((*loop)
                  ->WatchChild(unwatched.pid, [](pid_t, ExitStatus) { FAIL(); })
                  .ok());
  ASSERT_TRUE(
      (*loop)
          ->WatchChild(watched.pid, [&](pid_t, ExitStatus) { (*loop)->Stop(); })
          .ok());
  EXPECT_TRUE((*loop)->UnwatchChild(unwatched.pid));
  EXPECT_TRUE((*loop)->RunForever().ok());
  int status = 0;
  EXPECT_EQ(::waitpid(unwatched.pid, &status, 0), unwatched.pid);
  EXPECT_EQ(WEXITSTATUS(status), 3);
}

TEST(RealChildrenTest, ClosingTheLoopLeavesItsChildrenToTheCaller) {
  const Child child = Shell("exit 3");
  {
    const auto loop = NewDefaultEventLoop();
    ASSERT_TRUE(loop.ok());
    ASSERT_TRUE(
        (*loop)->WatchChild(child.pid, [](pid_t, ExitStatus) { FAIL(); }).ok());
  }
  int status = 0;
  EXPECT_EQ(::waitpid(child.pid, &status, 0), child.pid);
  EXPECT_EQ(WEXITSTATUS(status), 3);
}

// WATCH-10
TEST(RealChildrenTest, LoopsInSeveralThreadsEachSeeTheirOwn) {
  constexpr int kThreads = 4;
  constexpr int kChildren = 8;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([t] {
      const auto loop = NewDefaultEventLoop();
      ASSERT_TRUE(loop.ok());
      int left = kChildren;
      for (int i = 0; i < kChildren; ++i) {
        const int code = 10 * t + i;
        const Child child = Shell("exit " + std::to_string(code));
        ASSERT_TRUE(
            (*loop)
                ->WatchSpawnedChild(child.pid, child.pidfd.get(),
                                    [&, code](pid_t, ExitStatus status) {
                                      EXPECT_EQ(status.returncode(), code);
                                      if (--left == 0) (*loop)->Stop();
                                    })
                .ok());
      }
      EXPECT_TRUE((*loop)->RunForever().ok());
      EXPECT_EQ(left, 0);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace evkit
