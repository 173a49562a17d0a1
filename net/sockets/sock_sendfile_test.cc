// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/sockets/sock_sendfile.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <memory>
#include <string>
#include <tuple>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "evkit/base/errno_status.h"
#include "evkit/base/fault_injection.h"
#include "evkit/base/unique_fd.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/loop/coro/or_return.h"
#include "evkit/loop/coro/run_until_complete.h"
#include "evkit/loop/coro/sleep.h"
#include "evkit/loop/coro/task.h"
#include "evkit/loop/default_event_loop.h"
#include "evkit/net/socket.h"
#include "evkit/net/sockets/sock_recv.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using ::testing::HasSubstr;

UniqueFd FileOf(absl::string_view contents) {
  std::string path = ::testing::TempDir() + "/evkit_sendfile_test.XXXXXX";
  UniqueFd file(mkstemp(path.data()));
  unlink(path.c_str());
  EXPECT_EQ(write(file.get(), contents.data(), contents.size()),
            static_cast<ssize_t>(contents.size()));
  return file;
}

std::string Digits(size_t size) {
  std::string text;
  for (size_t i = 0; text.size() < size; ++i) text += std::to_string(i) + ",";
  text.resize(size);
  return text;
}

Coro<std::string> RecvAll(Socket& socket) {
  std::string all;
  for (;;) {
    const std::string some = co_await OrReturn(SockRecv(socket, 65536));
    if (some.empty()) co_return all;
    all += some;
  }
}

class SockSendfileTest : public ::testing::Test {
 protected:
  SockSendfileTest() { std::tie(a_, b_) = *Socket::Pair(); }

  // Sends, while somebody receives; what was received is in `received_`.
  absl::StatusOr<int64_t> Send(int file) {
    const auto receiver = CreateTask(*loop_, RecvAll(b_));
    absl::StatusOr<int64_t> sent =
        RunUntilComplete(*loop_, SockSendfile(a_, file, options_));
    a_.Close();
    received_ = *RunUntilComplete<std::string>(*loop_, receiver);
    std::tie(a_, b_) = *Socket::Pair();
    return sent;
  }
  off_t Position(const UniqueFd& file) {
    return lseek(file.get(), 0, SEEK_CUR);
  }

  const std::unique_ptr<EventLoop> loop_ = *NewDefaultEventLoop();
  Socket a_, b_;
  SockSendfileOptions options_;
  std::string received_;
};

// SOCK-17
TEST_F(SockSendfileTest, AllOfAFileIsSent) {
  const std::string contents = Digits(3'000'000);
  const UniqueFd file = FileOf(contents);
  FaultInjection faults;
  EXPECT_EQ(*Send(file.get()), 3'000'000);
  EXPECT_TRUE(received_ == contents);
  EXPECT_EQ(Position(file), 3'000'000);
  EXPECT_EQ(faults.Count("pread"), 0);
}

// SOCK-17
TEST_F(SockSendfileTest, APartOfAFileIsSent) {
  const UniqueFd file = FileOf("0123456789");
  options_.offset = 3;
  options_.count = 4;
  EXPECT_EQ(*Send(file.get()), 4);
  EXPECT_EQ(received_, "3456");
  EXPECT_EQ(Position(file), 7);
  options_.count = 100;
  EXPECT_EQ(*Send(file.get()), 7);
  EXPECT_EQ(Position(file), 10);
  options_.offset = 20;
  EXPECT_EQ(*Send(file.get()), 0);
  EXPECT_EQ(Position(file), 20);
}

