// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/base/fault_injection.h"

#include <cerrno>

#include "evkit/base/syscalls.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

// Each fails or succeeds harmlessly: no descriptor -1 exists.
int ReadFromNothing() { return static_cast<int>(sys::read(-1, nullptr, 0)); }
int OtherReadFromNothing() {
  return static_cast<int>(sys::read(-1, nullptr, 0));
}

TEST(FaultInjectionTest, FailsTheNthCallOnly) {
  FaultInjection faults;
  faults.Fail("read", ENOMEM, 2);
  EXPECT_EQ(ReadFromNothing(), -1);
  EXPECT_EQ(errno, EBADF);
  EXPECT_EQ(ReadFromNothing(), -1);
  EXPECT_EQ(errno, ENOMEM);
  EXPECT_EQ(ReadFromNothing(), -1);
  EXPECT_EQ(errno, EBADF);
}

TEST(FaultInjectionTest, CanBeNarrowedToAFunctionOrAFile) {
  FaultInjection faults;
  faults.Fail("read@OtherReadFromNothing", ENOMEM);
  ReadFromNothing();
  EXPECT_EQ(errno, EBADF);
  OtherReadFromNothing();
  EXPECT_EQ(errno, ENOMEM);

  faults.Clear();
  faults.Fail("read@fault_injection_test.cc", EIO);
  ReadFromNothing();
  EXPECT_EQ(errno, EIO);
  faults.Clear();
  faults.Fail("read@elsewhere.cc", EIO);
  ReadFromNothing();
  EXPECT_EQ(errno, EBADF);
}

TEST(FaultInjectionTest, CountsCallsBySite) {
  FaultInjection faults;
  ReadFromNothing();
  ReadFromNothing();
  OtherReadFromNothing();
  EXPECT_EQ(faults.Count("read"), 3);
  EXPECT_EQ(faults.Count("read@ReadFromNothing"), 2);
  EXPECT_EQ(faults.Count("write"), 0);
  ASSERT_EQ(faults.Sites().size(), 2u);
  EXPECT_EQ(faults.Sites()[0].call, "read");
  EXPECT_EQ(faults.Sites()[0].function, "ReadFromNothing");
  EXPECT_EQ(faults.Sites()[0].count, 2);
}

TEST(FaultInjectionTest, ShortensWhatMovesBytes) {
  int fds[2];
  ASSERT_EQ(sys::pipe2(fds, O_CLOEXEC), 0);
  FaultInjection faults;
  faults.LimitSize("write", 3);
  EXPECT_EQ(sys::write(fds[1], "abcdef", 6), 3);
  faults.LimitSize("read", 1);
  char buffer[8];
  EXPECT_EQ(sys::read(fds[0], buffer, sizeof(buffer)), 1);
  sys::close(fds[0]);
  sys::close(fds[1]);
}

TEST(FaultInjectionTest, EndsWithItsScope) {
  {
    FaultInjection faults;
    faults.Fail("read", ENOMEM);
  }
  ReadFromNothing();
  EXPECT_EQ(errno, EBADF);
}

TEST(FaultInjectionDeathTest, TwoAtOnceAreABug) {
  FaultInjection faults;
  EXPECT_DEATH(FaultInjection(), "a FaultInjection exists already");
}

TEST(FaultInjectionTest, MessagesComeUpShort) {
  int fds[2];
  ASSERT_EQ(sys::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
  char first[] = "ab";
  char second[] = "cdef";
  iovec pieces[] = {{first, 2}, {second, 4}};
  msghdr message = {};
  message.msg_iov = pieces;
  message.msg_iovlen = 2;

  FaultInjection faults;
  faults.LimitSize("sendmsg", 3);
  EXPECT_EQ(sys::sendmsg(fds[0], &message, 0), 3);
  EXPECT_EQ(message.msg_iov, pieces);
  EXPECT_EQ(message.msg_iovlen, 2u);
  EXPECT_EQ(pieces[1].iov_len, 4u);

  faults.LimitSize("recvmsg", 1);
  EXPECT_EQ(sys::recvmsg(fds[1], &message, 0), 1);
  faults.Clear();
  EXPECT_EQ(sys::recvmsg(fds[1], &message, 0), 2);
  EXPECT_EQ(sys::sendmsg(fds[0], &message, 0), 6);
  sys::close(fds[0]);
  sys::close(fds[1]);
}

}  // namespace
}  // namespace evkit
