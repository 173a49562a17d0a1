// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/subprocess/pidfd_child_watcher.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <utility>
#include <vector>

#include "evkit/base/errno_status.h"
#include "evkit/base/fault_injection.h"
#include "evkit/subprocess/child_watcher_conformance.h"
#include "evkit/subprocess/internal/spawn_testing.h"
#include "evkit/subprocess/spawn.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using subprocess_internal::IsReadable;
using subprocess_internal::MustSpawn;
using subprocess_internal::ReadAll;
using subprocess_internal::RunTestChild;
using subprocess_internal::WaitFor;
using subprocess_internal::WaitUntilReadable;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

INSTANTIATE_TEST_SUITE_P(
    Pidfd, ChildWatcherConformanceTest,
    ::testing::Values([]() -> absl::StatusOr<std::unique_ptr<ChildWatcher>> {
      return PidfdChildWatcher::Create();
    }));

class PidfdChildWatcherTest : public ::testing::Test {
 protected:
  ChildWatcher::Callback Record() {
    return [this](pid_t, ExitStatus status) { exits_.push_back(status); };
  }

  static Child BlockedChild() {
    SpawnOptions options = RunTestChild({"wait", "exit", "5"});
    options.stdin_from = Stdio::Pipe();
    return MustSpawn(options);
  }

  std::unique_ptr<PidfdChildWatcher> watcher_ = *PidfdChildWatcher::Create();
  std::vector<ExitStatus> exits_;
};

TEST_F(PidfdChildWatcherTest, ExitOfAStrangerIsSeenAndItsStatusIsUnknown) {
  // The grandchild outlives the child, so it is not ours.
  int hold[2];
  int tell[2];
  ASSERT_EQ(pipe2(hold, O_CLOEXEC), 0);
  ASSERT_EQ(pipe2(tell, O_CLOEXEC), 0);
  SpawnOptions options;
  options.argv = {"/bin/sh", "-c", "(read x <&8; exit 0) & echo $! >&9"};
  options.stdin_from = Stdio::Null();
  options.pass_fds.emplace_back(8, hold[0]);
  options.pass_fds.emplace_back(9, tell[1]);
  const Child child = MustSpawn(options);
  EXPECT_EQ(WaitFor(child), ExitStatus::Exited(0));
  char text[32] = {};
  ASSERT_GT(read(tell[0], text, sizeof(text) - 1), 0);
  const pid_t stranger = atoi(text);

  ASSERT_TRUE(watcher_->Watch(stranger, Record()).ok());
  watcher_->Dispatch();
  EXPECT_THAT(exits_, IsEmpty());
  for (const int fd : {hold[0], hold[1], tell[0], tell[1]}) close(fd);
  WaitUntilReadable(watcher_->fd());
  watcher_->Dispatch();
  EXPECT_THAT(exits_, ElementsAre(ExitStatus::Unknown()));
}

// A pid that is used again between the exit and the signal.
TEST_F(PidfdChildWatcherTest, bug_G1_SignalNeverReachesAStranger) {
  Child child = BlockedChild();
  ASSERT_TRUE(
      watcher_->WatchSpawned(child.pid, child.pidfd.get(), Record()).ok());
  child.stdin_pipe.Reset();
  WaitUntilReadable(watcher_->fd());
  watcher_->Dispatch();
  EXPECT_THAT(exits_, ElementsAre(ExitStatus::Exited(5)));

  const absl::Status status = child.Signal(SIGKILL);
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ErrnoFromStatus(status), ESRCH);
}

// Readiness before the exit: panics or false exits elsewhere.
TEST_F(PidfdChildWatcherTest, bug_G16_SpuriousReadinessIsWaitedOut) {
  // The watcher is told of an exit, and finds another child of the same number
  // by then: one that runs.
  Child child = BlockedChild();
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  ASSERT_EQ(write(ends[1], "x", 1), 1);
  ASSERT_TRUE(watcher_->WatchSpawned(child.pid, ends[0], Record()).ok());
  {
    // A descriptor that is readable and is no pidfd: waitid by pid answers.
    FaultInjection faults;
    faults.Fail("waitid", EINVAL, 1);
    EXPECT_TRUE(IsReadable(watcher_->fd()));
    watcher_->Dispatch();
    EXPECT_EQ(faults.Count("waitid"), 2);
  }
  EXPECT_THAT(exits_, IsEmpty());
  EXPECT_EQ(watcher_->size(), 1u);

  ASSERT_TRUE(watcher_->Watch(child.pid, Record()).ok());
  close(ends[0]);
  close(ends[1]);
  EXPECT_FALSE(IsReadable(watcher_->fd()));
  child.stdin_pipe.Reset();
  WaitUntilReadable(watcher_->fd());
  watcher_->Dispatch();
  EXPECT_THAT(exits_, ElementsAre(ExitStatus::Exited(5)));
}

