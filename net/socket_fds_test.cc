// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Descriptors that go through a socket.

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "evkit/base/fault_injection.h"
#include "evkit/base/unique_fd.h"
#include "evkit/net/socket.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

// How many descriptors this process has open.
int CountOpen() {
  int open = 0;
  for (int fd = 0; fd < 1024; ++fd) open += fcntl(fd, F_GETFD) >= 0 ? 1 : 0;
  return open;
}

bool IsCloseOnExec(int fd) { return (fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0; }

bool AreTheSameFile(int a, int b) {
  struct stat stat_a, stat_b;
  return fstat(a, &stat_a) == 0 && fstat(b, &stat_b) == 0 &&
         stat_a.st_ino == stat_b.st_ino && stat_a.st_dev == stat_b.st_dev;
}

class SocketFdsTest : public ::testing::Test {
 protected:
  SocketFdsTest() {
    auto pair = *Socket::Pair();
    a_ = std::move(pair.first);
    b_ = std::move(pair.second);
    int fds[2];
    EXPECT_EQ(pipe2(fds, O_CLOEXEC), 0);
    read_end_ = UniqueFd(fds[0]);
    write_end_ = UniqueFd(fds[1]);
    open_before_ = CountOpen();
  }
  ~SocketFdsTest() override {
    received_.clear();
    EXPECT_EQ(CountOpen(), open_before_);
  }

  IoResult Send(absl::string_view data, std::vector<int> fds) {
    return a_.SendWithFds(data, fds);
  }
  IoResult Recv(size_t size = 64, size_t max_fds = 8) {
    data_.assign(size, '\0');
    const IoResult result =
        b_.RecvWithFds(absl::MakeSpan(data_), &received_, max_fds);
    data_.resize(result.ok() ? result.bytes() : 0);
    return result;
  }

  Socket a_, b_;
  UniqueFd read_end_, write_end_;
  std::string data_;
  std::vector<UniqueFd> received_;
  int open_before_;
};

TEST_F(SocketFdsTest, DescriptorsArriveWithTheFirstByte) {
  ASSERT_EQ(Send("hello", {read_end_.get(), write_end_.get()}).bytes(), 5u);
  ASSERT_TRUE(Recv(2).ok());
  EXPECT_EQ(data_, "he");
  ASSERT_EQ(received_.size(), 2u);
  EXPECT_TRUE(AreTheSameFile(received_[0].get(), read_end_.get()));
  EXPECT_NE(received_[0].get(), read_end_.get());
  EXPECT_TRUE(IsCloseOnExec(received_[0].get()));
  EXPECT_TRUE(IsCloseOnExec(received_[1].get()));
  ASSERT_TRUE(Recv().ok());
  EXPECT_EQ(data_, "llo");
  EXPECT_TRUE(received_.empty());
}

TEST_F(SocketFdsTest, TheSenderMayCloseItsOwnAtOnce) {
  ASSERT_EQ(Send("x", {write_end_.get()}).bytes(), 1u);
  write_end_.Reset();
  --open_before_;
  ASSERT_TRUE(Recv().ok());
  ASSERT_EQ(received_.size(), 1u);
  EXPECT_EQ(write(received_[0].get(), "y", 1), 1);
  char byte;
  EXPECT_EQ(read(read_end_.get(), &byte, 1), 1);
}

TEST_F(SocketFdsTest, DescriptorsOfTwoMessagesAreNotMixed) {
  ASSERT_TRUE(Send("1", {read_end_.get()}).ok());
  ASSERT_TRUE(Send("2", {write_end_.get()}).ok());
  ASSERT_TRUE(Recv().ok());
  EXPECT_EQ(data_, "1");
  EXPECT_EQ(received_.size(), 1u);
  ASSERT_TRUE(Recv().ok());
  EXPECT_EQ(data_, "2");
  EXPECT_EQ(received_.size(), 1u);
}

TEST_F(SocketFdsTest, TooManyAreAnErrorAndClosed) {
  ASSERT_TRUE(Send("x", {read_end_.get(), read_end_.get()}).ok());
  EXPECT_EQ(Recv(64, 1).error(), EMSGSIZE);
  EXPECT_TRUE(received_.empty());
  EXPECT_EQ(CountOpen(), open_before_);
  ASSERT_TRUE(Send("x", {read_end_.get()}).ok());
  EXPECT_EQ(Recv(64, 0).error(), EMSGSIZE);
  EXPECT_EQ(CountOpen(), open_before_);
}

TEST_F(SocketFdsTest, AsManyAsTheKernelTakes) {
  const std::vector<int> many(253, read_end_.get());
  ASSERT_TRUE(Send("x", many).ok());
  ASSERT_TRUE(Recv(64, 253).ok());
  EXPECT_EQ(received_.size(), 253u);
  EXPECT_EQ(Send("x", std::vector<int>(254, read_end_.get())).error(), EINVAL);
}

TEST_F(SocketFdsTest, ThoseThatDoNotFitIntoTheProcessAreAnErrorAndNoneLeak) {
  ASSERT_TRUE(Send("x", std::vector<int>(8, read_end_.get())).ok());
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const UniqueFd next(dup(0));
  rlimit few = before;
  few.rlim_cur = static_cast<rlim_t>(next.get()) + 4;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
  const IoResult result = Recv();
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ(result.error(), EMFILE);
  EXPECT_TRUE(received_.empty());
  EXPECT_EQ(CountOpen(), open_before_ + 1);
}

TEST_F(SocketFdsTest, ACredentialsMessageDoesNotGetInTheWay) {
  ASSERT_TRUE(b_.SetOption(SOL_SOCKET, SO_PASSCRED, 1).ok());
  ASSERT_TRUE(Send("x", std::vector<int>(253, read_end_.get())).ok());
  ASSERT_TRUE(Recv(64, 253).ok());
  EXPECT_EQ(received_.size(), 253u);
}

TEST_F(SocketFdsTest, ShortAndFailedCallsLeakNothing) {
  FaultInjection faults;
  faults.LimitSize("sendmsg", 1);
  faults.LimitSize("recvmsg", 1);
  EXPECT_EQ(Send("abc", {read_end_.get()}).bytes(), 1u);
  EXPECT_EQ(a_.Send("bc").bytes(), 2u);
  ASSERT_TRUE(Recv().ok());
  EXPECT_EQ(data_, "a");
  EXPECT_EQ(received_.size(), 1u);
  faults.Fail("recvmsg", ENOBUFS, 1);
  EXPECT_EQ(Recv().error(), ENOBUFS);
  EXPECT_TRUE(received_.empty());
  faults.Fail("sendmsg", EINTR, 1);
  EXPECT_TRUE(Send("x", {read_end_.get()}).would_block());
  ASSERT_TRUE(Recv().ok());
  EXPECT_EQ(data_, "b");
}

TEST_F(SocketFdsTest, ADescriptorThatIsNotOpenIsAnError) {
  EXPECT_EQ(Send("x", {read_end_.get(), -1}).error(), EBADF);
  EXPECT_TRUE(Recv().would_block());
}

TEST_F(SocketFdsTest, TheEndOfTheStreamBringsNothing) {
  a_.Close();
  --open_before_;
  ASSERT_TRUE(Recv().ok());
  EXPECT_EQ(data_, "");
  EXPECT_TRUE(received_.empty());
}

}  // namespace
}  // namespace evkit
