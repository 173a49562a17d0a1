// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Bug G1 with a pid that really is used again: the kernel is asked for it
// (clone3's set_tid), which needs privileges. Where they are missing the tests
// are skipped.

#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <vector>

#include "evkit/base/errno_status.h"
#include "evkit/subprocess/internal/spawn_testing.h"
#include "evkit/subprocess/pidfd_child_watcher.h"
#include "evkit/subprocess/spawn.h"
#include "evkit/subprocess/thread_child_watcher.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using subprocess_internal::IsReadable;
using subprocess_internal::MustSpawn;
using subprocess_internal::RunTestChild;
using subprocess_internal::WaitFor;
using subprocess_internal::WaitUntilReadable;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// A child with that pid, which exits with code 7 when released; or none.
class Stranger {
 public:
  explicit Stranger(pid_t pid) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0) return;
    clone_args args = {};
    args.exit_signal = SIGCHLD;
    args.set_tid = reinterpret_cast<uint64_t>(&pid);
    args.set_tid_size = 1;
    const long made = syscall(SYS_clone3, &args, sizeof(args));
    if (made == 0) {
      char byte;
      close(ends[1]);
      while (syscall(SYS_read, ends[0], &byte, 1) < 0) {
      }
      syscall(SYS_exit_group, 7);
    }
    pid_ = static_cast<pid_t>(made);
    close(ends[0]);
    release_.Reset(ends[1]);
  }

  bool exists() const { return pid_ > 0; }
  void Release() { release_.Reset(); }
  // Whether it came to its own end, undisturbed.
  bool LivedOn() {
    Release();
    int status = 0;
    return waitpid(pid_, &status, 0) == pid_ && WIFEXITED(status) &&
           WEXITSTATUS(status) == 7;
  }

 private:
  pid_t pid_ = -1;
  UniqueFd release_;
};

Child ReapedChild() {
  Child child = MustSpawn(RunTestChild({"exit", "3"}));
  WaitFor(child);
  return child;
}

TEST(PidReuseTest, bug_G1_SignalDoesNotReachAStrangerOfTheSamePid) {
  const Child child = ReapedChild();
  Stranger stranger(child.pid);
  if (!stranger.exists()) GTEST_SKIP() << "may not choose a pid";
  EXPECT_EQ(ErrnoFromStatus(child.Signal(SIGKILL)), ESRCH);
  EXPECT_TRUE(stranger.LivedOn());
}

class WatcherPidReuseTest : public ::testing::Test {
 protected:
  ChildWatcher::Callback Record() {
    return [this](pid_t, ExitStatus status) { exits_.push_back(status); };
  }
  std::vector<ExitStatus> exits_;
};

TEST_F(WatcherPidReuseTest, bug_G1_PidfdWatcherReportsTheOldChild) {
  const std::unique_ptr<ChildWatcher> watcher = *PidfdChildWatcher::Create();
  const Child child = ReapedChild();
  Stranger stranger(child.pid);
  if (!stranger.exists()) GTEST_SKIP() << "may not choose a pid";
  ASSERT_TRUE(
      watcher->WatchSpawned(child.pid, child.pidfd.get(), Record()).ok());
  WaitUntilReadable(watcher->fd());
  watcher->Dispatch();
  EXPECT_THAT(exits_, ElementsAre(ExitStatus::Unknown()));
  EXPECT_TRUE(stranger.LivedOn());
}

TEST_F(WatcherPidReuseTest, bug_G1_WatchingTheStrangerIsNotAboutTheOldChild) {
  const std::unique_ptr<ChildWatcher> watcher = *PidfdChildWatcher::Create();
  Child child = MustSpawn(RunTestChild({"exit", "3"}));
  ASSERT_TRUE(watcher->Watch(child.pid, Record()).ok());
  WaitFor(child);
  Stranger stranger(child.pid);
  if (!stranger.exists()) GTEST_SKIP() << "may not choose a pid";
  ASSERT_TRUE(watcher->Watch(child.pid, Record()).ok());
  EXPECT_FALSE(IsReadable(watcher->fd()));
  stranger.Release();
  WaitUntilReadable(watcher->fd());
  watcher->Dispatch();
  EXPECT_THAT(exits_, ElementsAre(ExitStatus::Exited(7)));
}

TEST_F(WatcherPidReuseTest, bug_G1_ThreadWatcherDoesNotReapARunningStranger) {
  const std::unique_ptr<ChildWatcher> watcher = *ThreadChildWatcher::Create();
  Child child = MustSpawn(RunTestChild({"exit", "3"}));
  ASSERT_TRUE(watcher->Watch(child.pid, Record()).ok());
  WaitUntilReadable(watcher->fd());
  WaitFor(child);
  Stranger stranger(child.pid);
  if (!stranger.exists()) GTEST_SKIP() << "may not choose a pid";
  watcher->Dispatch();
  EXPECT_THAT(exits_, IsEmpty());
  stranger.Release();
  WaitUntilReadable(watcher->fd());
  watcher->Dispatch();
  EXPECT_THAT(exits_, ElementsAre(ExitStatus::Exited(7)));
}

}  // namespace
}  // namespace evkit
