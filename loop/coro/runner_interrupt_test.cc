// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Runs and SIGINT, with real signals; what ends a process is tried in a child.

#include <poll.h>
#include <signal.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <functional>
#include <optional>
#include <thread>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "evkit/loop/coro/or_return.h"
#include "evkit/loop/coro/run.h"
#include "evkit/loop/coro/runner.h"
#include "evkit/loop/coro/sleep.h"
#include "evkit/loop/coro/task.h"
#include "evkit/loop/signals/signal_handlers.h"
#include "evkit/policy/running_loop.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

sighandler_t HandlerOfSigint() {
  struct sigaction action;
  EXPECT_EQ(::sigaction(SIGINT, nullptr, &action), 0);
  return action.sa_handler;
}

class ScopedSigintHandler {
 public:
  explicit ScopedSigintHandler(sighandler_t handler) {
    struct sigaction action = {};
    action.sa_handler = handler;
    EXPECT_EQ(::sigaction(SIGINT, &action, &old_), 0);
  }
  ScopedSigintHandler(const ScopedSigintHandler&) = delete;
  ScopedSigintHandler& operator=(const ScopedSigintHandler&) = delete;
  ~ScopedSigintHandler() { EXPECT_EQ(::sigaction(SIGINT, &old_, nullptr), 0); }

 private:
  struct sigaction old_;
};

class RunnerInterruptTest : public ::testing::Test {
 private:
  // A test runner's parent may have had it ignored.
  const ScopedSigintHandler by_default_{SIG_DFL};
};

// Forks; the child does `function`, is given some time for it, and exits with
// what it returns. Gives the child's status, as waitpid(2) has it.
int StatusOfChild(const std::function<int()>& function) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::alarm(30);
    ::_exit(function());
  }
  int status = -1;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

bool EndedBySigint(int status) {
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGINT;
}

// Sends itself SIGINT `times` times, and waits to be cancelled.
Coro<int> Interrupted(int times) {
  for (int i = 0; i < times; ++i) ::raise(SIGINT);
  co_await OrReturn(Sleep(absl::InfiniteDuration()));
  co_return 1;
}

Coro<bool> HasHandler() { co_return HandlerOfSigint() != SIG_DFL; }

// RNR-10
TEST_F(RunnerInterruptTest, AHandlerIsInstalledForTheDurationOfARun) {
  Runner runner;
  EXPECT_TRUE(*runner.Run(HasHandler()));
  EXPECT_EQ(HandlerOfSigint(), SIG_DFL);
  EXPECT_TRUE(*runner.Run(HasHandler()));
  EXPECT_EQ(HandlerOfSigint(), SIG_DFL);
}

// RNR-10
TEST_F(RunnerInterruptTest, OtherThreadsAndOptionsLeaveSigintAlone) {
  std::optional<bool> has_handler;
  std::thread([&] { has_handler = *evkit::Run(HasHandler()); }).join();
  EXPECT_EQ(has_handler, false);

  RunOptions options;
  options.cancel_on_sigint = false;
  EXPECT_FALSE(*evkit::Run(HasHandler(), std::move(options)));
}

// RNR-11
TEST_F(RunnerInterruptTest, TheFirstSigintCancelsMain) {
  const absl::Status status = evkit::Run(Interrupted(1)).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(status.message(), "interrupted by SIGINT");
  EXPECT_TRUE(IsInterrupted(status));
  EXPECT_EQ(HandlerOfSigint(), SIG_DFL);
  EXPECT_FALSE(IsInterrupted(absl::CancelledError("interrupted by SIGINT")));
}

// RNR-11: a loop that sleeps is woken, whatever thread the signal comes to.
TEST_F(RunnerInterruptTest, SigintWakesTheLoop) {
  std::thread sender;
  const auto main = [&]() -> Coro<int> {
    sender = std::thread([] { ::raise(SIGINT); });
    co_await OrReturn(Sleep(absl::InfiniteDuration()));
    co_return 1;
  };
  EXPECT_TRUE(IsInterrupted(evkit::Run(main).status()));
  sender.join();
}

// RNR-11: each run of a runner has a first one.
TEST_F(RunnerInterruptTest, ARunnerCanBeInterruptedInEveryRun) {
  Runner runner;
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(IsInterrupted(runner.Run(Interrupted(1)).status()));
  }
  EXPECT_TRUE(*runner.Run(HasHandler()));
}

void UsersHandlerWithInfo(int, siginfo_t*, void*) {}

// RNR-10: the default that the kernel restores has the flags of the handler
// that it replaces.
TEST_F(RunnerInterruptTest, TheDefaultIsKnownWhateverFlagsItHas) {
  struct sigaction once = {};
  once.sa_sigaction = &UsersHandlerWithInfo;
  once.sa_flags = SA_SIGINFO | SA_RESETHAND;
  struct sigaction before;
  ASSERT_EQ(::sigaction(SIGINT, &once, &before), 0);
  ::raise(SIGINT);
  EXPECT_TRUE(*evkit::Run(HasHandler()));
  EXPECT_TRUE(IsInterrupted(evkit::Run(Interrupted(1)).status()));
  ASSERT_EQ(::sigaction(SIGINT, &before, nullptr), 0);
}

