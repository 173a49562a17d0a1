// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/signals/signal_handlers.h"

#include <pthread.h>
#include <signal.h>

#include <atomic>
#include <cerrno>
#include <functional>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "evkit/base/errno_status.h"
#include "evkit/base/fault_injection.h"
#include "evkit/loop/context.h"
#include "evkit/loop/default_event_loop.h"
#include "evkit/loop/event_loop.h"
#include "evkit/loop/signals/internal/signal_testing.h"
#include "evkit/loop/testing/test_loop.h"
#include "evkit/policy/running_loop.h"
#include "evkit/subprocess/exit_status.h"
#include "evkit/subprocess/spawn.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using signals_internal::HandlerOf;
using signals_internal::ScopedDisposition;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

bool IsRefused(const absl::Status& status) {
  return status.code() == absl::StatusCode::kFailedPrecondition;
}

// On the platform's loop, since signals are the platform's.
class SignalHandlersTest : public ::testing::Test {
 protected:
  void Log(std::string word) { trace_.push_back(std::move(word)); }
  std::function<void()> Logs(const std::string& word) {
    return [this, word] { Log(word); };
  }

  // Goes round `turns` times, without sleeping.
  void RunTurns(int turns) {
    for (int i = 0; i < turns; ++i) {
      loop_->Stop();
      EXPECT_TRUE(loop_->RunForever().ok());
    }
  }

  std::unique_ptr<EventLoop> loop_ = *NewDefaultEventLoop();
  std::vector<std::string> trace_;
};

// SIG-02: the trace is asyncio's.
TEST_F(SignalHandlersTest, D39_SignalSteps) {
  std::function<void(int)> tick = [&](int n) {
    Log("t" + std::to_string(n));
    if (n == 3) {
      loop_->Stop();
    } else {
      loop_->CallSoon([&tick, n] { tick(n + 1); });
    }
  };
  ASSERT_TRUE(AddSignalHandler(*loop_, SIGUSR1, Logs("sig")).ok());
  loop_->CallSoon([&tick] { tick(0); });
  ::raise(SIGUSR1);
  EXPECT_TRUE(loop_->RunForever().ok());
  for (int i = 0; i < 2; ++i) {
    Log(RemoveSignalHandler(*loop_, SIGUSR1) ? "True" : "False");
  }
  EXPECT_THAT(trace_,
              ElementsAre("t0", "t1", "sig", "t2", "t3", "True", "False"));
}

// SIG-02
TEST_F(SignalHandlersTest, TheTurnThatSeesTheSignalQueuesTheCallback) {
  ASSERT_TRUE(AddSignalHandler(*loop_, SIGUSR1, Logs("sig")).ok());
  ::raise(SIGUSR1);
  RunTurns(1);
  EXPECT_THAT(trace_, IsEmpty());
  RunTurns(1);
  EXPECT_THAT(trace_, ElementsAre("sig"));
}

// SIG-01
TEST_F(SignalHandlersTest, CallbackIsAnOrdinaryOneOfTheLoop) {
  ASSERT_TRUE(AddSignalHandler(*loop_, SIGUSR1, [this] {
                EXPECT_EQ(GetRunningLoopOrNull(), loop_.get());
                loop_->CallSoon(Logs("soon"));
                loop_->CallLater(absl::ZeroDuration(),
                                 [this] { loop_->Stop(); });
                EXPECT_TRUE(RemoveSignalHandler(*loop_, SIGUSR1));
                Log("sig");
              }).ok());
  ::raise(SIGUSR1);
  EXPECT_TRUE(loop_->RunForever().ok());
  EXPECT_THAT(trace_, ElementsAre("sig", "soon"));
}

// SIG-03
TEST_F(SignalHandlersTest, EachDeliveryIsOneCallInOrder) {
  ASSERT_TRUE(AddSignalHandler(*loop_, SIGUSR1, Logs("one")).ok());
  ASSERT_TRUE(AddSignalHandler(*loop_, SIGUSR2, Logs("two")).ok());
  for (const int signal : {SIGUSR2, SIGUSR1, SIGUSR1, SIGUSR2}) ::raise(signal);
  RunTurns(2);
  EXPECT_THAT(trace_, ElementsAre("two", "one", "one", "two"));
}