TEST_F(PidfdChildWatcherTest, KernelsThatCannotWaitForPidfdsAreServed) {
  FaultInjection faults;
  Child child = BlockedChild();
  ASSERT_TRUE(watcher_->Watch(child.pid, Record()).ok());
  child.stdin_pipe.Reset();
  WaitUntilReadable(watcher_->fd());
  faults.Fail("waitid", EINVAL, 1);
  watcher_->Dispatch();
  EXPECT_THAT(exits_, ElementsAre(ExitStatus::Exited(5)));
}

// WATCH-02
TEST_F(PidfdChildWatcherTest, AnExitCostsOneWaitAndTheDescriptorIsClosed) {
  FaultInjection faults;
  Child child = BlockedChild();
  ASSERT_TRUE(watcher_->Watch(child.pid, Record()).ok());
  child.stdin_pipe.Reset();
  WaitUntilReadable(watcher_->fd());
  const int closed_before = faults.Count("close");
  watcher_->Dispatch();
  EXPECT_EQ(faults.Count("waitid"), 1);
  EXPECT_EQ(faults.Count("epoll_ctl"), 2);
  EXPECT_EQ(faults.Count("close"), closed_before + 1);
}

TEST_F(PidfdChildWatcherTest, ShortageIsReportedAndNothingIsWatched) {
  const Child child = BlockedChild();
  const struct {
    const char* call;
    int error;
    absl::StatusCode code;
  } kCases[] = {
      {"pidfd_open", EMFILE, absl::StatusCode::kResourceExhausted},
      {"epoll_ctl", ENOSPC, absl::StatusCode::kResourceExhausted},
      {"fcntl", EMFILE, absl::StatusCode::kResourceExhausted},
      {"eventfd", EMFILE, absl::StatusCode::kResourceExhausted},
  };
  for (const auto& c : kCases) {
    FaultInjection faults;
    if (c.call == std::string("eventfd")) faults.Fail("pidfd_open", ESRCH);
    faults.Fail(c.call, c.error);
    const bool spawned =
        c.call == std::string("fcntl") || c.call == std::string("eventfd");
    const absl::Status status =
        spawned ? watcher_->WatchSpawned(
                      child.pid,
                      c.call == std::string("fcntl") ? child.pidfd.get() : -1,
                      Record())
                : watcher_->Watch(child.pid, Record());
    EXPECT_EQ(status.code(), c.code) << status;
    EXPECT_EQ(watcher_->size(), 0u);
  }
  ASSERT_TRUE(child.Signal(SIGKILL).ok());
  WaitFor(child);
}

TEST_F(PidfdChildWatcherTest, FailureToReplaceKeepsTheOldWatch) {
  Child child = BlockedChild();
  ASSERT_TRUE(watcher_->Watch(child.pid, Record()).ok());
  {
    FaultInjection faults;
    faults.Fail("epoll_ctl", ENOMEM);
    EXPECT_FALSE(watcher_->Watch(child.pid, [](pid_t, ExitStatus) {}).ok());
  }
  child.stdin_pipe.Reset();
  WaitUntilReadable(watcher_->fd());
  watcher_->Dispatch();
  EXPECT_THAT(exits_, ElementsAre(ExitStatus::Exited(5)));
}

TEST_F(PidfdChildWatcherTest, MoreExitsThanOneDispatchTakesStayReadable) {
  constexpr size_t kChildren = 100;
  std::vector<Child> children;
  for (size_t i = 0; i < kChildren; ++i) {
    children.push_back(MustSpawn(RunTestChild({})));
    ASSERT_TRUE(watcher_->Watch(children.back().pid, Record()).ok());
    siginfo_t info;
    waitid(P_PID, static_cast<id_t>(children.back().pid), &info,
           WEXITED | WNOWAIT);
  }
  watcher_->Dispatch();
  EXPECT_LT(exits_.size(), kChildren);
  EXPECT_TRUE(IsReadable(watcher_->fd()));
  watcher_->Dispatch();
  EXPECT_EQ(exits_.size(), kChildren);
}

TEST(PidfdChildWatcherCreateTest, OutOfDescriptorsIsReported) {
  FaultInjection faults;
  faults.Fail("epoll_create1", EMFILE);
  EXPECT_EQ(PidfdChildWatcher::Create().status().code(),
            absl::StatusCode::kResourceExhausted);
}

}  // namespace
}  // namespace evkit
