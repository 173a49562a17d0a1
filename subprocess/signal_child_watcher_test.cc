// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/subprocess/signal_child_watcher.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <atomic>
#include <cerrno>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "evkit/base/errno_status.h"
#include "evkit/base/fault_injection.h"
#include "evkit/subprocess/child_watcher_conformance.h"
#include "evkit/subprocess/internal/spawn_testing.h"
#include "evkit/subprocess/pidfd_child_watcher.h"
#include "evkit/subprocess/spawn.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using subprocess_internal::HasChildren;
using subprocess_internal::IsReadable;
using subprocess_internal::MustSpawn;
using subprocess_internal::OpenFds;
using subprocess_internal::ReadAll;
using subprocess_internal::RunTestChild;
using subprocess_internal::WaitFor;
using subprocess_internal::WaitUntilReadable;
using ::testing::ElementsAre;
using ::testing::Pair;

INSTANTIATE_TEST_SUITE_P(
    Signal, ChildWatcherConformanceTest,
    ::testing::Values([]() -> absl::StatusOr<std::unique_ptr<ChildWatcher>> {
      return SignalChildWatcher::Create();
    }));

sighandler_t SigchldHandler() {
  struct sigaction action;
  sigaction(SIGCHLD, nullptr, &action);
  return action.sa_handler;
}

class SignalChildWatcherTest : public ::testing::Test {
 protected:
  ~SignalChildWatcherTest() override { EXPECT_FALSE(HasChildren()); }

  ChildWatcher::Callback Record() {
    return [this](pid_t pid, ExitStatus status) {
      exits_.emplace_back(pid, status);
    };
  }

  static Child BlockedChild() {
    SpawnOptions options = RunTestChild({"wait", "exit", "5"});
    options.stdin_from = Stdio::Pipe();
    return MustSpawn(options);
  }

  void DispatchUntil(ChildWatcher& watcher, size_t count) {
    while (exits_.size() < count) {
      WaitUntilReadable(watcher.fd());
      watcher.Dispatch();
    }
  }

  std::vector<std::pair<pid_t, ExitStatus>> exits_;
};

// WATCH-07
TEST_F(SignalChildWatcherTest, HandlerIsThereOnlyWhileAChildIsWatched) {
  const auto watcher = *SignalChildWatcher::Create();
  EXPECT_EQ(SigchldHandler(), SIG_DFL);
  Child child = BlockedChild();
  ASSERT_TRUE(watcher->Watch(child.pid, Record()).ok());
  EXPECT_NE(SigchldHandler(), SIG_DFL);
  child.stdin_pipe.Reset();
  DispatchUntil(*watcher, 1);
  EXPECT_EQ(SigchldHandler(), SIG_DFL);
  EXPECT_FALSE(watcher->Watch(child.pid, Record()).ok());
  EXPECT_EQ(SigchldHandler(), SIG_DFL);
}

std::atomic<int> foreign_calls{0};

TEST_F(SignalChildWatcherTest, HandlerOfAnotherLibraryIsCalledToo) {
  struct sigaction foreign = {};
  foreign.sa_handler = [](int) { ++foreign_calls; };
  struct sigaction old;
  sigaction(SIGCHLD, &foreign, &old);
  const auto watcher = *SignalChildWatcher::Create();
  Child child = BlockedChild();
  Child theirs = BlockedChild();
  ASSERT_TRUE(watcher->Watch(child.pid, Record()).ok());
  foreign_calls = 0;
  child.stdin_pipe.Reset();
  DispatchUntil(*watcher, 1);
  EXPECT_GE(foreign_calls, 1);
  theirs.stdin_pipe.Reset();
  EXPECT_EQ(WaitFor(theirs), ExitStatus::Exited(5)) << "was not theirs";
  sigaction(SIGCHLD, &old, nullptr);
}

TEST_F(SignalChildWatcherTest, WorksBesideOtherWatchers) {
  const auto a = *SignalChildWatcher::Create();
  const auto b = *SignalChildWatcher::Create();
  const auto c = *PidfdChildWatcher::Create();
  Child first = BlockedChild();
  Child second = BlockedChild();
  Child third = BlockedChild();
  ASSERT_TRUE(a->Watch(first.pid, Record()).ok());
  ASSERT_TRUE(b->Watch(second.pid, Record()).ok());
  ASSERT_TRUE(c->Watch(third.pid, Record()).ok());
  first.stdin_pipe.Reset();
  DispatchUntil(*a, 1);
  second.stdin_pipe.Reset();
  DispatchUntil(*b, 2);
  third.stdin_pipe.Reset();
  DispatchUntil(*c, 3);
  EXPECT_THAT(exits_, ElementsAre(Pair(first.pid, ExitStatus::Exited(5)),
                                  Pair(second.pid, ExitStatus::Exited(5)),
                                  Pair(third.pid, ExitStatus::Exited(5))));
}

// WATCH-05: many exits for one signal.
TEST_F(SignalChildWatcherTest, bug_G5_ExitsThatShareASignalAreAllSeen) {
  const auto watcher = *SignalChildWatcher::Create();
  sigset_t sigchld;
  sigset_t old;
  sigemptyset(&sigchld);
  sigaddset(&sigchld, SIGCHLD);
  pthread_sigmask(SIG_BLOCK, &sigchld, &old);
  constexpr size_t kChildren = 100;
  for (size_t i = 0; i < kChildren; ++i) {
    Child child = BlockedChild();
    ASSERT_TRUE(
        watcher->WatchSpawned(child.pid, child.pidfd.get(), Record()).ok());
    child.stdin_pipe.Reset();
    siginfo_t info;
    waitid(P_PID, static_cast<id_t>(child.pid), &info, WEXITED | WNOWAIT);
  }
  pthread_sigmask(SIG_SETMASK, &old, nullptr);
  WaitUntilReadable(watcher->fd());
  watcher->Dispatch();
  EXPECT_LT(exits_.size(), kChildren) << "not bounded";
  DispatchUntil(*watcher, kChildren);
  EXPECT_EQ(exits_.size(), kChildren);
}