// SIG-04
TEST_F(SignalHandlersTest, SecondRegistrationTakesThePlaceOfTheFirst) {
  auto owned = std::make_shared<int>();
  const auto old = [this, owned] { Log("old"); };
  ASSERT_TRUE(AddSignalHandler(*loop_, SIGUSR1, old).ok());
  EXPECT_EQ(owned.use_count(), 3);
  ASSERT_TRUE(AddSignalHandler(*loop_, SIGUSR1, Logs("new")).ok());
  EXPECT_EQ(owned.use_count(), 2);
  ::raise(SIGUSR1);
  RunTurns(2);
  EXPECT_THAT(trace_, ElementsAre("new"));
}

// SIG-04: what has arrived, and what is queued, goes to the new callback.
TEST_F(SignalHandlersTest, ReplacingTheCallbackLosesNoSignal) {
  ASSERT_TRUE(AddSignalHandler(*loop_, SIGUSR1, Logs("old")).ok());
  ::raise(SIGUSR1);
  RunTurns(1);
  ::raise(SIGUSR1);
  ASSERT_TRUE(AddSignalHandler(*loop_, SIGUSR1, Logs("new")).ok());
  RunTurns(2);
  EXPECT_THAT(trace_, ElementsAre("new", "new"));
}

// SIG-04
TEST_F(SignalHandlersTest, CallbackMayReplaceItself) {
  auto owned = std::make_shared<std::string>("old");
  auto callback = [this, owned] {
    ASSERT_TRUE(AddSignalHandler(*loop_, SIGUSR1, Logs("new")).ok());
    Log(*owned);
  };
  ASSERT_TRUE(AddSignalHandler(*loop_, SIGUSR1, std::move(callback)).ok());
  ::raise(SIGUSR1);
  ::raise(SIGUSR1);
  RunTurns(2);
  EXPECT_THAT(trace_, ElementsAre("old", "new"));
  EXPECT_EQ(owned.use_count(), 1);
}

// SIG-05
TEST_F(SignalHandlersTest, bug_F10_NumbersThatCannotBeHandledAreRefused) {
  for (const int number : {-1, 0, 32, 33, 65}) {
    const absl::Status status = AddSignalHandler(*loop_, number, [] {});
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
    EXPECT_FALSE(RemoveSignalHandler(*loop_, number));
  }
  for (const int number : {SIGKILL, SIGSTOP}) {
    const absl::Status status = AddSignalHandler(*loop_, number, [] {});
    EXPECT_TRUE(IsRefused(status)) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr("cannot be caught"));
    EXPECT_FALSE(RemoveSignalHandler(*loop_, number));
  }
  ASSERT_TRUE(AddSignalHandler(*loop_, SIGRTMAX, Logs("last")).ok());
  ::raise(SIGRTMAX);
  RunTurns(2);
  EXPECT_THAT(trace_, ElementsAre("last"));
}

TEST_F(SignalHandlersTest, NullCallbackIsABug) {
  EXPECT_DEATH((void)AddSignalHandler(*loop_, SIGUSR1, Callback()),
               "must not be null");
}

