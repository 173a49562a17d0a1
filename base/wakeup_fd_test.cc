// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/base/wakeup_fd.h"

#include <poll.h>

#include <cerrno>
#include <thread>
#include <vector>

#include "evkit/base/errno_status.h"
#include "evkit/base/fault_injection.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

bool IsReadable(int fd) {
  pollfd poll_fd = {fd, POLLIN, 0};
  return poll(&poll_fd, 1, 0) == 1;
}

class WakeupFdTest : public ::testing::Test {
 protected:
  WakeupFd wakeup_ = *WakeupFd::Create();
};

TEST_F(WakeupFdTest, IsReadableFromWakeUntilDispatch) {
  EXPECT_FALSE(IsReadable(wakeup_.fd()));
  EXPECT_EQ(wakeup_.Wake(), 0);
  EXPECT_TRUE(IsReadable(wakeup_.fd()));
  EXPECT_EQ(wakeup_.Dispatch(), 0);
  EXPECT_FALSE(IsReadable(wakeup_.fd()));
}

TEST_F(WakeupFdTest, DispatchWithoutWakeDoesNothing) {
  EXPECT_EQ(wakeup_.Dispatch(), 0);
}

TEST_F(WakeupFdTest, WakesFromManyThreadsCoalesce) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([this] {
      for (int j = 0; j < 1000; ++j) EXPECT_EQ(wakeup_.Wake(), 0);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wakeup_.Dispatch(), 0);
  EXPECT_FALSE(IsReadable(wakeup_.fd()));
}

TEST_F(WakeupFdTest, WakeKeepsErrno) {
  FaultInjection faults;
  faults.Fail("write", EAGAIN);
  errno = ENOENT;
  wakeup_.Wake();
  EXPECT_EQ(errno, ENOENT);
}

// Self-pipe full or write denied: silently lost elsewhere.
TEST_F(WakeupFdTest,
       bug_E2_FullCounterIsAwakeInterruptedIsRetriedRestReported) {
  FaultInjection faults;
  faults.Fail("write@Wake", EAGAIN, 1);
  EXPECT_EQ(wakeup_.Wake(), 0);

  faults.Clear();
  faults.Fail("write@Wake", EINTR, 1, 3);
  EXPECT_EQ(wakeup_.Wake(), 0);
  EXPECT_TRUE(IsReadable(wakeup_.fd()));

  faults.Clear();
  faults.Fail("write@Wake", EPERM, 1);
  EXPECT_EQ(wakeup_.Wake(), EPERM);
  faults.Fail("write@Wake", EBADF, 1);
  EXPECT_EQ(wakeup_.Wake(), EBADF);
}

// Level-triggered spin because a wake-up is drained wrongly.
TEST_F(WakeupFdTest, bug_E5_OneReadClearsAnyNumberOfWakes) {
  for (int i = 0; i < 100; ++i) EXPECT_EQ(wakeup_.Wake(), 0);
  FaultInjection faults;
  EXPECT_EQ(wakeup_.Dispatch(), 0);
  EXPECT_EQ(faults.Count("read"), 1);
  EXPECT_FALSE(IsReadable(wakeup_.fd()));
}

TEST(WakeupFdCreateTest, OutOfDescriptorsIsReported) {
  FaultInjection faults;
  faults.Fail("eventfd", EMFILE);
  const absl::Status status = WakeupFd::Create().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(status.message(), "eventfd: Too many open files");
  EXPECT_EQ(ErrnoFromStatus(status), EMFILE);
}

}  // namespace
}  // namespace evkit
