// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/current.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "evkit/loop/default_event_loop.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using ::testing::ExitedWithCode;

constexpr auto kFailedPrecondition = absl::StatusCode::kFailedPrecondition;

std::unique_ptr<AbstractEventLoop> MakeLoop() {
  absl::StatusOr<std::unique_ptr<AbstractEventLoop>> loop = NewEventLoop();
  EXPECT_TRUE(loop.ok()) << loop.status();
  return loop.ok() ? *std::move(loop) : nullptr;
}

AbstractEventLoop* CurrentLoop() { return GetEventLoop().value_or(nullptr); }

// Calls `body` in a callback of `loop`, and stops it.
void RunInside(AbstractEventLoop& loop, std::function<void()> body) {
  loop.CallSoon([&loop, body = std::move(body)] {
    body();
    loop.Stop();
  });
  EXPECT_TRUE(loop.RunForever().ok());
}

void InAnotherThread(std::function<void()> body) {
  std::thread(std::move(body)).join();
}

// How the child ended that runs `check`: 0 if that returns true.
template <typename Check>
int InForkedChild(Check check) {
  const pid_t child = fork();
  if (child == 0) _exit(check() ? 0 : 1);
  int status = -1;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return status;
}

// Each test starts with no policy, hence with no current loop in any thread.
class CurrentLoopTest : public ::testing::Test {
 protected:
  CurrentLoopTest() { SetEventLoopPolicy(nullptr); }
  ~CurrentLoopTest() override { SetEventLoopPolicy(nullptr); }
};

// LOOP-01, LOOP-02
TEST_F(CurrentLoopTest, TheRunningLoopIsFoundWhileItRuns) {
  const auto loop = MakeLoop();
  EXPECT_EQ(GetRunningLoop().status().code(), kFailedPrecondition);
  RunInside(*loop,
            [&] { EXPECT_EQ(GetRunningLoop().value_or(nullptr), loop.get()); });
  EXPECT_EQ(GetRunningLoop().status().code(), kFailedPrecondition);
}

// LOOP-07, LOOP-15
TEST_F(CurrentLoopTest, TheRunningLoopGoesBeforeTheOneThatWasSet) {
  const auto running = MakeLoop();
  const auto current = MakeLoop();
  SetEventLoop(current.get());
  RunInside(*running, [&] {
    EXPECT_EQ(CurrentLoop(), running.get());
    SetEventLoop(nullptr);
    EXPECT_EQ(CurrentLoop(), running.get());
    SetEventLoop(current.get());
    EXPECT_EQ(CurrentLoop(), running.get());
  });
  EXPECT_EQ(CurrentLoop(), current.get());
}

// LOOP-08
TEST_F(CurrentLoopTest, WithoutARunningLoopTheOneThatWasSetIsReturned) {
  const auto loop = MakeLoop();
  SetEventLoop(loop.get());
  EXPECT_EQ(CurrentLoop(), loop.get());
}

// LOOP-09
TEST_F(CurrentLoopTest, TheMainThreadGetsALoopThatRuns) {
  AbstractEventLoop* const loop = CurrentLoop();
  ASSERT_NE(loop, nullptr);
  EXPECT_EQ(CurrentLoop(), loop);
  bool ran = false;
  RunInside(*loop, [&] { ran = true; });
  EXPECT_TRUE(ran);
}

// LOOP-10, LOOP-11
TEST_F(CurrentLoopTest, NothingIsMadeForOtherThreadsOrOnceNullWasSet) {
  InAnotherThread(
      [] { EXPECT_EQ(GetEventLoop().status().code(), kFailedPrecondition); });
  SetEventLoop(nullptr);
  EXPECT_EQ(GetEventLoop().status().code(), kFailedPrecondition);
}

// LOOP-03, LOOP-11
TEST_F(CurrentLoopTest, EachThreadHasItsRunningAndItsCurrentLoop) {
  const auto mine = MakeLoop();
  SetEventLoop(mine.get());
  RunInside(*mine, [] {
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i) {
      threads.emplace_back([] {
        EXPECT_EQ(GetRunningLoopOrNull(), nullptr);
        const auto theirs = MakeLoop();
        SetEventLoop(theirs.get());
        RunInside(*theirs, [&] {
          EXPECT_EQ(GetRunningLoopOrNull(), theirs.get());
          EXPECT_EQ(CurrentLoop(), theirs.get());
        });
        EXPECT_EQ(CurrentLoop(), theirs.get());
        SetEventLoop(nullptr);
      });
    }
    for (std::thread& thread : threads) thread.join();
  });
  EXPECT_EQ(CurrentLoop(), mine.get());
}

// LOOP-13
TEST_F(CurrentLoopTest, NewLoopsAreFreshOpenIdleAndNotCurrent) {
  const auto first = MakeLoop();
  const auto second = MakeLoop();
  EXPECT_NE(first, second);
  EXPECT_FALSE(first->IsClosed());
  EXPECT_FALSE(first->IsRunning());
  EXPECT_NE(CurrentLoop(), first.get());
  EXPECT_NE(CurrentLoop(), second.get());
}

// LOOP-14
TEST_F(CurrentLoopTest, AClosedLoopStaysCurrent) {
  const auto loop = MakeLoop();
  SetEventLoop(loop.get());
  ASSERT_TRUE(loop->Close().ok());
  EXPECT_EQ(CurrentLoop(), loop.get());
}

