// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/executor/loop_port.h"

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "evkit/loop/context.h"
#include "evkit/loop/default_event_loop.h"
#include "evkit/loop/testing/test_loop.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

bool IsRefused(const absl::Status& status) {
  return status.code() == absl::StatusCode::kFailedPrecondition;
}

// Calls a function when the last copy is destroyed.
std::shared_ptr<void> AtEnd(std::function<void()> function) {
  return std::shared_ptr<void>(
      nullptr, [function = std::move(function)](void*) { function(); });
}

TEST(LoopPortTest, PostsToItsLoop) {
  TestLoop test;
  const std::shared_ptr<LoopPort> port = LoopPort::Of(test.loop());
  EXPECT_EQ(LoopPort::Of(test.loop()), port);
  int calls = 0;
  std::thread poster([&] { EXPECT_TRUE(port->Post([&] { ++calls; }).ok()); });
  poster.join();
  EXPECT_EQ(calls, 0);
  EXPECT_TRUE(test.RunUntilIdle().ok());
  EXPECT_EQ(calls, 1);
}

TEST(LoopPortTest, RunsInTheContextGiven) {
  static const ContextVar<int> variable("variable");
  TestLoop test;
  Context context;
  context.Run([] { variable.Set(7); });
  std::optional<int> seen;
  std::thread poster([&] {
    EXPECT_TRUE(LoopPort::Of(test.loop())
                    ->Post([&] { seen = variable.Get(); }, context)
                    .ok());
  });
  poster.join();
  EXPECT_TRUE(test.RunUntilIdle().ok());
  EXPECT_EQ(seen, 7);
}

TEST(LoopPortTest, bug_L4_RefusesWhenTheLoopIsGone) {
  auto test = std::make_unique<TestLoop>();
  const std::shared_ptr<LoopPort> port = LoopPort::Of(test->loop());
  EXPECT_TRUE((*test)->Close().ok());
  EXPECT_TRUE(IsRefused(port->Post([] { FAIL(); })));
  EXPECT_TRUE(IsRefused(LoopPort::Of(test->loop())->Post([] { FAIL(); })));
  test.reset();
  EXPECT_TRUE(IsRefused(port->Post([] { FAIL(); })));
}

TEST(LoopPortTest, RefusedCallbacksAreDestroyedByThePosterWithoutALock) {
  TestLoop test;
  const std::shared_ptr<LoopPort> port = LoopPort::Of(test.loop());
  std::vector<std::thread::id> destroyed_on;
  // What is destroyed posts again.
  const auto post_something_that_posts = [&] {
    return port->Post([at_end = AtEnd([&] {
                         destroyed_on.push_back(std::this_thread::get_id());
                         EXPECT_TRUE(IsRefused(port->Post([] { FAIL(); })));
                       })] { FAIL(); });
  };
  // While the loop is closing, and refuses behind the port's back.
  std::optional<absl::Status> when_closing;
  test->CallSoon([at_end = AtEnd([&] {
                    when_closing = post_something_that_posts();
                  })] { FAIL(); });
  EXPECT_TRUE(test->Close().ok());
  ASSERT_TRUE(when_closing.has_value());
  EXPECT_TRUE(IsRefused(*when_closing));
  EXPECT_EQ(destroyed_on.size(), 1u);

  std::thread poster([&] {
    destroyed_on.clear();
    EXPECT_TRUE(IsRefused(post_something_that_posts()));
    EXPECT_EQ(destroyed_on,
              std::vector<std::thread::id>{std::this_thread::get_id()});
  });
  poster.join();
}

TEST(LoopPortTest, CallbacksThatNeverRunAreDestroyedByClose) {
  TestLoop test;
  std::thread::id destroyed_on;
  const auto at_end = AtEnd([&] { destroyed_on = std::this_thread::get_id(); });
  std::thread poster([&, at_end]() mutable {
    EXPECT_TRUE(LoopPort::Of(test.loop())
                    ->Post([at_end = std::move(at_end)] { FAIL(); })
                    .ok());
  });
  poster.join();
  (void)at_end;
  EXPECT_EQ(destroyed_on, std::thread::id());
  EXPECT_TRUE(test->Close().ok());
}

TEST(LoopPortTest, bug_L4_LoopsMayGoWhileOthersPost) {
  for (int round = 0; round < 100; ++round) {
    std::unique_ptr<EventLoop> loop = *NewDefaultEventLoop();
    const std::shared_ptr<LoopPort> port = LoopPort::Of(*loop);
    std::atomic<int> alive{0};
    std::atomic<int> taken{0};
    std::vector<std::thread> posters;
    for (int i = 0; i < 2; ++i) {
      posters.emplace_back([&] {
        absl::Status status;
        while (status.ok()) {
          ++alive;
          status = port->Post([at_end = AtEnd([&] { --alive; })] {});
          ++taken;
        }
        EXPECT_TRUE(IsRefused(status));
      });
    }
    while (taken.load() < 20) std::this_thread::yield();
    loop->Stop();
    EXPECT_TRUE(loop->RunForever().ok());
    loop.reset();
    for (std::thread& poster : posters) poster.join();
    EXPECT_EQ(alive.load(), 0);
  }
}

TEST(LoopPortTest, ForkedChildIsRefusedAndDoesNotHangWhenItClosesTheLoop) {
  std::unique_ptr<EventLoop> loop = *NewDefaultEventLoop();
  const std::shared_ptr<LoopPort> port = LoopPort::Of(*loop);
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::alarm(30);
    if (!IsRefused(port->Post([] {}))) ::_exit(1);
    loop.reset();
    ::_exit(IsRefused(port->Post([] {})) ? 0 : 2);
  }
  ASSERT_GT(pid, 0);
  int status = 0;
  ASSERT_EQ(::waitpid(pid, &status, 0), pid);
  EXPECT_TRUE(WIFEXITED(status)) << "it was killed: did it hang?";
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_TRUE(port->Post([&] { loop->Stop(); }).ok());
  EXPECT_TRUE(loop->RunForever().ok());
}

}  // namespace
}  // namespace evkit