// RNR-12
TEST_F(RunnerInterruptTest, MainMaySuppressIt) {
  const auto main = []() -> Coro<int> {
    const absl::StatusOr<int> interrupted = co_await Interrupted(1);
    EXPECT_EQ(interrupted.status(),
              absl::CancelledError("interrupted by SIGINT"));
    co_return 7;
  };
  EXPECT_EQ(*evkit::Run(main), 7);
}

// RNR-12
TEST_F(RunnerInterruptTest, IfSomebodyElseCancelledMainTooItIsJustCancelled) {
  const auto main = []() -> Coro<int> {
    const absl::StatusOr<int> interrupted = co_await Interrupted(1);
    CurrentTask().Cancel("mine");
    co_return interrupted.status();
  };
  const absl::Status status = evkit::Run(main).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kCancelled);
  EXPECT_FALSE(IsInterrupted(status));
}

// RNR-13
TEST_F(RunnerInterruptTest, ASecondSigintEndsTheProcessEvenIfTheLoopIsStuck) {
  // The loop has no turn between the two.
  EXPECT_TRUE(EndedBySigint(
      StatusOfChild([] { return evkit::Run(Interrupted(2)).ok() ? 1 : 2; })));
  // Main cleans up for ever.
  const auto main = []() -> Coro<int> {
    (void)co_await Interrupted(1);
    ::raise(SIGINT);
    co_return 1;
  };
  EXPECT_TRUE(
      EndedBySigint(StatusOfChild([&] { return evkit::Run(main).ok(); })));
}

volatile sig_atomic_t calls_of_users_handler = 0;
void UsersHandler(int) { calls_of_users_handler = calls_of_users_handler + 1; }

// RNR-14
TEST_F(RunnerInterruptTest, AHandlerOfTheUsersIsLeftAlone) {
  calls_of_users_handler = 0;
  for (const sighandler_t handler : {sighandler_t{&UsersHandler}, SIG_IGN}) {
    const ScopedSigintHandler users(handler);
    const auto main = []() -> Coro<int> {
      ::raise(SIGINT);
      co_await OrReturn(Sleep(absl::ZeroDuration()));
      co_return 1;
    };
    EXPECT_EQ(*evkit::Run(main), 1);
    EXPECT_EQ(HandlerOfSigint(), handler);
  }
  EXPECT_EQ(calls_of_users_handler, 1);
}

TEST_F(RunnerInterruptTest, ASigintThatIsTooLateToCancelMainActsAfterTheRun) {
  const auto main = []() -> Coro<int> {
    ::raise(SIGINT);
    co_return 1;  // Before the loop looks.
  };
  EXPECT_TRUE(
      EndedBySigint(StatusOfChild([&] { return evkit::Run(main).ok(); })));
}

TEST_F(RunnerInterruptTest, WhileARunnerClosesSigintActsByDefault) {
  const auto clean_up = []() -> Coro<void> {
    (void)co_await Sleep(absl::InfiniteDuration());
    EXPECT_EQ(HandlerOfSigint(), SIG_DFL);
    co_return absl::OkStatus();
  };
  const auto main = [&]() -> Coro<void> {
    CreateTask(clean_up);
    co_await OrReturn(Sleep(absl::ZeroDuration()));
    co_return absl::OkStatus();
  };
  EXPECT_TRUE(evkit::Run(main).ok());
}

TEST_F(RunnerInterruptTest, AForkedChildIsEndedAndItsParentNotInterrupted) {
  const auto main = []() -> Coro<int> {
    EXPECT_TRUE(EndedBySigint(StatusOfChild([] {
      ::raise(SIGINT);
      return 0;
    })));
    // One that runs a loop of its own is interrupted by itself.
    EXPECT_EQ(StatusOfChild([] {
                std::optional<bool> interrupted;
                // Outside of the parent's loop, which is none of its business.
                interrupted =
                    IsInterrupted(evkit::Run(Interrupted(1)).status());
                return *interrupted ? 0 : 1;
              }),
              0);
    co_await OrReturn(Sleep(absl::ZeroDuration()));
    co_await OrReturn(Sleep(absl::ZeroDuration()));
    co_return 4;
  };
  EXPECT_EQ(*evkit::Run(main), 4);
}

TEST_F(RunnerInterruptTest, ASignalHandlerOfTheProgramsTakesItsPlace) {
  const auto main = []() -> Coro<int> {
    AbstractEventLoop& loop = **GetRunningLoop();
    int calls = 0;
    EXPECT_TRUE(AddSignalHandler(loop, SIGINT, [&] { ++calls; }).ok());
    ::raise(SIGINT);
    ::raise(SIGINT);
    for (int i = 0; i < 5; ++i) {
      co_await OrReturn(Sleep(absl::ZeroDuration()));
    }
    EXPECT_EQ(calls, 2);
    EXPECT_TRUE(RemoveSignalHandler(loop, SIGINT));
    const absl::StatusOr<int> interrupted = co_await Interrupted(1);
    co_return interrupted.status();
  };
  EXPECT_TRUE(IsInterrupted(evkit::Run(main).status()));
}

}  // namespace
}  // namespace evkit
