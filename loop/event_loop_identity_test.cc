// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// What a loop is made of, what it owns, and what it says of itself.

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "evkit/loop/current.h"
#include "evkit/loop/default_event_loop.h"
#include "evkit/loop/event_loop.h"
#include "evkit/loop/testing/test_loop.h"
#include "evkit/selectors/fake_selector.h"
#include "evkit/subprocess/fake_child_watcher.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

std::unique_ptr<EventLoop> MakeLoop(
    EventLoopOptions options = EventLoopOptions()) {
  auto loop = NewDefaultEventLoop(std::move(options));
  EXPECT_TRUE(loop.ok()) << loop.status();
  return loop.ok() ? *std::move(loop) : nullptr;
}

// What the open descriptor `fd` is: "anon_inode:[eventpoll]".
std::string KindOf(int fd) {
  std::error_code error;
  return std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(fd),
                                       error);
}

bool IsOpen(int fd) { return fcntl(fd, F_GETFD) >= 0; }

// The descriptors that `make` opens.
template <typename Make>
std::vector<int> DescriptorsOpenedBy(Make make) {
  constexpr int kEnough = 256;
  std::vector<bool> before;
  for (int fd = 0; fd < kEnough; ++fd) before.push_back(IsOpen(fd));
  make();
  std::vector<int> opened;
  for (int fd = 0; fd < kEnough; ++fd) {
    if (!before[static_cast<size_t>(fd)] && IsOpen(fd)) opened.push_back(fd);
  }
  return opened;
}

// LOOP-18, WATCH-10
TEST(EventLoopTest, WhichLoopIsCurrentHasNoEffectOnWatchedChildren) {
  const auto loop = MakeLoop();
  auto other = MakeLoop();
  SetEventLoop(loop.get());
  const pid_t child = fork();
  if (child == 0) _exit(3);
  std::vector<int> codes;
  ASSERT_TRUE(loop->WatchChild(child,
                               [&](pid_t, ExitStatus status) {
                                 codes.push_back(status.returncode());
                                 loop->Stop();
                               })
                  .ok());
  SetEventLoop(other.get());
  ASSERT_TRUE(other->Close().ok());
  SetEventLoop(nullptr);
  EXPECT_TRUE(loop->RunForever().ok());
  EXPECT_THAT(codes, ElementsAre(3));
  SetEventLoopPolicy(nullptr);
}

// LOOP-19, LOOP-20, LOOP-21
TEST(EventLoopTest, HoldsAnEpollSetAndAnEventfdUntilItIsClosed) {
  EventLoopOptions options;
  options.child_watcher = std::make_unique<FakeChildWatcher>();
  std::unique_ptr<EventLoop> loop;
  const std::vector<int> opened =
      DescriptorsOpenedBy([&] { loop = MakeLoop(std::move(options)); });
  std::vector<std::string> kinds;
  for (const int fd : opened) {
    kinds.push_back(KindOf(fd));
    EXPECT_NE(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0) << kinds.back();
    if (kinds.back() == "anon_inode:[eventfd]") {
      EXPECT_NE(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
    }
  }
  EXPECT_THAT(kinds, UnorderedElementsAre("anon_inode:[eventpoll]",
                                          "anon_inode:[eventfd]"));
  ASSERT_TRUE(loop->Close().ok());
  for (const int fd : opened) EXPECT_FALSE(IsOpen(fd));
}

// LOOP-19
TEST(EventLoopTest, TakesTheSelectorThatItIsGiven) {
  auto selector = std::make_unique<FakeSelector>();
  FakeSelector& fake = *selector;
  EventLoopOptions options;
  options.selector = std::move(selector);
  const auto loop = MakeLoop(std::move(options));
  fake.SetSleepHook([&](absl::Duration) { loop->Stop(); });
  EXPECT_TRUE(loop->RunForever().ok());
  EXPECT_EQ(fake.select_count(), 1);
}

// LOOP-19
TEST(EventLoopDeathTest, ALoopWithoutASelectorIsABug) {
  EXPECT_DEATH((void)EventLoop::Create(EventLoopOptions()), "needs a selector");
}

// LOOP-20
TEST(EventLoopTest, ClosesItsSelector) {
  TestLoop test;
  EXPECT_EQ(test.selector().size(), 1u);
  ASSERT_TRUE(test->Close().ok());
  EXPECT_EQ(test.selector().size(), 0u);
  EXPECT_EQ(test.selector().Register(3, Interest::kRead, 0).code(),
            absl::StatusCode::kFailedPrecondition);
}

// LOOP-21
TEST(EventLoopTest, ItsOwnDescriptorIsWatchedAndIsNobodysWork) {
  TestLoop test;
  const std::vector<SelectorKey> keys = test.selector().GetKeys();
  ASSERT_EQ(keys.size(), 1u);
  EXPECT_EQ(keys[0].interest, Interest::kRead);
  EXPECT_FALSE(test->RemoveReader(keys[0].fd));
  EXPECT_EQ(test.selector().size(), 1u);
  // Ends only because there is nothing left to wait for.
  EXPECT_TRUE(test->RunForever().ok());
}

// LOOP-22
TEST(EventLoopTest, SaysWhetherItRunsIsClosedAndDebugs) {
  TestLoop test;
  test->SetDebug(false);
  EXPECT_EQ(test->DebugString(),
            "<EventLoop running=false closed=false debug=false>");
  test->SetDebug(true);
  test->CallSoon([&] {
    EXPECT_EQ(test->DebugString(),
              "<EventLoop running=true closed=false debug=true>");
  });
  EXPECT_TRUE(test.RunUntilIdle().ok());
  ASSERT_TRUE(test->Close().ok());
  EXPECT_EQ(test->DebugString(),
            "<EventLoop running=false closed=true debug=true>");
}

// RUN-30
TEST(EventLoopTest, DestroyingAnOpenLoopClosesItWithoutAWord) {
  std::vector<std::string> log;
  EventLoopOptions options;
  options.debug = false;
  options.log = [&](absl::string_view text) { log.emplace_back(text); };
  const auto captured = std::make_shared<int>();
  std::unique_ptr<EventLoop> loop;
  const std::vector<int> opened =
      DescriptorsOpenedBy([&] { loop = MakeLoop(std::move(options)); });
  bool ran = false;
  loop->CallSoon([&ran, captured] { ran = true; });
  loop.reset();
  EXPECT_FALSE(ran);
  EXPECT_EQ(captured.use_count(), 1);
  EXPECT_THAT(log, IsEmpty());
  for (const int fd : opened) EXPECT_FALSE(IsOpen(fd));
}

// RUN-30
TEST(EventLoopDeathTest, DestroyingARunningLoopIsABug) {
  // Made within, for a death test is a forked child.
  EXPECT_DEATH(
      {
        std::unique_ptr<EventLoop> loop = MakeLoop();
        loop->CallSoon([&] { loop.reset(); });
        (void)loop->RunForever();
      },
      "destroyed while it was running");
}

}  // namespace
}  // namespace evkit