// SIG-06, SIG-09
TEST_F(SignalHandlersTest, bug_F3_LoopsOfAllThreadsAreToldOfTheSameSignal) {
  constexpr int kThreads = 3;
  const ScopedDisposition ignored(SIGUSR1, SIG_IGN);
  std::atomic<int> handling{0};
  std::vector<std::thread::id> called_on(kThreads);
  std::vector<std::thread> threads;
  for (std::thread::id& id : called_on) {
    threads.emplace_back([&handling, &id] {
      const auto loop = *NewDefaultEventLoop();
      const auto callback = [&] {
        id = std::this_thread::get_id();
        loop->Stop();
      };
      EXPECT_TRUE(AddSignalHandler(*loop, SIGUSR1, callback).ok());
      ++handling;
      EXPECT_TRUE(loop->RunForever().ok());
    });
  }
  ASSERT_TRUE(
      AddSignalHandler(*loop_, SIGUSR1, [this] { loop_->Stop(); }).ok());
  while (handling < kThreads) std::this_thread::yield();
  ::raise(SIGUSR1);
  EXPECT_TRUE(loop_->RunForever().ok());
  for (int i = 0; i < kThreads; ++i) {
    const std::thread::id id = threads[i].get_id();
    threads[i].join();
    EXPECT_EQ(called_on[i], id);
  }
  EXPECT_NE(HandlerOf(SIGUSR1), SIG_IGN);
  EXPECT_TRUE(RemoveSignalHandler(*loop_, SIGUSR1));
  EXPECT_EQ(HandlerOf(SIGUSR1), SIG_IGN);
}

// SIG-09: also where one loop is made and run inside a pause of the other.
TEST_F(SignalHandlersTest, bug_F3_SecondLoopTakesNothingFromTheFirst) {
  ASSERT_TRUE(AddSignalHandler(*loop_, SIGUSR1, Logs("first")).ok());
  {
    TestLoop second;
    ASSERT_TRUE(AddSignalHandler(second.loop(), SIGUSR1, Logs("second")).ok());
    ::raise(SIGUSR1);
    EXPECT_TRUE(second.RunUntilIdle().ok());
    EXPECT_THAT(trace_, ElementsAre("second"));
  }
  ::raise(SIGUSR1);
  RunTurns(2);
  EXPECT_THAT(trace_, ElementsAre("second", "first", "first"));
}

// SIG-07
TEST_F(SignalHandlersTest, RemovalRestoresWhatWasThereBefore) {
  EXPECT_FALSE(RemoveSignalHandler(*loop_, SIGUSR1));
  for (const sighandler_t before : {SIG_DFL, SIG_IGN}) {
    const ScopedDisposition disposition(SIGUSR1, before);
    ASSERT_TRUE(AddSignalHandler(*loop_, SIGUSR1, Logs("one")).ok());
    ASSERT_TRUE(AddSignalHandler(*loop_, SIGUSR1, Logs("two")).ok());
    EXPECT_NE(HandlerOf(SIGUSR1), before);
    EXPECT_TRUE(RemoveSignalHandler(*loop_, SIGUSR1));
    EXPECT_EQ(HandlerOf(SIGUSR1), before);
    EXPECT_FALSE(RemoveSignalHandler(*loop_, SIGUSR1));
  }
}

// SIG-07: SIGINT is no exception.
TEST_F(SignalHandlersTest, RemovedSigintHasItsDefaultAction) {
  ASSERT_TRUE(AddSignalHandler(*loop_, SIGINT, Logs("sig")).ok());
  EXPECT_TRUE(RemoveSignalHandler(*loop_, SIGINT));
  EXPECT_EQ(HandlerOf(SIGINT), SIG_DFL);
}

// SIG-07
TEST_F(SignalHandlersTest, RemovedCallbackIsDestroyedAndNotCalledAnyMore) {
  auto owned = std::make_shared<int>();
  auto callback = [this, owned] { Log("sig"); };
  ASSERT_TRUE(AddSignalHandler(*loop_, SIGUSR1, std::move(callback)).ok());
  ::raise(SIGUSR1);
  RunTurns(1);       // One call is queued,
  ::raise(SIGUSR1);  // and one delivery has not been looked at.
  EXPECT_TRUE(RemoveSignalHandler(*loop_, SIGUSR1));
  EXPECT_EQ(owned.use_count(), 1);
  ASSERT_TRUE(AddSignalHandler(*loop_, SIGUSR1, Logs("new")).ok());
  RunTurns(3);
  EXPECT_THAT(trace_, IsEmpty());
}