#if defined(__cpp_exceptions)
// What is left is not forgotten.
TEST_F(SignalChildWatcherTest, CallbackMayThrow) {
  const auto watcher = *SignalChildWatcher::Create();
  Child a = BlockedChild();
  Child b = BlockedChild();
  const auto fail = [this](pid_t pid, ExitStatus status) {
    exits_.emplace_back(pid, status);
    throw 1;
  };
  ASSERT_TRUE(watcher->Watch(a.pid, fail).ok());
  ASSERT_TRUE(watcher->Watch(b.pid, fail).ok());
  a.stdin_pipe.Reset();
  b.stdin_pipe.Reset();
  while (exits_.size() < 2) {
    WaitUntilReadable(watcher->fd());
    try {
      watcher->Dispatch();
    } catch (int) {
    }
  }
}
#endif  // __cpp_exceptions

// A child that is not ours by birth: its parent exits at once.
std::pair<Child, pid_t> Orphan() {
  SpawnOptions options;
  options.argv = {"/bin/sh", "-c",
                  "exec 3<&0; { read l <&3; exit 6; } & echo $!"};
  options.stdin_from = Stdio::Pipe();
  options.stdout_to = Stdio::Pipe();
  Child parent = MustSpawn(options);
  char text[32] = {};
  const ssize_t size = read(parent.stdout_pipe.get(), text, sizeof(text) - 1);
  EXPECT_GT(size, 0);
  return {std::move(parent), std::stoi(text)};
}

// WATCH-06
TEST_F(SignalChildWatcherTest, OrphansAreReapedOnlyOnDemand) {
  ASSERT_EQ(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
  std::vector<std::pair<pid_t, ExitStatus>> orphans;
  SignalChildWatcherOptions options;
  options.reap_orphans = true;
  options.on_orphan = [&](pid_t pid, ExitStatus status) {
    orphans.emplace_back(pid, status);
  };
  auto watcher = *SignalChildWatcher::Create(std::move(options));
  auto [parent, orphan] = Orphan();
  ASSERT_TRUE(watcher->Watch(parent.pid, Record()).ok());
  DispatchUntil(*watcher, 1);
  EXPECT_THAT(exits_, ElementsAre(Pair(parent.pid, ExitStatus::Exited(0))));
  parent.stdin_pipe.Reset();
  while (orphans.empty()) {
    WaitUntilReadable(watcher->fd());
    watcher->Dispatch();
  }
  EXPECT_THAT(orphans, ElementsAre(Pair(orphan, ExitStatus::Exited(6))));
  EXPECT_FALSE(IsReadable(watcher->fd()));

  // Without the option it is left to whoever wants it.
  watcher = *SignalChildWatcher::Create();
  std::tie(parent, orphan) = Orphan();
  ASSERT_TRUE(watcher->Watch(parent.pid, Record()).ok());
  DispatchUntil(*watcher, 2);
  parent.stdin_pipe.Reset();
  int status = 0;
  EXPECT_EQ(waitpid(orphan, &status, 0), orphan);
  EXPECT_EQ(WEXITSTATUS(status), 6);
  prctl(PR_SET_CHILD_SUBREAPER, 0);
}

TEST_F(SignalChildWatcherTest, OrphanThatIsThereAlreadyIsReaped) {
  int orphans = 0;
  Child child = BlockedChild();
  child.stdin_pipe.Reset();
  siginfo_t info;
  waitid(P_PID, static_cast<id_t>(child.pid), &info, WEXITED | WNOWAIT);
  std::unique_ptr<SignalChildWatcher> watcher;
  SignalChildWatcherOptions options;
  options.reap_orphans = true;
  options.on_orphan = [&](pid_t, ExitStatus) {
    ++orphans;
    watcher = nullptr;  // And so may the watcher be destroyed.
  };
  watcher = *SignalChildWatcher::Create(std::move(options));
  WaitUntilReadable(watcher->fd());
  watcher->Dispatch();
  EXPECT_EQ(orphans, 1);
  EXPECT_EQ(watcher, nullptr);
}

TEST_F(SignalChildWatcherTest, FailuresLeaveNothingBehind) {
  const std::vector<int> before = OpenFds();
  for (const char* call : {"eventfd", "epoll_create1", "epoll_ctl"}) {
    FaultInjection faults;
    faults.Fail(call, EMFILE);
    EXPECT_EQ(ErrnoFromStatus(SignalChildWatcher::Create().status()), EMFILE);
  }
  {
    SignalChildWatcherOptions options;
    options.reap_orphans = true;
    FaultInjection faults;
    faults.Fail("sigaction", EPERM);
    EXPECT_FALSE(SignalChildWatcher::Create(std::move(options)).ok());
  }
  EXPECT_EQ(OpenFds(), before);

  const auto watcher = *SignalChildWatcher::Create();
  Child child = BlockedChild();
  {
    FaultInjection faults;
    faults.Fail("sigaction", EPERM);
    EXPECT_FALSE(watcher->Watch(child.pid, Record()).ok());
  }
  {
    FaultInjection faults;
    faults.Fail("fcntl", EMFILE);
    EXPECT_EQ(ErrnoFromStatus(watcher->WatchSpawned(
                  child.pid, child.pidfd.get(), Record())),
              EMFILE);
  }
  EXPECT_EQ(watcher->size(), 0u);
  child.stdin_pipe.Reset();
  WaitFor(child);
}

}  // namespace
}  // namespace evkit
