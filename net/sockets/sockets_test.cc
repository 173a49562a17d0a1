// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Receiving, sending and accepting, awaited.

#include <fcntl.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "evkit/base/allocation_counter.h"
#include "evkit/base/errno_status.h"
#include "evkit/base/fault_injection.h"
#include "evkit/loop/context.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/loop/coro/or_return.h"
#include "evkit/loop/coro/run_until_complete.h"
#include "evkit/loop/coro/sleep.h"
#include "evkit/loop/coro/task.h"
#include "evkit/loop/default_event_loop.h"
#include "evkit/loop/testing/test_loop.h"
#include "evkit/net/socket.h"
#include "evkit/net/socket_address.h"
#include "evkit/net/sockets/sock_accept.h"
#include "evkit/net/sockets/sock_recv.h"
#include "evkit/net/sockets/sock_recv_from.h"
#include "evkit/net/sockets/sock_send.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

using Accepted = std::pair<Socket, SocketAddress>;
using Message = std::pair<std::string, SocketAddress>;

Coro<std::string> Recv(Socket& socket, size_t size) {
  co_return co_await SockRecv(socket, size);
}
Coro<size_t> RecvInto(Socket& socket, absl::Span<char> buffer) {
  co_return co_await SockRecvInto(socket, buffer);
}
Coro<Message> RecvFrom(Socket& socket, size_t size) {
  co_return co_await SockRecvFrom(socket, size);
}
Coro<void> SendAll(Socket& socket, absl::string_view data) {
  co_return co_await SockSendAll(socket, data);
}
Coro<size_t> SendTo(Socket& socket, absl::string_view data, SocketAddress to) {
  co_return co_await SockSendTo(socket, data, to);
}
Coro<Accepted> Accept(Socket& listening) {
  co_return co_await SockAccept(listening);
}

class SocketsTest : public ::testing::Test {
 protected:
  SocketsTest() { std::tie(a_, b_) = *Socket::Pair(); }

  template <typename T>
  Task<T> Start(Coro<T> coro) {
    return CreateTask(test_.loop(), std::move(coro));
  }
  void RunUntilIdle() { ASSERT_TRUE(test_.RunUntilIdle().ok()); }
  // Cancels the task in the next turn, after what that finds ready.
  void CancelAfterReadiness(AnyTask task) {
    test_->CallLater(absl::ZeroDuration(), [task]() mutable { task.Cancel(); });
    RunUntilIdle();
  }
  std::string Drain(Socket& socket) {
    std::string all;
    char buffer[65536];
    for (;;) {
      const IoResult result = socket.Recv(absl::MakeSpan(buffer));
      if (!result.ok() || result.bytes() == 0) return all;
      all.append(buffer, result.bytes());
    }
  }
  // Sends until it would block; how much.
  size_t FillUp(Socket& socket) {
    const std::string data(65536, 'f');
    size_t sent = 0;
    for (;;) {
      const IoResult result = socket.Send(data);
      if (!result.ok()) return sent;
      sent += result.bytes();
    }
  }

  TestLoop test_;
  Socket a_, b_;
};

Coro<void> RecvAndNote(Socket& socket, std::vector<std::string>* notes) {
  notes->push_back(co_await OrReturn(SockRecv(socket, 10)));
  co_return absl::OkStatus();
}

// SOCK-02
TEST_F(SocketsTest, WhatCanBeDoneAtOnceDoesNotSuspend) {
  ASSERT_TRUE(b_.Send("data").ok());
  std::vector<std::string> notes;
  Start(RecvAndNote(a_, &notes));
  test_->CallSoon([&] { notes.push_back("the next callback"); });
  RunUntilIdle();
  EXPECT_THAT(notes, ElementsAre("data", "the next callback"));
  EXPECT_FALSE(test_->RemoveReader(a_.fd()));
}

// SOCK-03
TEST_F(SocketsTest, WaitsUntilDataComes) {
  const auto task = Start(Recv(a_, 3));
  RunUntilIdle();
  EXPECT_FALSE(task.done());
  EXPECT_THAT(task.DebugString(),
              HasSubstr("waiting for SockRecv(fd=" + std::to_string(a_.fd())));
  ASSERT_TRUE(b_.Send("hello").ok());
  RunUntilIdle();
  EXPECT_EQ(*task.Result(), "hel");
  EXPECT_FALSE(test_->RemoveReader(a_.fd()));
  EXPECT_EQ(*RunUntilComplete(test_.loop(), Recv(a_, 10)), "lo");
}

