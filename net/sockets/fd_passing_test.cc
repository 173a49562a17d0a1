// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/sockets/fd_passing.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "evkit/base/fault_injection.h"
#include "evkit/base/unique_fd.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/loop/coro/run_until_complete.h"
#include "evkit/loop/coro/task.h"
#include "evkit/loop/testing/test_loop.h"
#include "evkit/net/socket.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

Coro<void> Send(Socket& socket, std::string data, std::vector<int> fds) {
  co_return co_await SendFds(socket, data, fds);
}
Coro<ReceivedFds> Recv(Socket& socket, size_t size, size_t max_fds) {
  co_return co_await RecvFds(socket, size, max_fds);
}

int CountOpen() {
  int open = 0;
  for (int fd = 0; fd < 1024; ++fd) open += fcntl(fd, F_GETFD) >= 0 ? 1 : 0;
  return open;
}

class FdPassingTest : public ::testing::Test {
 protected:
  FdPassingTest() {
    std::tie(a_, b_) = *Socket::Pair();
    int fds[2];
    EXPECT_EQ(pipe2(fds, O_CLOEXEC), 0);
    read_end_ = UniqueFd(fds[0]);
    write_end_ = UniqueFd(fds[1]);
    open_before_ = CountOpen();
  }
  ~FdPassingTest() override { EXPECT_EQ(CountOpen(), open_before_); }

  void RunUntilIdle() { ASSERT_TRUE(test_.RunUntilIdle().ok()); }
  absl::Status RunSend(std::string data, std::vector<int> fds) {
    return RunUntilComplete(test_.loop(),
                            Send(a_, std::move(data), std::move(fds)));
  }
  absl::StatusOr<ReceivedFds> RunRecv(size_t size, size_t max_fds) {
    return RunUntilComplete(test_.loop(), Recv(b_, size, max_fds));
  }

  TestLoop test_;
  Socket a_, b_;
  UniqueFd read_end_, write_end_;
  int open_before_;
};

TEST_F(FdPassingTest, TheReceiverWaitsForThem) {
  auto task = CreateTask(test_.loop(), Recv(b_, 10, 2));
  RunUntilIdle();
  EXPECT_FALSE(task.done());
  ASSERT_TRUE(RunSend("hi", {write_end_.get(), read_end_.get()}).ok());
  RunUntilIdle();
  const ReceivedFds received = *std::move(task).Result();
  EXPECT_EQ(received.data, "hi");
  ASSERT_EQ(received.fds.size(), 2u);
  EXPECT_EQ(write(received.fds[0].get(), "y", 1), 1);
  char byte;
  EXPECT_EQ(read(received.fds[1].get(), &byte, 1), 1);
  EXPECT_NE(fcntl(received.fds[0].get(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST_F(FdPassingTest, LongDataCarriesThemOnce) {
  const std::string data(3'000'000, 'x');
  const auto sender =
      CreateTask(test_.loop(), Send(a_, data, {write_end_.get()}));
  size_t bytes = 0;
  size_t fds = 0;
  while (bytes < data.size()) {
    const absl::StatusOr<ReceivedFds> received = RunRecv(100'000, 10);
    ASSERT_TRUE(received.ok());
    bytes += received->data.size();
    fds += received->fds.size();
  }
  RunUntilIdle();
  EXPECT_TRUE(sender.done());
  EXPECT_EQ(fds, 1u);
}

TEST_F(FdPassingTest, MoreThanAllowedIsAnErrorAndNoneStayOpen) {
  ASSERT_TRUE(RunSend("x", {read_end_.get(), read_end_.get()}).ok());
  EXPECT_EQ(RunRecv(10, 1).status().code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(CountOpen(), open_before_);
}

TEST_F(FdPassingTest, WhatCannotBeSentIsRefused) {
  EXPECT_EQ(RunSend("", {read_end_.get()}).code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(RunSend("x", std::vector<int>(254, read_end_.get())).code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(RunSend("x", {-1}).code(), absl::StatusCode::kFailedPrecondition);
  Socket tcp = *Socket::Create(AF_INET, SOCK_STREAM);
  ++open_before_;
  EXPECT_EQ(
      RunUntilComplete(test_.loop(), Send(tcp, "x", {read_end_.get()})).code(),
      absl::StatusCode::kInvalidArgument);
  tcp.Close();
  --open_before_;
}

TEST_F(FdPassingTest, CancelledWhenTheyHaveComeTheyAreNotLost) {
  auto task = CreateTask(test_.loop(), Recv(b_, 10, 2));
  RunUntilIdle();
  ASSERT_TRUE(a_.SendWithFds("x", {read_end_.get()}).ok());
  test_->CallLater(absl::ZeroDuration(), [&] { task.Cancel(); });
  RunUntilIdle();
  EXPECT_EQ(task.Result()->fds.size(), 1u);
}

TEST_F(FdPassingTest, AByteAtATimeCarriesThemOnce) {
  FaultInjection faults;
  faults.LimitSize("sendmsg", 1);
  ASSERT_TRUE(RunSend("abc", {read_end_.get()}).ok());
  faults.Clear();
  const absl::StatusOr<ReceivedFds> first = RunRecv(1, 10);
  EXPECT_EQ(first->fds.size(), 1u);
  const absl::StatusOr<ReceivedFds> rest = RunRecv(10, 10);
  EXPECT_EQ(rest->data, "bc");
  EXPECT_TRUE(rest->fds.empty());
}

TEST_F(FdPassingTest, TheEndOfTheStreamIsEmpty) {
  a_.Close();
  --open_before_;
  const absl::StatusOr<ReceivedFds> received = RunRecv(10, 10);
  EXPECT_EQ(received->data, "");
  EXPECT_TRUE(received->fds.empty());
}

}  // namespace
}  // namespace evkit
