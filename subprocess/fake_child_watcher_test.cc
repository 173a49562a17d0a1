// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/subprocess/fake_child_watcher.h"

#include <poll.h>
#include <signal.h>

#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

class FakeChildWatcherTest : public ::testing::Test {
 protected:
  ChildWatcher::Callback Record() {
    return [this](pid_t pid, ExitStatus status) {
      exits_.emplace_back(pid, status);
    };
  }
  bool IsReadable() {
    pollfd poll_fd = {watcher_.fd(), POLLIN, 0};
    return poll(&poll_fd, 1, 0) == 1;
  }

  FakeChildWatcher watcher_;
  std::vector<std::pair<pid_t, ExitStatus>> exits_;
};

TEST_F(FakeChildWatcherTest, ExitIsReportedByDispatchAndNotBefore) {
  ASSERT_TRUE(watcher_.Watch(7, Record()).ok());
  EXPECT_FALSE(IsReadable());
  watcher_.Exit(7, ExitStatus::Exited(3));
  EXPECT_TRUE(IsReadable());
  EXPECT_THAT(exits_, IsEmpty());
  watcher_.Dispatch();
  EXPECT_THAT(exits_, ElementsAre(Pair(7, ExitStatus::Exited(3))));
  EXPECT_FALSE(IsReadable());
  EXPECT_EQ(watcher_.size(), 0u);
}

TEST_F(FakeChildWatcherTest, ExitBeforeTheWatchIsKept) {
  watcher_.Exit(7, ExitStatus::Signaled(SIGTERM));
  EXPECT_FALSE(IsReadable());
  ASSERT_TRUE(watcher_.WatchSpawned(7, -1, Record()).ok());
  EXPECT_TRUE(IsReadable());
  watcher_.Dispatch();
  EXPECT_THAT(exits_, ElementsAre(Pair(7, ExitStatus::Signaled(SIGTERM))));
}

TEST_F(FakeChildWatcherTest, ExitsAreReportedInTheirOrder) {
  for (const pid_t pid : {1, 2, 3}) {
    ASSERT_TRUE(watcher_.Watch(pid, Record()).ok());
  }
  for (const pid_t pid : {2, 3, 1}) watcher_.Exit(pid, ExitStatus::Exited(0));
  watcher_.Dispatch();
  EXPECT_THAT(exits_, ElementsAre(Pair(2, ExitStatus::Exited(0)),
                                  Pair(3, ExitStatus::Exited(0)),
                                  Pair(1, ExitStatus::Exited(0))));
}

TEST_F(FakeChildWatcherTest, SaysWhatIsWatched) {
  ASSERT_TRUE(watcher_.Watch(9, Record()).ok());
  ASSERT_TRUE(watcher_.Watch(4, Record()).ok());
  EXPECT_THAT(watcher_.watched(), ElementsAre(4, 9));
  EXPECT_TRUE(watcher_.Unwatch(4));
  EXPECT_FALSE(watcher_.Unwatch(4));
  EXPECT_FALSE(watcher_.IsWatched(4));
  EXPECT_TRUE(watcher_.IsWatched(9));
}

// WATCH-09
TEST_F(FakeChildWatcherTest, WatchingAgainReplacesTheCallback) {
  const auto alive = std::make_shared<int>(0);
  ASSERT_TRUE(watcher_.Watch(7, [alive](pid_t, ExitStatus) {}).ok());
  ASSERT_TRUE(watcher_.Watch(7, Record()).ok());
  EXPECT_EQ(alive.use_count(), 1);
  watcher_.Exit(7, ExitStatus::Unknown());
  watcher_.Dispatch();
  EXPECT_EQ(exits_.size(), 1u);
}

TEST_F(FakeChildWatcherTest, WatchFailsWhenToldTo) {
  watcher_.FailWatch(absl::ResourceExhaustedError("no more threads"));
  EXPECT_EQ(watcher_.Watch(7, Record()).message(), "no more threads");
  EXPECT_EQ(watcher_.size(), 0u);
  watcher_.FailWatch(absl::OkStatus());
  EXPECT_TRUE(watcher_.Watch(7, Record()).ok());
  EXPECT_EQ(watcher_.Watch(0, Record()).code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(FakeChildWatcherTest, CallbackMayWatchUnwatchAndExitOthers) {
  ASSERT_TRUE(watcher_
                  .Watch(1,
                         [this](pid_t, ExitStatus) {
                           EXPECT_TRUE(watcher_.Unwatch(2));
                           EXPECT_TRUE(watcher_.Watch(3, Record()).ok());
                           watcher_.Exit(3, ExitStatus::Exited(3));
                         })
                  .ok());
  ASSERT_TRUE(watcher_.Watch(2, Record()).ok());
  watcher_.Exit(1, ExitStatus::Exited(1));
  watcher_.Exit(2, ExitStatus::Exited(2));
  watcher_.Dispatch();
  EXPECT_THAT(exits_, ElementsAre(Pair(3, ExitStatus::Exited(3))));
}

TEST(FakeChildWatcherLifetimeTest, CallbackMayDestroyTheWatcher) {
  auto watcher = std::make_unique<FakeChildWatcher>();
  for (const pid_t pid : {1, 2}) {
    ASSERT_TRUE(
        watcher->Watch(pid, [&](pid_t, ExitStatus) { watcher.reset(); }).ok());
    watcher->Exit(pid, ExitStatus::Exited(0));
  }
  watcher->Dispatch();
  EXPECT_EQ(watcher, nullptr);
}

TEST(FakeChildWatcherDeathTest, AProcessExitsOnce) {
  FakeChildWatcher watcher;
  watcher.Exit(7, ExitStatus::Exited(0));
  EXPECT_DEATH(watcher.Exit(7, ExitStatus::Exited(0)), "exited already");
}

}  // namespace
}  // namespace evkit