// SOCK-03: EINTR is tried again like EAGAIN; other errors end it.
TEST_F(SocketsTest, InterruptionsAreNotErrorsAndErrorsAre) {
  FaultInjection faults;
  faults.Fail("recv", EINTR, 1, 2);
  ASSERT_TRUE(b_.Send("data").ok());
  EXPECT_EQ(*RunUntilComplete(test_.loop(), Recv(a_, 10)), "data");
  const auto task = Start(Recv(a_, 10));
  RunUntilIdle();
  faults.Fail("recv", ECONNRESET, 1);
  ASSERT_TRUE(b_.Send("more").ok());
  RunUntilIdle();
  EXPECT_EQ(ErrnoFromStatus(task.Result().status()), ECONNRESET);
  EXPECT_EQ(
      task.Result().status().message(),
      "recv(fd=" + std::to_string(a_.fd()) + "): Connection reset by peer");
  EXPECT_FALSE(test_->RemoveReader(a_.fd()));
  EXPECT_EQ(*RunUntilComplete(test_.loop(), Recv(a_, 10)), "more");
}

// SOCK-04
TEST_F(SocketsTest, TheEndOfTheStreamIsEmpty) {
  const auto task = Start(Recv(a_, 10));
  RunUntilIdle();
  b_.Close();
  RunUntilIdle();
  EXPECT_EQ(*task.Result(), "");
}