// LOOP-16
TEST_F(CurrentLoopTest, TheDefaultPolicyIsInstalledByTheFirstUse) {
  EXPECT_EQ(GetEventLoopPolicy(), nullptr);
  SetEventLoop(nullptr);
  const auto policy = GetEventLoopPolicy();
  ASSERT_NE(policy, nullptr);
  EXPECT_EQ(GetOrInstallDefaultEventLoopPolicy(), policy);
  InAnotherThread(
      [&] { EXPECT_EQ(GetOrInstallDefaultEventLoopPolicy(), policy); });
}

// LOOP-16
TEST_F(CurrentLoopTest, ResettingThePolicyForgetsWhatWasSet) {
  SetEventLoop(nullptr);
  ASSERT_FALSE(GetEventLoop().ok());
  SetEventLoopPolicy(nullptr);
  EXPECT_TRUE(GetEventLoop().ok());
}

// Counts what it is asked.
class CountingPolicy final : public EventLoopPolicy {
 public:
  absl::StatusOr<AbstractEventLoop*> GetEventLoop() override {
    ++get_calls;
    return current;
  }
  void SetEventLoop(AbstractEventLoop* loop) override { current = loop; }
  absl::StatusOr<std::unique_ptr<AbstractEventLoop>> NewEventLoop() override {
    ++new_calls;
    return NewDefaultEventLoop();
  }

  AbstractEventLoop* current = nullptr;
  int get_calls = 0;
  int new_calls = 0;
};

// LOOP-17
TEST_F(CurrentLoopTest, APolicyOfTheUsersOwnIsAsked) {
  const auto policy = std::make_shared<CountingPolicy>();
  SetEventLoopPolicy(policy);
  const auto loop = MakeLoop();
  EXPECT_EQ(policy->new_calls, 1);
  SetEventLoop(loop.get());
  EXPECT_EQ(policy->current, loop.get());
  EXPECT_EQ(CurrentLoop(), loop.get());
  EXPECT_EQ(policy->get_calls, 1);
}

// LOOP-07, LOOP-17
TEST_F(CurrentLoopTest, NoPolicyIsAskedForTheRunningLoop) {
  const auto policy = std::make_shared<CountingPolicy>();
  SetEventLoopPolicy(policy);
  const auto loop = MakeLoop();
  RunInside(*loop, [&] { EXPECT_EQ(CurrentLoop(), loop.get()); });
  EXPECT_EQ(policy->get_calls, 0);
}

// LOOP-04, LOOP-05
TEST_F(CurrentLoopTest, bug_K4_AForkedChildHasNeitherARunningNorACurrentLoop) {
  AbstractEventLoop* const loop = CurrentLoop();
  ASSERT_NE(loop, nullptr);
  int child_status = -1;
  RunInside(*loop, [&] {
    child_status = InForkedChild([&] {
      if (GetRunningLoop().ok()) return false;
      AbstractEventLoop* const own = CurrentLoop();
      if (own == nullptr || own == loop) return false;
      bool ran = false;
      RunInside(*own, [&] { ran = GetRunningLoopOrNull() == own; });
      return ran && CurrentLoop() == own;
    });
    EXPECT_EQ(GetRunningLoopOrNull(), loop);
  });
  EXPECT_EQ(child_status, 0);
  EXPECT_EQ(CurrentLoop(), loop);
}

// LOOP-05, SOON-06
TEST_F(CurrentLoopTest, bug_K1_AForkedChildCannotUseTheLoopItInherited) {
  const auto loop = MakeLoop();
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
  bool ran = false;
  ASSERT_TRUE(loop->AddReader(ends[0],
                              [&] {
                                ran = true;
                                loop->Stop();
                              })
                  .ok());
  EXPECT_EQ(
      InForkedChild([&] {
        return loop->RunForever().code() == kFailedPrecondition &&
               loop->CallSoonThreadsafe([] {}).code() == kFailedPrecondition &&
               loop->AddReader(ends[0], [] {}).code() == kFailedPrecondition &&
               !loop->RemoveReader(ends[0]) && loop->Close().ok();
      }),
      0);
  ASSERT_EQ(write(ends[1], "x", 1), 1);
  EXPECT_TRUE(loop->RunForever().ok());
  EXPECT_TRUE(ran);
  close(ends[0]);
  close(ends[1]);
}

TEST_F(CurrentLoopTest, ExitInACallbackOfTheLoopMadeForTheMainThreadIsFine) {
  EXPECT_EXIT(
      {
        AbstractEventLoop* const loop = CurrentLoop();
        loop->CallSoon([] { std::exit(3); });
        (void)loop->RunForever();
      },
      ExitedWithCode(3), "^$");
}

TEST_F(CurrentLoopTest, AChildForkedInACallbackMayExit) {
  EXPECT_EXIT(
      {
        AbstractEventLoop* const loop = CurrentLoop();
        loop->CallSoon([loop] {
          const pid_t child = fork();
          if (child == 0) std::exit(0);
          int status;
          waitpid(child, &status, 0);
          EXPECT_EQ(status, 0);
          loop->Stop();
        });
        std::exit(loop->RunForever().ok() ? 0 : 1);
      },
      ExitedWithCode(0), "^$");
}

}  // namespace
}  // namespace evkit