// SIG-07
TEST_F(SignalHandlersTest, CallbackMayRemoveItselfAndOthers) {
  auto owned = std::make_shared<std::string>("one");
  auto callback = [this, owned] {
    EXPECT_TRUE(RemoveSignalHandler(*loop_, SIGUSR1));
    EXPECT_TRUE(RemoveSignalHandler(*loop_, SIGUSR2));
    Log(*owned);
  };
  ASSERT_TRUE(AddSignalHandler(*loop_, SIGUSR1, std::move(callback)).ok());
  ASSERT_TRUE(AddSignalHandler(*loop_, SIGUSR2, Logs("two")).ok());
  ::raise(SIGUSR1);
  ::raise(SIGUSR2);
  ::raise(SIGUSR1);
  RunTurns(2);
  EXPECT_THAT(trace_, ElementsAre("one"));
  EXPECT_EQ(owned.use_count(), 1);
}

// SIG-08
TEST_F(SignalHandlersTest, CloseRemovesAllHandlers) {
  const ScopedDisposition ignored(SIGUSR2, SIG_IGN);
  auto owned = std::make_shared<int>();
  for (const int signal : {SIGUSR1, SIGUSR2, SIGTERM}) {
    ASSERT_TRUE(AddSignalHandler(*loop_, signal, [owned] { FAIL(); }).ok());
  }
  ::raise(SIGUSR1);
  RunTurns(1);
  ::raise(SIGTERM);
  EXPECT_TRUE(loop_->Close().ok());
  EXPECT_EQ(HandlerOf(SIGUSR1), SIG_DFL);
  EXPECT_EQ(HandlerOf(SIGUSR2), SIG_IGN);
  EXPECT_EQ(HandlerOf(SIGTERM), SIG_DFL);
  EXPECT_EQ(owned.use_count(), 1);
  EXPECT_FALSE(RemoveSignalHandler(*loop_, SIGUSR1));
  EXPECT_TRUE(IsRefused(AddSignalHandler(*loop_, SIGUSR1, [] {})));
  EXPECT_EQ(HandlerOf(SIGUSR1), SIG_DFL);
}

// SIG-08
TEST_F(SignalHandlersTest, bug_F4_LoopCanBeDestroyedWithSignalsPending) {
  const ScopedDisposition ignored(SIGUSR1, SIG_IGN);
  // What is destroyed may call back into what is being closed.
  std::shared_ptr<void> owned(nullptr, [this](void*) {
    EXPECT_FALSE(RemoveSignalHandler(*loop_, SIGUSR1));
    EXPECT_TRUE(IsRefused(AddSignalHandler(*loop_, SIGUSR1, [] {})));
    Log("destroyed");
  });
  auto callback = [keep = std::move(owned)] { FAIL(); };
  ASSERT_TRUE(AddSignalHandler(*loop_, SIGUSR1, std::move(callback)).ok());
  for (int i = 0; i < 1000; ++i) ::raise(SIGUSR1);
  RunTurns(1);
  for (int i = 0; i < 1000; ++i) ::raise(SIGUSR1);
  EXPECT_TRUE(loop_->Close().ok());
  EXPECT_THAT(trace_, ElementsAre("destroyed"));
  EXPECT_EQ(HandlerOf(SIGUSR1), SIG_IGN);
  ::raise(SIGUSR1);
}

// SIG-11
TEST_F(SignalHandlersTest, SignalsOfOthersAreNoneOfTheLoopsBusiness) {
  TestLoop other;
  const ScopedDisposition ignored(SIGHUP, SIG_IGN);
  ASSERT_TRUE(AddSignalHandler(other.loop(), SIGUSR2, Logs("other")).ok());
  ASSERT_TRUE(AddSignalHandler(*loop_, SIGUSR1, Logs("sig")).ok());
  ::raise(SIGUSR2);
  ::raise(SIGHUP);
  RunTurns(3);
  EXPECT_THAT(trace_, IsEmpty());
}

