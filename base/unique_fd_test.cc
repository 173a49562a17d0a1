// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/base/unique_fd.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "evkit/base/fault_injection.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

int OpenNull() { return open("/dev/null", O_RDONLY | O_CLOEXEC); }
bool IsOpen(int fd) { return fcntl(fd, F_GETFD) >= 0; }

TEST(UniqueFdTest, ClosesWhatItHoldsOnce) {
  FaultInjection faults;
  const int number = OpenNull();
  {
    UniqueFd fd(number);
    EXPECT_TRUE(static_cast<bool>(fd));
    UniqueFd moved = std::move(fd);
    EXPECT_EQ(moved.get(), number);
    EXPECT_FALSE(static_cast<bool>(fd));  // NOLINT(bugprone-use-after-move)
  }
  EXPECT_FALSE(IsOpen(number));
  EXPECT_EQ(faults.Count("close"), 1);
}

TEST(UniqueFdTest, ReleaseGivesUpOwnership) {
  int number;
  {
    UniqueFd fd(OpenNull());
    number = fd.Release();
  }
  EXPECT_TRUE(IsOpen(number));
  close(number);
}

TEST(UniqueFdTest, ResetClosesTheOldOne) {
  UniqueFd fd(OpenNull());
  const int old = fd.get();
  const int next = OpenNull();
  fd.Reset(next);
  EXPECT_FALSE(IsOpen(old));
  EXPECT_EQ(fd.get(), next);
}

// A double close hits whoever has the number by then.
TEST(UniqueFdTest, bug_A5_HandedOverDescriptorIsClosedOnceWhateverHappens) {
  FaultInjection faults;
  faults.Fail("close", EINTR, 1);
  const int number = OpenNull();
  {
    UniqueFd first(number);
    UniqueFd second(std::move(first));
    first = std::move(second);
    UniqueFd& same = first;
    first = std::move(same);
    EXPECT_EQ(first.get(), number);
    first.Reset();
    first.Reset();
  }
  EXPECT_EQ(faults.Count("close"), 1) << "close(2) is not to be retried";
  close(number);  // The injected failure left it open.
}

TEST(UniqueFdTest, NegativeNumberMeansNothing) {
  FaultInjection faults;
  { UniqueFd fd(-7); }
  EXPECT_EQ(faults.Count("close"), 0);
}

TEST(UniqueFdTest, DestructorKeepsErrno) {
  errno = ENOENT;
  {
    FaultInjection faults;
    faults.Fail("close", EIO);
    const int number = OpenNull();
    errno = ENOENT;
    { UniqueFd fd(number); }
    EXPECT_EQ(errno, ENOENT);
    close(number);
  }
}

}  // namespace
}  // namespace evkit
