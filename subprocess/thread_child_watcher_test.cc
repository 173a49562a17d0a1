// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/subprocess/thread_child_watcher.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
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

using subprocess_internal::HasChildren;
using subprocess_internal::MustSpawn;
using subprocess_internal::RunTestChild;
using subprocess_internal::WaitFor;
using subprocess_internal::WaitUntilReadable;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

INSTANTIATE_TEST_SUITE_P(
    Thread, ChildWatcherConformanceTest,
    ::testing::Values([]() -> absl::StatusOr<std::unique_ptr<ChildWatcher>> {
      return ThreadChildWatcher::Create();
    }));

class ThreadChildWatcherTest : public ::testing::Test {
 protected:
  ChildWatcher::Callback Record() {
    return [this](pid_t, ExitStatus status) { exits_.push_back(status); };
  }

  static Child BlockedChild() {
    SpawnOptions options = RunTestChild({"wait", "exit", "5"});
    options.stdin_from = Stdio::Pipe();
    return MustSpawn(options);
  }

  std::unique_ptr<ThreadChildWatcher> watcher_ = *ThreadChildWatcher::Create();
  std::vector<ExitStatus> exits_;
};

// WATCH-04
TEST_F(ThreadChildWatcherTest, TheThreadLeavesTheReapingToDispatch) {
  Child child = BlockedChild();
  ASSERT_TRUE(watcher_->Watch(child.pid, Record()).ok());
  child.stdin_pipe.Reset();
  WaitUntilReadable(watcher_->fd());
  EXPECT_TRUE(HasChildren()) << "reaped behind the owner's back";
  EXPECT_THAT(exits_, IsEmpty());
  watcher_->Dispatch();
  EXPECT_FALSE(HasChildren());
  EXPECT_THAT(exits_, ElementsAre(ExitStatus::Exited(5)));
}

// A wait that ends before the child does.
TEST_F(ThreadChildWatcherTest, bug_G16_SpuriousEndOfTheWaitIsWaitedOut) {
  Child child = BlockedChild();
  FaultInjection faults;
  faults.Fail("waitid@Run", EINTR, 1, 3);
  faults.Fail("waitid@Run", EFAULT, 4);
  ASSERT_TRUE(watcher_->Watch(child.pid, Record()).ok());
  WaitUntilReadable(watcher_->fd());
  watcher_->Dispatch();
  EXPECT_THAT(exits_, IsEmpty());
  EXPECT_EQ(watcher_->size(), 1u);

  child.stdin_pipe.Reset();
  WaitUntilReadable(watcher_->fd());
  watcher_->Dispatch();
  EXPECT_THAT(exits_, ElementsAre(ExitStatus::Exited(5)));
}

TEST_F(ThreadChildWatcherTest, WhenTheWaitCannotGoOnTheStatusIsUnknown) {
  Child child = BlockedChild();
  FaultInjection faults;
  faults.Fail("waitid@Run", EFAULT, 1);
  ASSERT_TRUE(watcher_->Watch(child.pid, Record()).ok());
  WaitUntilReadable(watcher_->fd());
  faults.Fail("pthread_create", EAGAIN);
  watcher_->Dispatch();
  EXPECT_THAT(exits_, ElementsAre(ExitStatus::Unknown()));
  EXPECT_EQ(watcher_->size(), 0u);
  child.stdin_pipe.Reset();
  WaitFor(child);
}

TEST_F(ThreadChildWatcherTest, NoThreadToBeHadIsReportedAndNothingIsWatched) {
  const Child child = BlockedChild();
  {
    FaultInjection faults;
    faults.Fail("pthread_create", EAGAIN);
    const absl::Status status = watcher_->Watch(child.pid, Record());
    EXPECT_EQ(ErrnoFromStatus(status), EAGAIN);
  }
  EXPECT_EQ(watcher_->size(), 0u);
  sigset_t mask;
  pthread_sigmask(SIG_SETMASK, nullptr, &mask);
  EXPECT_FALSE(sigismember(&mask, SIGTERM)) << "signals stayed blocked";
  ASSERT_TRUE(child.Signal(SIGKILL).ok());
  WaitFor(child);
}

TEST_F(ThreadChildWatcherTest, OnlyChildrenOfThisProcessCanBeWatched) {
  EXPECT_EQ(watcher_->Watch(getpid(), Record()).code(),
            absl::StatusCode::kNotFound);
}

TEST(ThreadChildWatcherCreateTest, OutOfDescriptorsIsReported) {
  FaultInjection faults;
  faults.Fail("eventfd", EMFILE);
  EXPECT_EQ(ThreadChildWatcher::Create().status().code(),
            absl::StatusCode::kResourceExhausted);
}

}  // namespace
}  // namespace evkit