// SIG-12: blocked in the wait.
TEST_F(SignalHandlersTest, SignalWakesASleepingLoop) {
  ASSERT_TRUE(AddSignalHandler(*loop_, SIGUSR1, [this] {
                Log("sig");
                loop_->Stop();
              }).ok());
  const pthread_t sleeper = ::pthread_self();
  std::thread sender;
  loop_->CallSoon([&] {
    sender = std::thread([sleeper] { ::pthread_kill(sleeper, SIGUSR1); });
  });
  EXPECT_TRUE(loop_->RunForever().ok());
  sender.join();
  EXPECT_THAT(trace_, ElementsAre("sig"));
}

// SIG-12: delivered to a thread that knows no loop.
TEST_F(SignalHandlersTest, SignalToAnyThreadWakesASleepingLoop) {
  ASSERT_TRUE(AddSignalHandler(*loop_, SIGUSR1, [this] {
                Log("sig");
                loop_->Stop();
              }).ok());
  std::thread sender;
  loop_->CallSoon([&] { sender = std::thread([] { ::raise(SIGUSR1); }); });
  EXPECT_TRUE(loop_->RunForever().ok());
  sender.join();
  EXPECT_THAT(trace_, ElementsAre("sig"));
}

// SIG-12
TEST_F(SignalHandlersTest, SignalsWaitForTheNextRun) {
  ASSERT_TRUE(AddSignalHandler(*loop_, SIGUSR1, Logs("sig")).ok());
  RunTurns(1);
  for (int i = 0; i < 1000; ++i) ::raise(SIGUSR1);
  EXPECT_THAT(trace_, IsEmpty());
  RunTurns(2);
  EXPECT_THAT(trace_, SizeIs(1000));
}

// SIG-13
TEST_F(SignalHandlersTest, FailingAddLeavesNothingBehind) {
  const ScopedDisposition ignored(SIGUSR1, SIG_IGN);
  for (const std::string call : {"eventfd", "epoll_ctl", "sigaction@Install"}) {
    FaultInjection faults;
    faults.Fail(call, ENOMEM);
    const absl::Status status = AddSignalHandler(*loop_, SIGUSR1, [] {});
    EXPECT_EQ(ErrnoFromStatus(status), ENOMEM) << call;
    faults.Clear();
    EXPECT_EQ(HandlerOf(SIGUSR1), SIG_IGN);
    EXPECT_FALSE(RemoveSignalHandler(*loop_, SIGUSR1));
    // Nothing is looked at in the turn of an idle loop that does not sleep.
    RunTurns(1);
    EXPECT_EQ(faults.Count("epoll_wait"), 0);
    EXPECT_EQ(faults.Count("epoll_pwait2"), 0);
  }
  ASSERT_TRUE(AddSignalHandler(*loop_, SIGUSR1, Logs("sig")).ok());
  ::raise(SIGUSR1);
  RunTurns(2);
  EXPECT_THAT(trace_, ElementsAre("sig"));
}

// SIG-13
TEST_F(SignalHandlersTest, FailingAddLeavesTheOtherHandlersAlone) {
  const ScopedDisposition ignored(SIGUSR2, SIG_IGN);
  ASSERT_TRUE(AddSignalHandler(*loop_, SIGUSR1, Logs("sig")).ok());
  {
    FaultInjection faults;
    faults.Fail("sigaction@Install", ENOMEM);
    EXPECT_EQ(ErrnoFromStatus(AddSignalHandler(*loop_, SIGUSR2, Logs("no"))),
              ENOMEM);
  }
  EXPECT_FALSE(RemoveSignalHandler(*loop_, SIGUSR2));
  EXPECT_EQ(HandlerOf(SIGUSR2), SIG_IGN);
  ::raise(SIGUSR1);
  RunTurns(2);
  EXPECT_THAT(trace_, ElementsAre("sig"));
}