TEST_F(SocketsTest, ManyBytesComeInOneStringOfTheirSize) {
  ASSERT_TRUE(b_.SetOption(SOL_SOCKET, SO_SNDBUF, 1 << 20).ok());
  const std::string data(100'000, 'x');
  ASSERT_EQ(b_.Send(data).bytes(), data.size());
  const auto task = Start(Recv(a_, 200'000));
  RunUntilIdle();
  EXPECT_EQ(*task.Result(), data);
  ASSERT_TRUE(b_.Send("few").ok());
  const auto few = RunUntilComplete(test_.loop(), Recv(a_, size_t{1} << 40));
  EXPECT_EQ(*few, "few");
  EXPECT_LT(few->capacity(), 100u);
}

TEST_F(SocketsTest, ReceivesIntoAGivenBuffer) {
  char buffer[4];
  const auto task = Start(RecvInto(a_, absl::MakeSpan(buffer)));
  RunUntilIdle();
  ASSERT_TRUE(b_.Send("hello").ok());
  RunUntilIdle();
  EXPECT_EQ(*task.Result(), 4u);
  EXPECT_EQ(std::string(buffer, 4), "hell");
  EXPECT_EQ(*RunUntilComplete(test_.loop(), Recv(a_, 0)), "");
}

// SOCK-05
TEST_F(SocketsTest, AllOfItIsSentHoweverLittleIsTaken) {
  const std::string data(3'000'000, 'd');
  const auto sender = Start(SendAll(a_, data));
  RunUntilIdle();
  EXPECT_FALSE(sender.done());
  std::string received;
  while (!sender.done()) {
    received += Drain(b_);
    RunUntilIdle();
  }
  EXPECT_TRUE(sender.Result().ok());
  EXPECT_EQ(received + Drain(b_), data);
  EXPECT_FALSE(test_->RemoveWriter(a_.fd()));
}

// SOCK-05
TEST_F(SocketsTest, EmptyDataTakesNoSystemCall) {
  FaultInjection faults;
  EXPECT_TRUE(RunUntilComplete(test_.loop(), SendAll(a_, "")).ok());
  EXPECT_EQ(faults.Count("send"), 0);
}

// SOCK-05
TEST_F(SocketsTest, AByteAtATimeStillArrives) {
  FaultInjection faults;
  faults.LimitSize("send", 1);
  EXPECT_TRUE(RunUntilComplete(test_.loop(), SendAll(a_, "one by one")).ok());
  EXPECT_EQ(Drain(b_), "one by one");
}

TEST_F(SocketsTest, bug_H13_SendingToNobodyIsAnErrorNotASignal) {
  const auto disposition = signal(SIGPIPE, SIG_DFL);
  b_.Close();
  const auto status = RunUntilComplete(test_.loop(), SendAll(a_, "x"));
  EXPECT_EQ(ErrnoFromStatus(status), EPIPE);
  signal(SIGPIPE, disposition);
}

// SOCK-06
TEST_F(SocketsTest, MessagesComeWithTheirSender) {
  Socket a = *Socket::Create(AF_INET, SOCK_DGRAM);
  Socket b = *Socket::Create(AF_INET, SOCK_DGRAM);
  ASSERT_TRUE(a.Bind(SocketAddress::LoopbackIPv4(0)).ok());
  ASSERT_TRUE(b.Bind(SocketAddress::LoopbackIPv4(0)).ok());
  const auto task = Start(RecvFrom(b, 100));
  RunUntilIdle();
  EXPECT_EQ(
      *RunUntilComplete(test_.loop(), SendTo(a, "hello", *b.LocalAddress())),
      5u);
  RunUntilIdle();
  EXPECT_EQ(task.Result()->first, "hello");
  EXPECT_EQ(task.Result()->second, *a.LocalAddress());
  EXPECT_EQ(*RunUntilComplete(test_.loop(), SendTo(a, "", *b.LocalAddress())),
            0u);
  EXPECT_EQ(RunUntilComplete(test_.loop(), RecvFrom(b, 100))->first, "");
}

Coro<void> RecvFromIntoAndCheck(Socket& socket, SocketAddress from) {
  char buffer[3];
  const auto [size, sender] =
      co_await OrReturn(SockRecvFromInto(socket, absl::MakeSpan(buffer)));
  EXPECT_EQ(std::string(buffer, size), "hel");
  EXPECT_EQ(sender, from);
  co_return absl::OkStatus();
}

TEST_F(SocketsTest, WhatAMessageHasMoreThanTheBufferIsLost) {
  Socket a = *Socket::Create(AF_INET, SOCK_DGRAM);
  Socket b = *Socket::Create(AF_INET, SOCK_DGRAM);
  ASSERT_TRUE(a.Bind(SocketAddress::LoopbackIPv4(0)).ok());
  ASSERT_TRUE(b.Bind(SocketAddress::LoopbackIPv4(0)).ok());
  const auto task = Start(RecvFromIntoAndCheck(b, *a.LocalAddress()));
  RunUntilIdle();
  ASSERT_TRUE(a.SendTo("hello", *b.LocalAddress()).ok());
  RunUntilIdle();
  EXPECT_TRUE(task.Result().ok());
  EXPECT_TRUE(Drain(b).empty());
}

// SOCK-08
TEST_F(SocketsTest, CancellingStopsWatchingAtOnce) {
  auto reader = Start(Recv(a_, 10));
  FillUp(a_);
  auto writer = Start(SendAll(a_, "x"));
  RunUntilIdle();
  EXPECT_TRUE(reader.Cancel());
  EXPECT_FALSE(test_->RemoveReader(a_.fd()));
  EXPECT_TRUE(writer.Cancel());
  EXPECT_FALSE(test_->RemoveWriter(a_.fd()));
  RunUntilIdle();
  EXPECT_TRUE(reader.cancelled());
  EXPECT_TRUE(writer.cancelled());
  ASSERT_TRUE(b_.Send("kept").ok());
  EXPECT_EQ(*RunUntilComplete(test_.loop(), Recv(a_, 10)), "kept");
}

// SOCK-03
TEST_F(SocketsTest, CancelledWhenTheBytesHaveComeTheyAreNotLost) {
  auto task = Start(Recv(a_, 10));
  RunUntilIdle();
  ASSERT_TRUE(b_.Send("data").ok());
  CancelAfterReadiness(task);
  EXPECT_EQ(*task.Result(), "data");
}

// SOCK-03: and if it comes first, they are left to the next.
TEST_F(SocketsTest, CancelledInTheTurnInWhichTheBytesComeTheyStay) {
  auto task = Start(Recv(a_, 10));
  RunUntilIdle();
  ASSERT_TRUE(b_.Send("data").ok());
  test_->CallSoon([&] { task.Cancel(); });
  RunUntilIdle();
  EXPECT_TRUE(task.cancelled());
  EXPECT_EQ(*RunUntilComplete(test_.loop(), Recv(a_, 10)), "data");
}

Coro<void> RecvInContext(Socket& socket, const ContextVar<int>* variable,
                         std::vector<int>* seen) {
  variable->Set(1);
  co_await OrReturn(SockRecv(socket, 10));
  seen->push_back(*variable->Get());
  variable->Set(2);
  co_await OrReturn(SockRecv(socket, 10));
  seen->push_back(*variable->Get());
  co_return absl::OkStatus();
}

// SOCK-03: the task goes on in its own context.
TEST_F(SocketsTest, TheContextOfTheTaskIsKept) {
  static const ContextVar<int> variable("variable");
  std::vector<int> seen;
  Start(RecvInContext(a_, &variable, &seen));
  for (int i = 0; i < 2; ++i) {
    RunUntilIdle();
    ASSERT_TRUE(b_.Send("x").ok());
  }
  RunUntilIdle();
  EXPECT_THAT(seen, ElementsAre(1, 2));
}

#if defined(__cpp_exceptions)

Coro<void> RecvAndThrow(Socket& socket) {
  co_await OrReturn(SockRecv(socket, 10));
  throw std::runtime_error("after the wait");
}

TEST_F(SocketsTest, WhatTheTaskThrowsAfterTheWaitIsItsOwn) {
  const auto task = Start(RecvAndThrow(a_));
  RunUntilIdle();
  ASSERT_TRUE(b_.Send("x").ok());
  RunUntilIdle();
  EXPECT_THROW(task.Result().IgnoreError(), std::runtime_error);
}

#endif  // __cpp_exceptions

// SOCK-09
TEST_F(SocketsTest, ASecondWaitTakesTheFirstOnesPlaceAndKeepsIt) {
  auto first = Start(Recv(a_, 10));
  RunUntilIdle();
  const auto second = Start(Recv(a_, 10));
  RunUntilIdle();
  ASSERT_TRUE(b_.Send("data").ok());
  RunUntilIdle();
  EXPECT_EQ(*second.Result(), "data");
  EXPECT_FALSE(first.done());
  const auto third = Start(Recv(a_, 10));
  RunUntilIdle();
  first.Cancel();
  RunUntilIdle();
  EXPECT_TRUE(first.cancelled());
  EXPECT_FALSE(third.done());
  ASSERT_TRUE(b_.Send("more").ok());
  RunUntilIdle();
  EXPECT_EQ(*third.Result(), "more");
}

// SOCK-09: nor a registration that is no socket call's.
TEST_F(SocketsTest, CancellingLeavesTheReaderOfAnother) {
  auto task = Start(Recv(a_, 10));
  RunUntilIdle();
  int ready = 0;
  ASSERT_TRUE(test_
                  ->AddReader(a_.fd(),
                              [&] {
                                ++ready;
                                test_->RemoveReader(a_.fd());
                              })
                  .ok());
  task.Cancel();
  RunUntilIdle();
  ASSERT_TRUE(b_.Send("x").ok());
  RunUntilIdle();
  EXPECT_EQ(ready, 1);
}

// SOCK-09: the number of a socket that was closed under a wait.
TEST_F(SocketsTest, CancellingLeavesTheSocketThatGotTheNumber) {
  auto task = Start(Recv(a_, 10));
  RunUntilIdle();
  const int number = a_.fd();
  a_.Close();
  auto [c, d] = *Socket::Pair();
  ASSERT_EQ(c.fd(), number);
  const auto other = Start(Recv(c, 10));
  RunUntilIdle();
  task.Cancel();
  RunUntilIdle();
  EXPECT_TRUE(task.cancelled());
  ASSERT_TRUE(d.Send("data").ok());
  RunUntilIdle();
  EXPECT_EQ(*other.Result(), "data");
}

TEST_F(SocketsTest, ReceivingAndSendingDoNotDisturbEachOther) {
  FillUp(a_);
  const auto reader = Start(Recv(a_, 10));
  const auto writer = Start(SendAll(a_, "x"));
  RunUntilIdle();
  ASSERT_TRUE(b_.Send("data").ok());
  RunUntilIdle();
  EXPECT_EQ(*reader.Result(), "data");
  EXPECT_FALSE(writer.done());
  Drain(b_);
  RunUntilIdle();
  EXPECT_TRUE(writer.done());
}

class SockAcceptTest : public SocketsTest {
 protected:
  SockAcceptTest() : listening_(*Socket::Create(AF_INET, SOCK_STREAM)) {
    EXPECT_TRUE(listening_.Bind(SocketAddress::LoopbackIPv4(0)).ok());
    EXPECT_TRUE(listening_.Listen(8).ok());
  }

  Socket Connected() {
    Socket socket = *Socket::Create(AF_INET, SOCK_STREAM);
    EXPECT_TRUE(socket.Connect(*listening_.LocalAddress()).ok());
    return socket;
  }

  Socket listening_;
};

// SOCK-14
TEST_F(SockAcceptTest, TheNewSocketDoesNotBlock) {
  const auto task = Start(Accept(listening_));
  RunUntilIdle();
  EXPECT_FALSE(task.done());
  Socket client = Connected();
  RunUntilIdle();
  const absl::StatusOr<Accepted>& accepted = task.Result();
  ASSERT_TRUE(accepted.ok());
  EXPECT_NE(fcntl(accepted->first.fd(), F_GETFL) & O_NONBLOCK, 0);
  EXPECT_NE(fcntl(accepted->first.fd(), F_GETFD) & FD_CLOEXEC, 0);
  EXPECT_EQ(accepted->second, *client.LocalAddress());
}

// SOCK-15
TEST_F(SockAcceptTest, AWaitThatIsCancelledAcceptsNothing) {
  auto task = Start(Accept(listening_));
  RunUntilIdle();
  FaultInjection faults;
  Socket client = Connected();
  test_->CallSoon([&] { task.Cancel(); });
  RunUntilIdle();
  EXPECT_TRUE(task.cancelled());
  EXPECT_EQ(faults.Count("accept4"), 0);
  EXPECT_TRUE(RunUntilComplete(test_.loop(), Accept(listening_)).ok());
}

TEST_F(SockAcceptTest, CancelledWhenAConnectionHasComeItIsNotLost) {
  auto task = Start(Accept(listening_));
  RunUntilIdle();
  Socket client = Connected();
  CancelAfterReadiness(task);
  EXPECT_TRUE(task.Result().ok());
}

TEST_F(SockAcceptTest, ErrorsArePassedOnAndTheNextCallAccepts) {
  Socket client = Connected();
  FaultInjection faults;
  faults.Fail("accept4", EMFILE, 1);
  const auto failed = RunUntilComplete(test_.loop(), Accept(listening_));
  EXPECT_EQ(ErrnoFromStatus(failed.status()), EMFILE);
  EXPECT_TRUE(RunUntilComplete(test_.loop(), Accept(listening_)).ok());
}

TEST_F(SocketsTest, ClosingTheLoopEndsAllWaits) {
  FillUp(a_);
  const auto reader = Start(Recv(a_, 1'000'000));
  const auto writer = Start(SendAll(a_, "x"));
  RunUntilIdle();
  ASSERT_TRUE(test_->Close().ok());
  EXPECT_TRUE(reader.cancelled());
  EXPECT_TRUE(writer.cancelled());
  EXPECT_TRUE(b_.Send("still open").ok());
}

TEST_F(SocketsTest, AClosedSocketIsAnError) {
  a_.Close();
  const auto received = RunUntilComplete(test_.loop(), Recv(a_, 10));
  EXPECT_EQ(ErrnoFromStatus(received.status()), EBADF);
  EXPECT_EQ(ErrnoFromStatus(RunUntilComplete(test_.loop(), SendAll(a_, "x"))),
            EBADF);
}

Coro<void> RecvTwice(Socket& socket, std::vector<absl::StatusCode>* codes) {
  for (int i = 0; i < 2; ++i) {
    codes->push_back((co_await SockRecv(socket, 10)).status().code());
  }
  co_return absl::OkStatus();
}

TEST_F(SocketsTest, AWatchThatTheLoopRefusesIsTheError) {
  const auto loop = *NewDefaultEventLoop();
  FaultInjection faults;
  faults.Fail("epoll_ctl", ENOMEM, 1);
  const auto received = RunUntilComplete(*loop, Recv(a_, 10));
  EXPECT_EQ(ErrnoFromStatus(received.status()), ENOMEM);
  faults.Fail("epoll_ctl", ENOMEM, 1);
  std::vector<absl::StatusCode> codes;
  ASSERT_TRUE(b_.Shutdown(SHUT_WR).ok());
  EXPECT_TRUE(RunUntilComplete(*loop, RecvTwice(a_, &codes)).ok());
}

Coro<void> Echo(Socket& socket) {
  char buffer[64];
  for (;;) {
    const size_t size =
        co_await OrReturn(SockRecvInto(socket, absl::MakeSpan(buffer)));
    if (size == 0) co_return absl::OkStatus();
    co_await OrReturn(SockSendAll(socket, absl::string_view(buffer, size)));
  }
}

Coro<int64_t> AllocationsOfPings(Socket& socket, int count) {
  char buffer[64];
  int64_t before = 0;
  for (int i = 0; i < count + 10; ++i) {
    if (i == 10) before = AllocationCount();
    co_await OrReturn(SockSendAll(socket, "ping"));
    co_await OrReturn(SockRecvInto(socket, absl::MakeSpan(buffer)));
  }
  co_return AllocationCount() - before;
}

TEST_F(SocketsTest, WaitingAllocatesNothing) {
  if (!CountsAllocations()) GTEST_SKIP();
  const auto loop = *NewDefaultEventLoop();
  const auto echo = CreateTask(*loop, Echo(b_));
  EXPECT_EQ(*RunUntilComplete(*loop, AllocationsOfPings(a_, 100)), 0);
  a_.Close();
  EXPECT_TRUE(RunUntilComplete<void>(*loop, echo).ok());
}

}  // namespace
}  // namespace evkit