// SOCK-17, SOCK-20
TEST_F(SockSendfileTest, TheFallbackDoesTheSame) {
  const std::string contents = Digits(1'000'000);
  const UniqueFd file = FileOf(contents);
  FaultInjection faults;
  faults.Fail("sendfile", EINVAL);
  faults.Fail("pread", EINTR, 1);
  EXPECT_EQ(*Send(file.get()), 1'000'000);
  EXPECT_TRUE(received_ == contents);
  EXPECT_EQ(Position(file), 1'000'000);
  options_.offset = 10;
  options_.count = 300'000;
  EXPECT_EQ(*Send(file.get()), 300'000);
  EXPECT_TRUE(received_ == contents.substr(10, 300'000));
  EXPECT_EQ(Position(file), 300'010);
}

// SOCK-20
TEST_F(SockSendfileTest, WithoutFallbackItIsUnimplemented) {
  const UniqueFd file = FileOf("x");
  FaultInjection faults;
  faults.Fail("sendfile", EINVAL);
  options_.fallback = false;
  const absl::StatusOr<int64_t> sent = Send(file.get());
  EXPECT_EQ(sent.status().code(), absl::StatusCode::kUnimplemented);
  EXPECT_THAT(std::string(sent.status().message()), HasSubstr("sendfile(fd="));
}

// SOCK-20
TEST_F(SockSendfileTest, APipeIsReadToItsEnd) {
  int fds[2];
  ASSERT_EQ(pipe2(fds, O_CLOEXEC), 0);
  const UniqueFd read_end(fds[0]);
  UniqueFd write_end(fds[1]);
  EXPECT_EQ(write(write_end.get(), "through a pipe", 14), 14);
  write_end.Reset();
  EXPECT_EQ(*Send(read_end.get()), 14);
  EXPECT_EQ(received_, "through a pipe");
  options_.offset = 1;
  EXPECT_EQ(ErrnoFromStatus(Send(read_end.get()).status()), ESPIPE);
}

// SOCK-18
TEST_F(SockSendfileTest, NonsenseIsRefused) {
  const UniqueFd file = FileOf("x");
  options_.count = 0;
  EXPECT_EQ(Send(file.get()).status().code(),
            absl::StatusCode::kInvalidArgument);
  options_.count = -1;
  EXPECT_EQ(Send(file.get()).status().code(),
            absl::StatusCode::kInvalidArgument);
  options_.count.reset();
  options_.offset = -1;
  EXPECT_EQ(Send(file.get()).status().code(),
            absl::StatusCode::kInvalidArgument);
  Socket datagrams = *Socket::Create(AF_INET, SOCK_DGRAM);
  EXPECT_EQ(RunUntilComplete(*loop_, SockSendfile(datagrams, file.get()))
                .status()
                .code(),
            absl::StatusCode::kInvalidArgument);
  options_ = SockSendfileOptions();
  EXPECT_EQ(ErrnoFromStatus(Send(-1).status()), EBADF);
}

// SOCK-19
TEST_F(SockSendfileTest, BetweenTwoPartsItWaits) {
  const UniqueFd file = FileOf("abc");
  FaultInjection faults;
  faults.LimitSize("sendfile", 1);
  const int before = faults.Count("epoll_wait") + faults.Count("epoll_pwait2");
  EXPECT_EQ(*Send(file.get()), 3);
  EXPECT_EQ(received_, "abc");
  EXPECT_GE(faults.Count("epoll_wait") + faults.Count("epoll_pwait2"),
            before + 2);
}

// SOCK-21
TEST_F(SockSendfileTest, AnErrorAfterSomeBytesIsWhatItIs) {
  const UniqueFd file = FileOf("abc");
  FaultInjection faults;
  faults.LimitSize("sendfile", 1);
  faults.Fail("sendfile", EINVAL, 2);
  EXPECT_EQ(ErrnoFromStatus(Send(file.get()).status()), EINVAL);
  EXPECT_EQ(received_, "a");
  EXPECT_EQ(Position(file), 1);
}

Coro<void> CancelSoon(AnyTask task) {
  for (int i = 0; i < 5; ++i) co_await OrReturn(Sleep(absl::ZeroDuration()));
  task.Cancel();
  co_return absl::OkStatus();
}

// SOCK-21
TEST_F(SockSendfileTest, CancelledThePositionIsSetToo) {
  const UniqueFd file = FileOf(Digits(5'000'000));
  auto task = CreateTask(*loop_, SockSendfile(a_, file.get()));
  const auto canceller = CreateTask(*loop_, CancelSoon(task));
  EXPECT_EQ(RunUntilComplete<int64_t>(*loop_, task).status().code(),
            absl::StatusCode::kCancelled);
  int64_t received = 0;
  char buffer[65536];
  for (;;) {
    const IoResult result = b_.Recv(absl::MakeSpan(buffer));
    if (!result.ok()) break;
    received += static_cast<int64_t>(result.bytes());
  }
  EXPECT_GT(received, 0);
  EXPECT_EQ(Position(file), received);
}

// SOCK-22
TEST_F(SockSendfileTest, AnEmptyFileIsNothing) {
  EXPECT_EQ(*Send(FileOf("").get()), 0);
}

TEST_F(SockSendfileTest, bug_H13_SendingToNobodyIsAnErrorNotASignal) {
  const auto disposition = signal(SIGPIPE, SIG_DFL);
  const UniqueFd file = FileOf("x");
  for (const bool native : {true, false}) {
    std::tie(a_, b_) = *Socket::Pair();
    b_.Close();
    FaultInjection faults;
    if (!native) faults.Fail("sendfile", EINVAL);
    EXPECT_EQ(
        ErrnoFromStatus(
            RunUntilComplete(*loop_, SockSendfile(a_, file.get())).status()),
        EPIPE);
  }
  signal(SIGPIPE, disposition);
}

TEST_F(SockSendfileTest, bug_H24_FromBeyondTwoGigabytes) {
  const UniqueFd file = FileOf("");
  constexpr int64_t kSize = (int64_t{5} << 30) + 3;
  ASSERT_EQ(ftruncate(file.get(), kSize), 0);
  options_.offset = kSize - 3;
  options_.count = int64_t{6} << 30;
  EXPECT_EQ(*Send(file.get()), 3);
  EXPECT_EQ(Position(file), kSize);
}

}  // namespace
}  // namespace evkit
