// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/subprocess/child_watcher_conformance.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <map>
#include <thread>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "evkit/base/unique_fd.h"
#include "evkit/subprocess/internal/spawn_testing.h"
#include "gmock/gmock.h"

namespace evkit {

using subprocess_internal::HasChildren;
using subprocess_internal::IsReadable;
using subprocess_internal::kSlowBuild;
using subprocess_internal::MustSpawn;
using subprocess_internal::OpenFds;
using subprocess_internal::RunTestChild;
using subprocess_internal::WaitFor;
using subprocess_internal::WaitUntilReadable;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(ChildWatcherConformanceTest);

ChildWatcherConformanceTest::ChildWatcherConformanceTest() = default;

ChildWatcherConformanceTest::~ChildWatcherConformanceTest() {
  watcher_.reset();
  EXPECT_FALSE(HasChildren()) << "a child was not reaped";
}

std::unique_ptr<ChildWatcher> ChildWatcherConformanceTest::NewWatcher() {
  absl::StatusOr<std::unique_ptr<ChildWatcher>> watcher = GetParam()();
  EXPECT_TRUE(watcher.ok()) << watcher.status();
  return watcher.ok() ? *std::move(watcher) : nullptr;
}

Child ChildWatcherConformanceTest::BlockedChild(int code) {
  SpawnOptions options = RunTestChild({"wait", "exit", std::to_string(code)});
  options.stdin_from = Stdio::Pipe();
  return MustSpawn(options);
}

Child ChildWatcherConformanceTest::ExitedChild(int code) {
  Child child = BlockedChild(code);
  child.stdin_pipe.Reset();
  siginfo_t info;
  waitid(P_PID, static_cast<id_t>(child.pid), &info, WEXITED | WNOWAIT);
  return child;
}

ChildWatcher::Callback ChildWatcherConformanceTest::Record() {
  return [this](pid_t pid, ExitStatus status) {
    exits_.emplace_back(pid, status);
  };
}

void ChildWatcherConformanceTest::DispatchUntil(size_t count) {
  while (exits_.size() < count) {
    WaitUntilReadable(watcher_->fd());
    watcher_->Dispatch();
  }
}

TEST_P(ChildWatcherConformanceTest, NothingWatchedIsNothingToDo) {
  EXPECT_EQ(watcher_->size(), 0u);
  EXPECT_FALSE(IsReadable(watcher_->fd()));
  watcher_->Dispatch();
}

// WATCH-01, WATCH-02
TEST_P(ChildWatcherConformanceTest, ReportsAnExitOnceAndReaps) {
  Child child = BlockedChild(7);
  ASSERT_TRUE(watcher_->Watch(child.pid, Record()).ok());
  EXPECT_EQ(watcher_->size(), 1u);
  EXPECT_FALSE(IsReadable(watcher_->fd()));
  watcher_->Dispatch();
  EXPECT_THAT(exits_, IsEmpty());

  child.stdin_pipe.Reset();
  DispatchUntil(1);
  EXPECT_THAT(exits_, ElementsAre(Pair(child.pid, ExitStatus::Exited(7))));
  EXPECT_EQ(watcher_->size(), 0u);
  EXPECT_FALSE(HasChildren());
  EXPECT_FALSE(IsReadable(watcher_->fd()));
  watcher_->Dispatch();
  EXPECT_EQ(exits_.size(), 1u);
}

// SUB-12
TEST_P(ChildWatcherConformanceTest, DeathBySignalIsReportedAsSuch) {
  Child child = BlockedChild(0);
  ASSERT_TRUE(watcher_->Watch(child.pid, Record()).ok());
  ASSERT_TRUE(child.Signal(SIGKILL).ok());
  DispatchUntil(1);
  EXPECT_THAT(exits_,
              ElementsAre(Pair(child.pid, ExitStatus::Signaled(SIGKILL))));
}

TEST_P(ChildWatcherConformanceTest, StoppedChildIsNotReported) {
  Child child = BlockedChild(1);
  ASSERT_TRUE(watcher_->Watch(child.pid, Record()).ok());
  ASSERT_TRUE(child.Signal(SIGSTOP).ok());
  siginfo_t info;
  ASSERT_EQ(waitid(P_PID, static_cast<id_t>(child.pid), &info, WSTOPPED), 0);
  watcher_->Dispatch();
  EXPECT_THAT(exits_, IsEmpty());
  ASSERT_TRUE(child.Signal(SIGKILL).ok());
  DispatchUntil(1);
}

// A grandchild holds what the child had open, also its standard input.
TEST_P(ChildWatcherConformanceTest, bug_G15_GrandchildDoesNotDelayTheExit) {
  SpawnOptions options;
  options.argv = {"/bin/sh", "-c", "{ read line <&3; } & exit 5"};
  int hold[2];
  ASSERT_EQ(pipe2(hold, O_CLOEXEC), 0);
  const UniqueFd hold_read(hold[0]);
  UniqueFd hold_write(hold[1]);
  options.pass_fds.emplace_back(3, hold_read.get());
  options.stdout_to = Stdio::Pipe();
  const absl::StatusOr<Child> child = Spawn(options);
  ASSERT_TRUE(child.ok()) << child.status();
  ASSERT_TRUE(watcher_->Watch(child->pid, Record()).ok());
  DispatchUntil(1);
  EXPECT_THAT(exits_, ElementsAre(Pair(child->pid, ExitStatus::Exited(5))));

  // The grandchild lives, and with it the pipe; it ends with its input.
  EXPECT_FALSE(IsReadable(child->stdout_pipe.get()));
  hold_write.Reset();
  WaitUntilReadable(child->stdout_pipe.get());
}

// Exit before the watch began: lost elsewhere.
TEST_P(ChildWatcherConformanceTest,
       bug_G2_ChildThatHasExitedAlreadyIsReported) {
  const Child child = ExitedChild(3);
  ASSERT_TRUE(watcher_->Watch(child.pid, Record()).ok());
  EXPECT_THAT(exits_, IsEmpty()) << "called back from Watch()";
  DispatchUntil(1);
  EXPECT_THAT(exits_, ElementsAre(Pair(child.pid, ExitStatus::Exited(3))));
}

TEST_P(ChildWatcherConformanceTest, SpawnedChildIsReportedWithOrWithoutPidfd) {
  Child a = BlockedChild(1);
  Child b = BlockedChild(2);
  ASSERT_TRUE(watcher_->WatchSpawned(a.pid, a.pidfd.get(), Record()).ok());
  ASSERT_TRUE(watcher_->WatchSpawned(b.pid, -1, Record()).ok());
  a.pidfd.Reset();  // It was borrowed for the call only.
  a.stdin_pipe.Reset();
  b.stdin_pipe.Reset();
  DispatchUntil(2);
  EXPECT_THAT(exits_, UnorderedElementsAre(Pair(a.pid, ExitStatus::Exited(1)),
                                           Pair(b.pid, ExitStatus::Exited(2))));
}

TEST_P(ChildWatcherConformanceTest, ThereMustBeSuchAChild) {
  const Child child = ExitedChild(0);
  WaitFor(child);
  EXPECT_EQ(watcher_->Watch(child.pid, Record()).code(),
            absl::StatusCode::kNotFound);
  for (const pid_t pid : {0, -1, -child.pid}) {
    EXPECT_EQ(watcher_->Watch(pid, Record()).code(),
              absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(watcher_->WatchSpawned(pid, -1, Record()).code(),
              absl::StatusCode::kInvalidArgument);
  }
  EXPECT_EQ(watcher_->size(), 0u);
}

// WATCH-03
TEST_P(ChildWatcherConformanceTest, bug_G3_ChildReapedByAForeignWaitIsUnknown) {
  Child child = BlockedChild(5);
  ASSERT_TRUE(watcher_->Watch(child.pid, Record()).ok());
  child.stdin_pipe.Reset();
  ASSERT_EQ(waitpid(-1, nullptr, 0), child.pid);
  DispatchUntil(1);
  EXPECT_THAT(exits_, ElementsAre(Pair(child.pid, ExitStatus::Unknown())));
  EXPECT_EQ(exits_[0].second.returncode(), 255);
}

// WATCH-03
TEST_P(ChildWatcherConformanceTest, bug_G3_ReapedBeforeTheWatchIsUnknownToo) {
  const Child a = ExitedChild(5);
  const Child b = ExitedChild(6);
  WaitFor(a);
  WaitFor(b);
  ASSERT_TRUE(watcher_->WatchSpawned(a.pid, a.pidfd.get(), Record()).ok());
  ASSERT_TRUE(watcher_->WatchSpawned(b.pid, -1, Record()).ok());
  DispatchUntil(2);
  EXPECT_THAT(exits_, UnorderedElementsAre(Pair(a.pid, ExitStatus::Unknown()),
                                           Pair(b.pid, ExitStatus::Unknown())));
  EXPECT_EQ(watcher_->size(), 0u);
}

// WATCH-03
TEST_P(ChildWatcherConformanceTest, bug_G3_KernelMayReapWhereSigchldIsIgnored) {
  struct sigaction ignore = {};
  ignore.sa_handler = SIG_IGN;
  struct sigaction no_wait = {};
  no_wait.sa_handler = SIG_DFL;
  no_wait.sa_flags = SA_NOCLDWAIT;
  for (const auto& action : {ignore, no_wait}) {
    exits_.clear();
    struct sigaction old;
    sigaction(SIGCHLD, &action, &old);
    Child child = BlockedChild(5);
    ASSERT_TRUE(watcher_->Watch(child.pid, Record()).ok());
    child.stdin_pipe.Reset();
    DispatchUntil(1);
    EXPECT_THAT(exits_, ElementsAre(Pair(child.pid, ExitStatus::Unknown())));
    sigaction(SIGCHLD, &old, nullptr);
  }
}

// One watcher takes the children of the other. Each thread is WATCH-10.
TEST_P(ChildWatcherConformanceTest, bug_G4_WatchersDoNotStealFromEachOther) {
  const int children = kSlowBuild ? 60 : 250;
  const auto run = [&] {
    const std::unique_ptr<ChildWatcher> watcher = NewWatcher();
    int reported = 0;
    std::map<pid_t, int> codes;
    for (int i = 0; i < children; ++i) {
      const Child child = MustSpawn(RunTestChild({"exit", std::to_string(i)}));
      codes[child.pid] = i;
      EXPECT_TRUE(watcher
                      ->Watch(child.pid,
                              [&](pid_t pid, ExitStatus status) {
                                ++reported;
                                EXPECT_EQ(status,
                                          ExitStatus::Exited(codes[pid]));
                                codes.erase(pid);
                              })
                      .ok());
      if (watcher->size() >= 20) {
        WaitUntilReadable(watcher->fd());
        watcher->Dispatch();
      }
    }
    while (watcher->size() > 0) {
      WaitUntilReadable(watcher->fd());
      watcher->Dispatch();
    }
    EXPECT_EQ(reported, children);
  };
  std::thread other(run);
  run();
  other.join();
}

TEST_P(ChildWatcherConformanceTest, bug_G4_EveryExitIsSeenBesideAForeignWait) {
  Child keeper = BlockedChild(0);  // Gives the thief something to wait for.
  std::thread thief([&] {
    while (waitpid(-1, nullptr, 0) != keeper.pid) {
    }
  });
  const size_t children = kSlowBuild ? 40 : 150;
  for (size_t i = 0; i < children; ++i) {
    const Child child = MustSpawn(RunTestChild({"exit", "9"}));
    ASSERT_TRUE(
        watcher_->WatchSpawned(child.pid, child.pidfd.get(), Record()).ok());
    if (watcher_->size() >= 10) DispatchUntil(exits_.size() + 1);
  }
  DispatchUntil(children);
  for (const auto& [pid, status] : exits_) {
    EXPECT_TRUE(status == ExitStatus::Exited(9) || status.unknown()) << status;
  }
  keeper.stdin_pipe.Reset();
  thief.join();
}

// Exits that arrive while a callback runs.
TEST_P(ChildWatcherConformanceTest, bug_G5_CallbackMayWatchUnwatchAndDispatch) {
  const Child first = ExitedChild(1);
  const Child second = ExitedChild(2);
  const Child third = ExitedChild(3);
  ASSERT_TRUE(
      watcher_
          ->Watch(first.pid,
                  [&](pid_t pid, ExitStatus status) {
                    exits_.emplace_back(pid, status);
                    EXPECT_FALSE(watcher_->Unwatch(pid));
                    EXPECT_TRUE(watcher_->Watch(second.pid, Record()).ok());
                    EXPECT_TRUE(watcher_->Watch(third.pid, Record()).ok());
                    WaitUntilReadable(watcher_->fd());
                    watcher_->Dispatch();
                  })
          .ok());
  DispatchUntil(3);
  EXPECT_THAT(exits_,
              UnorderedElementsAre(Pair(first.pid, ExitStatus::Exited(1)),
                                   Pair(second.pid, ExitStatus::Exited(2)),
                                   Pair(third.pid, ExitStatus::Exited(3))));
}

TEST_P(ChildWatcherConformanceTest, CallbackMayUnwatchAnotherThatHasExited) {
  const Child a = ExitedChild(1);
  const Child b = ExitedChild(2);
  const auto unwatch = [&](pid_t other) {
    return [this, other](pid_t pid, ExitStatus status) {
      exits_.emplace_back(pid, status);
      EXPECT_TRUE(watcher_->Unwatch(other));
    };
  };
  ASSERT_TRUE(watcher_->Watch(a.pid, unwatch(b.pid)).ok());
  ASSERT_TRUE(watcher_->Watch(b.pid, unwatch(a.pid)).ok());
  DispatchUntil(1);
  EXPECT_EQ(exits_.size(), 1u);
  EXPECT_EQ(watcher_->size(), 0u);
  EXPECT_TRUE(HasChildren()) << "reaped what was unwatched";
  const bool a_was_first = exits_[0].first == a.pid;
  EXPECT_EQ(WaitFor(a_was_first ? b : a),
            ExitStatus::Exited(a_was_first ? 2 : 1));
}

TEST_P(ChildWatcherConformanceTest, CallbackMayDestroyTheWatcher) {
  const Child a = ExitedChild(1);
  const Child b = ExitedChild(2);
  const auto destroy = [&](pid_t pid, ExitStatus status) {
    exits_.emplace_back(pid, status);
    watcher_.reset();
  };
  ASSERT_TRUE(watcher_->Watch(a.pid, destroy).ok());
  ASSERT_TRUE(watcher_->Watch(b.pid, destroy).ok());
  while (watcher_ != nullptr) {
    WaitUntilReadable(watcher_->fd());
    watcher_->Dispatch();
  }
  EXPECT_EQ(exits_.size(), 1u);
  WaitFor(exits_[0].first == a.pid ? b : a);
}

// The last owner of a watcher may be a callback of its own.
TEST_P(ChildWatcherConformanceTest, CallbackMayOwnTheWatcher) {
  const Child child = ExitedChild(1);
  const std::shared_ptr<ChildWatcher> owner = std::move(watcher_);
  std::weak_ptr<ChildWatcher> watcher = owner;
  {
    std::shared_ptr<ChildWatcher> mine = owner;
    ASSERT_TRUE(owner
                    ->Watch(child.pid,
                            [mine, this](pid_t pid, ExitStatus status) {
                              exits_.emplace_back(pid, status);
                            })
                    .ok());
  }
  while (exits_.empty()) {
    WaitUntilReadable(owner->fd());
    owner->Dispatch();
  }
  EXPECT_EQ(owner.use_count(), 1) << "the callback was kept";
}

// The owner of a child drops it while it runs: nobody reaps it.
TEST_P(ChildWatcherConformanceTest, bug_G6_DroppedChildIsReapedAllTheSame) {
  pid_t pid;
  {
    const Child child = BlockedChild(4);
    pid = child.pid;
    ASSERT_TRUE(watcher_->Watch(pid, Record()).ok());
  }  // Its stdin ends here, and so does it.
  DispatchUntil(1);
  EXPECT_THAT(exits_, ElementsAre(Pair(pid, ExitStatus::Exited(4))));
  EXPECT_FALSE(HasChildren());
}

// WATCH-09
TEST_P(ChildWatcherConformanceTest, WatchingAgainReplacesTheCallback) {
  Child child = BlockedChild(4);
  const auto alive = std::make_shared<int>(0);
  ASSERT_TRUE(watcher_
                  ->Watch(child.pid,
                          [alive](pid_t, ExitStatus) {
                            ADD_FAILURE() << "replaced, and called";
                          })
                  .ok());
  EXPECT_EQ(alive.use_count(), 2);
  ASSERT_TRUE(watcher_->Watch(child.pid, Record()).ok());
  EXPECT_EQ(alive.use_count(), 1);
  EXPECT_EQ(watcher_->size(), 1u);
  child.stdin_pipe.Reset();
  DispatchUntil(1);
  EXPECT_THAT(exits_, ElementsAre(Pair(child.pid, ExitStatus::Exited(4))));
}

// WATCH-09
TEST_P(ChildWatcherConformanceTest, ReplacingAfterAForeignReapIsStillReported) {
  const Child child = ExitedChild(4);
  ASSERT_TRUE(watcher_->Watch(child.pid, [](pid_t, ExitStatus) {}).ok());
  WaitFor(child);
  ASSERT_TRUE(watcher_->Watch(child.pid, Record()).ok());
  DispatchUntil(1);
  EXPECT_THAT(exits_, ElementsAre(Pair(child.pid, ExitStatus::Unknown())));
}

TEST_P(ChildWatcherConformanceTest, UnwatchedChildIsTheCallersToReap) {
  Child child = BlockedChild(4);
  const auto alive = std::make_shared<int>(0);
  ASSERT_TRUE(watcher_->Watch(child.pid, [alive](pid_t, ExitStatus) {}).ok());
  EXPECT_TRUE(watcher_->Unwatch(child.pid));
  EXPECT_FALSE(watcher_->Unwatch(child.pid));
  EXPECT_EQ(alive.use_count(), 1);
  EXPECT_EQ(watcher_->size(), 0u);
  child.stdin_pipe.Reset();
  EXPECT_EQ(WaitFor(child), ExitStatus::Exited(4));
  watcher_->Dispatch();
}

TEST_P(ChildWatcherConformanceTest, UnwatchedChildCanBeWatchedAgain) {
  Child child = BlockedChild(4);
  ASSERT_TRUE(watcher_->Watch(child.pid, Record()).ok());
  ASSERT_TRUE(watcher_->Unwatch(child.pid));
  ASSERT_TRUE(watcher_->Watch(child.pid, Record()).ok());
  child.stdin_pipe.Reset();
  DispatchUntil(1);
  EXPECT_THAT(exits_, ElementsAre(Pair(child.pid, ExitStatus::Exited(4))));
}

TEST_P(ChildWatcherConformanceTest, DestructionWaitsForNoChild) {
  Child child = BlockedChild(4);
  const auto alive = std::make_shared<int>(0);
  ASSERT_TRUE(watcher_->Watch(child.pid, [alive](pid_t, ExitStatus) {}).ok());
  watcher_.reset();
  EXPECT_EQ(alive.use_count(), 1);
  child.stdin_pipe.Reset();
  EXPECT_EQ(WaitFor(child), ExitStatus::Exited(4)) << "was reaped";
}

TEST_P(ChildWatcherConformanceTest, DestroyingACallbackMayUnwatch) {
  Child child = BlockedChild(0);
  struct Unwatcher {
    ~Unwatcher() { EXPECT_FALSE(watcher->Unwatch(pid)); }
    ChildWatcher* watcher;
    pid_t pid;
  };
  auto unwatcher = std::make_unique<Unwatcher>();
  unwatcher->watcher = watcher_.get();
  unwatcher->pid = child.pid;
  ASSERT_TRUE(
      watcher_
          ->Watch(child.pid, [u = std::move(unwatcher)](pid_t, ExitStatus) {})
          .ok());
  watcher_.reset();
  child.stdin_pipe.Reset();
  WaitFor(child);
}

TEST_P(ChildWatcherConformanceTest, LeavesOtherChildrenAndSigchldAlone) {
  struct sigaction before;
  sigaction(SIGCHLD, nullptr, &before);
  const Child foreign = ExitedChild(6);
  const Child child = ExitedChild(4);
  ASSERT_TRUE(watcher_->Watch(child.pid, Record()).ok());
  DispatchUntil(1);
  EXPECT_EQ(WaitFor(foreign), ExitStatus::Exited(6));
  struct sigaction after;
  sigaction(SIGCHLD, nullptr, &after);
  EXPECT_EQ(before.sa_handler, after.sa_handler);
}

TEST_P(ChildWatcherConformanceTest, DescriptorsAreCloseOnExecAndGivenBack) {
  const std::vector<int> before = OpenFds();
  for (const int fd : before) {
    if (fd > 2) {
      EXPECT_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
    }
  }
  for (int i = 0; i < 20; ++i) {
    const Child child = ExitedChild(0);
    ASSERT_TRUE(watcher_->Watch(child.pid, Record()).ok());
    const Child other = BlockedChild(0);
    ASSERT_TRUE(
        watcher_->WatchSpawned(other.pid, other.pidfd.get(), Record()).ok());
    ASSERT_TRUE(watcher_->Unwatch(other.pid));
    ASSERT_TRUE(other.Signal(SIGKILL).ok());
    WaitFor(other);
    DispatchUntil(static_cast<size_t>(i) + 1);
  }
  EXPECT_EQ(OpenFds(), before);
}

}  // namespace evkit