// CTX-03
TEST_F(SignalHandlersTest, CallbackKeepsOneCopyOfItsContextForAllItsCalls) {
  const ContextVar<int> number("number", 0);
  std::vector<int> seen;
  const auto callback = [&] {
    seen.push_back(*number.Get());
    number.Set(*number.Get() + 1);
  };
  Context().Run([&] {
    number.Set(10);
    ASSERT_TRUE(AddSignalHandler(*loop_, SIGUSR1, callback).ok());
    number.Set(20);
    ::raise(SIGUSR1);
    ::raise(SIGUSR1);
  });
  RunTurns(2);
  ::raise(SIGUSR1);
  RunTurns(1);
  Context().Run([&] {
    number.Set(30);
    ASSERT_TRUE(AddSignalHandler(*loop_, SIGUSR1, callback).ok());
  });
  RunTurns(1);
  EXPECT_THAT(seen, ElementsAre(10, 11, 30));
}

// CTX-03
TEST_F(SignalHandlersTest, TheLoopsOwnReaderKeepsNoContextAlive) {
  auto owned = std::make_shared<int>();
  const ContextVar<std::shared_ptr<int>> variable("variable");
  Context().Run([&] {
    variable.Set(owned);
    ASSERT_TRUE(AddSignalHandler(*loop_, SIGUSR1, [] {}).ok());
  });
  ASSERT_TRUE(AddSignalHandler(*loop_, SIGUSR2, [] {}).ok());
  EXPECT_EQ(owned.use_count(), 2);
  EXPECT_TRUE(RemoveSignalHandler(*loop_, SIGUSR1));
  EXPECT_EQ(owned.use_count(), 1);
}

#if defined(__cpp_exceptions)
TEST_F(SignalHandlersTest, ReportOfACallbackThatThrewSaysWhereItWasAdded) {
  std::string report;
  loop_->SetExceptionHandler(
      [&](AbstractEventLoop&, const ErrorContext& error) {
        report = error.ToString();
      });
  const auto throws = [] { throw std::runtime_error("no"); };
  // One line: compilers differ in which of several a call stands on.
  const SourceLocation here = SourceLocation::Here();
  ASSERT_TRUE(AddSignalHandler(*loop_, SIGUSR1, throws).ok());
  ::raise(SIGUSR1);
  RunTurns(2);
  EXPECT_THAT(report, HasSubstr("signal_handlers_test.cc:" +
                                std::to_string(here.line() + 1)));
  ASSERT_TRUE(AddSignalHandler(*loop_, SIGUSR1, Logs("again")).ok());
  ::raise(SIGUSR1);
  RunTurns(2);
  EXPECT_THAT(trace_, ElementsAre("again"));
}
#endif

TEST_F(SignalHandlersTest, bug_F1_NoSignalIsLostHoweverManyPostsThereAre) {
  std::vector<int> signals;
  for (int signal = 1; signal <= 64; ++signal) {
    if (signal == SIGKILL || signal == SIGSTOP || signal == SIGSEGV ||
        signal == SIGBUS || signal == SIGFPE || signal == SIGILL ||
        signal == SIGABRT || signal == 32 || signal == 33) {
      continue;
    }
    signals.push_back(signal);
  }
  std::vector<int> calls(65);
  for (const int signal : signals) {
    ASSERT_TRUE(AddSignalHandler(*loop_, signal, [&calls, signal] {
                  ++calls[signal];
                }).ok());
  }
  constexpr int kPosts = 100'000;
  int posts = 0;
  std::thread poster([&] {
    for (int i = 0; i < kPosts; ++i) {
      EXPECT_TRUE(loop_->CallSoonThreadsafe([&] { ++posts; }).ok());
    }
    for (int i = 0; i < 20; ++i) {
      for (const int signal : signals) ::raise(signal);
    }
  });
  poster.join();
  RunTurns(2);
  EXPECT_EQ(posts, kPosts);
  for (const int signal : signals) EXPECT_EQ(calls[signal], 20) << signal;
}

