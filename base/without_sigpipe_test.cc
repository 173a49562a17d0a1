// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/base/without_sigpipe.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "evkit/base/fault_injection.h"
#include "evkit/base/unique_fd.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

UniqueFd WriteEndOfBrokenPipe() {
  int fds[2];
  EXPECT_EQ(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
  close(fds[0]);
  return UniqueFd(fds[1]);
}

bool IsBlocked(int signal) {
  sigset_t mask;
  EXPECT_EQ(pthread_sigmask(SIG_SETMASK, nullptr, &mask), 0);
  return sigismember(&mask, signal) == 1;
}

bool IsPending(int signal) {
  sigset_t pending;
  EXPECT_EQ(sigpending(&pending), 0);
  return sigismember(&pending, signal) == 1;
}

class WithoutSigpipeTest : public ::testing::Test {
 protected:
  WithoutSigpipeTest() : disposition_(signal(SIGPIPE, SIG_DFL)) {}
  ~WithoutSigpipeTest() override { signal(SIGPIPE, disposition_); }

  ssize_t Write(int fd) {
    return WithoutSigpipe([fd] { return write(fd, "x", 1); });
  }

 private:
  const sighandler_t disposition_;
};

TEST_F(WithoutSigpipeTest, WritingToABrokenPipeFailsAndKillsNobody) {
  const UniqueFd broken = WriteEndOfBrokenPipe();
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(Write(broken.get()), -1);
    EXPECT_EQ(errno, EPIPE);
    EXPECT_FALSE(IsBlocked(SIGPIPE));
    EXPECT_FALSE(IsPending(SIGPIPE));
  }
}

TEST_F(WithoutSigpipeTest, WritesOfOthersKillAsBefore) {
  const UniqueFd broken = WriteEndOfBrokenPipe();
  EXPECT_EQ(Write(broken.get()), -1);
  EXPECT_EXIT(
      {
        Write(broken.get());
        _exit(write(broken.get(), "x", 1) == 1 ? 0 : 1);
      },
      ::testing::KilledBySignal(SIGPIPE), "");
}

TEST_F(WithoutSigpipeTest, TheMaskOfTheCallerStays) {
  const UniqueFd broken = WriteEndOfBrokenPipe();
  sigset_t sigpipe;
  sigemptyset(&sigpipe);
  sigaddset(&sigpipe, SIGPIPE);
  ASSERT_EQ(pthread_sigmask(SIG_BLOCK, &sigpipe, nullptr), 0);
  EXPECT_EQ(Write(broken.get()), -1);
  EXPECT_TRUE(IsBlocked(SIGPIPE));
  EXPECT_FALSE(IsPending(SIGPIPE));
  ASSERT_EQ(pthread_sigmask(SIG_UNBLOCK, &sigpipe, nullptr), 0);
}

TEST_F(WithoutSigpipeTest, SuccessAndOtherErrorsAreTheCallsOwn) {
  int fds[2];
  ASSERT_EQ(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
  const UniqueFd read_end(fds[0]);
  const UniqueFd write_end(fds[1]);
  EXPECT_EQ(Write(write_end.get()), 1);
  EXPECT_EQ(Write(-1), -1);
  EXPECT_EQ(errno, EBADF);
}

TEST_F(WithoutSigpipeTest, WithoutProtectionNothingIsWritten) {
  const UniqueFd broken = WriteEndOfBrokenPipe();
  FaultInjection faults;
  faults.Fail("sigprocmask", EINVAL);
  EXPECT_EQ(Write(broken.get()), -1);
  EXPECT_EQ(errno, EINVAL);
}

TEST_F(WithoutSigpipeTest, AnInterruptedWaitGoesOn) {
  const UniqueFd broken = WriteEndOfBrokenPipe();
  FaultInjection faults;
  faults.Fail("sigtimedwait", EINTR, 1);
  EXPECT_EQ(Write(broken.get()), -1);
  EXPECT_EQ(errno, EPIPE);
  EXPECT_EQ(faults.Count("sigtimedwait"), 2);
  EXPECT_FALSE(IsPending(SIGPIPE));
}

}  // namespace
}  // namespace evkit
