// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/subprocess/default_child_watcher.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <cerrno>
#include <memory>

#include "evkit/base/fault_injection.h"
#include "evkit/subprocess/child_watcher_conformance.h"
#include "evkit/subprocess/internal/spawn_testing.h"
#include "evkit/subprocess/pidfd_child_watcher.h"
#include "evkit/subprocess/spawn.h"
#include "evkit/subprocess/thread_child_watcher.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using subprocess_internal::MustSpawn;
using subprocess_internal::RunTestChild;
using subprocess_internal::WaitUntilReadable;

INSTANTIATE_TEST_SUITE_P(Default, ChildWatcherConformanceTest,
                         ::testing::Values(&NewDefaultChildWatcher));

bool IsPidfd(const ChildWatcher& watcher) {
  return dynamic_cast<const PidfdChildWatcher*>(&watcher) != nullptr;
}

bool IsThread(const ChildWatcher& watcher) {
  return dynamic_cast<const ThreadChildWatcher*>(&watcher) != nullptr;
}

// WATCH-01
TEST(DefaultChildWatcherTest, IsThePidfdOneWhereTheKernelHasPidfds) {
  EXPECT_TRUE(IsPidfd(**NewDefaultChildWatcher()));
}

// WATCH-01: and a thread per child elsewhere.
TEST(DefaultChildWatcherTest, bug_G17_MissingOrForbiddenPidfdsMeanThreads) {
  for (const int error : {ENOSYS, EPERM, EACCES, EINVAL, ENODEV}) {
    FaultInjection faults;
    faults.Fail("pidfd_open", error);
    EXPECT_TRUE(IsThread(**NewDefaultChildWatcher())) << error;
  }
}

TEST(DefaultChildWatcherTest, bug_G17_ShortageOfDescriptorsIsReported) {
  for (const int error : {EMFILE, ENFILE, ENOMEM}) {
    FaultInjection faults;
    faults.Fail("pidfd_open", error);
    EXPECT_EQ(NewDefaultChildWatcher().status().code(),
              absl::StatusCode::kResourceExhausted);
  }
}

// From here on pidfd_open(2) of this process fails with `error`.
bool ForbidPidfdOpen(int error) {
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_pidfd_open, 0, 1),
      BPF_STMT(BPF_RET | BPF_K,
               SECCOMP_RET_ERRNO | static_cast<unsigned>(error)),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog filter = {sizeof(program) / sizeof(program[0]), program};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

[[noreturn]] void WatchAChildWithoutPidfdOpen(int error) {
  if (!ForbidPidfdOpen(error)) {
    perror("seccomp");
    exit(1);
  }
  const std::unique_ptr<ChildWatcher> watcher = *NewDefaultChildWatcher();
  const Child child = MustSpawn(RunTestChild({"exit", "40"}));
  int code = IsThread(*watcher) ? 2 : -100;
  if (!watcher
           ->Watch(
               child.pid,
               [&](pid_t, ExitStatus status) { code += status.returncode(); })
           .ok()) {
    exit(3);
  }
  WaitUntilReadable(watcher->fd());
  watcher->Dispatch();
  exit(code);
}

TEST(DefaultChildWatcherDeathTest, bug_G17_SandboxThatForbidsPidfdsIsServed) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(WatchAChildWithoutPidfdOpen(ENOSYS),
              ::testing::ExitedWithCode(42), "");
  EXPECT_EXIT(WatchAChildWithoutPidfdOpen(EPERM), ::testing::ExitedWithCode(42),
              "");
}

}  // namespace
}  // namespace evkit