TEST_F(SignalHandlersTest, bug_F2_EachSignalIsSeenWheneverItComes) {
  constexpr int kRounds = 2000;
  std::atomic<int> received{0};
  ASSERT_TRUE(AddSignalHandler(*loop_, SIGUSR1, [&] {
                if (++received == kRounds) loop_->Stop();
              }).ok());
  const pthread_t runner = ::pthread_self();
  std::thread sender([&] {
    for (int i = 0; i < kRounds; ++i) {
      ::pthread_kill(runner, SIGUSR1);
      while (received <= i) std::this_thread::yield();
    }
  });
  EXPECT_TRUE(loop_->RunForever().ok());
  sender.join();
}

TEST_F(SignalHandlersTest, bug_F7_SignalsOnAllThreadsWhileHandlersComeAndGo) {
  constexpr int kSenders = 8;
  constexpr int kSent = 200;
  const ScopedDisposition ignored(SIGUSR1, SIG_IGN);
  const ScopedDisposition also_ignored(SIGUSR2, SIG_IGN);
  int received = 0;
  ASSERT_TRUE(AddSignalHandler(*loop_, SIGUSR1, [&] {
                if (++received == kSenders * kSent) loop_->Stop();
                if (RemoveSignalHandler(*loop_, SIGUSR2)) return;
                EXPECT_TRUE(AddSignalHandler(*loop_, SIGUSR2, [] {}).ok());
              }).ok());
  std::vector<std::thread> senders;
  for (int i = 0; i < kSenders; ++i) {
    senders.emplace_back([] {
      for (int sent = 0; sent < kSent; ++sent) {
        ::raise(SIGUSR1);
        ::raise(SIGUSR2);
      }
    });
  }
  EXPECT_TRUE(loop_->RunForever().ok());
  for (std::thread& sender : senders) sender.join();
  EXPECT_EQ(received, kSenders * kSent);
}

std::atomic<int> sigchld_calls{0};

TEST_F(SignalHandlersTest, bug_F9_WatchingAChildDoesNotTouchSigchld) {
  const auto count = [](int) { ++sigchld_calls; };
  const ScopedDisposition own(SIGCHLD, count, SA_RESTART);
  SpawnOptions options;
  options.argv = {"true"};
  absl::StatusOr<Child> child = Spawn(options);
  ASSERT_TRUE(child.ok()) << child.status();
  const auto on_exit = [this](pid_t, ExitStatus status) {
    EXPECT_EQ(status, ExitStatus::Exited(0));
    loop_->Stop();
  };
  FaultInjection faults;
  ASSERT_TRUE(
      loop_->WatchSpawnedChild(child->pid, child->pidfd.get(), on_exit).ok());
  EXPECT_TRUE(loop_->RunForever().ok());
  EXPECT_EQ(faults.Count("sigaction"), 0);
  EXPECT_EQ(HandlerOf(SIGCHLD), +count);
  EXPECT_EQ(sigchld_calls, 1);
}

TEST_F(SignalHandlersTest, bug_F9_SigchldHandlerAndChildWatcherBothAreTold) {
  int missing = 2;
  ASSERT_TRUE(AddSignalHandler(*loop_, SIGCHLD, [&] {
                if (--missing == 0) loop_->Stop();
              }).ok());
  SpawnOptions options;
  options.argv = {"true"};
  absl::StatusOr<Child> child = Spawn(options);
  ASSERT_TRUE(child.ok()) << child.status();
  const auto on_exit = [&](pid_t, ExitStatus status) {
    EXPECT_EQ(status, ExitStatus::Exited(0));
    if (--missing == 0) loop_->Stop();
  };
  ASSERT_TRUE(
      loop_->WatchSpawnedChild(child->pid, child->pidfd.get(), on_exit).ok());
  EXPECT_TRUE(loop_->RunForever().ok());
}

TEST_F(SignalHandlersTest, TestLoopIsToldOfRealSignals) {
  TestLoop test;
  ASSERT_TRUE(AddSignalHandler(test.loop(), SIGUSR1, Logs("sig")).ok());
  ::raise(SIGUSR1);
  EXPECT_TRUE(test.RunUntilIdle().ok());
  EXPECT_THAT(trace_, ElementsAre("sig"));
}

}  // namespace
}  // namespace evkit
