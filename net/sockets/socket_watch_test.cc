// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// What the loop keeps of a socket between two waits: what it saves, and that
// nobody is misled by it.

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string>
#include <tuple>
#include <utility>

#include "absl/status/status.h"
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
#include "evkit/loop/event_loop.h"
#include "evkit/net/socket.h"
#include "evkit/net/sockets/sock_recv.h"
#include "evkit/net/sockets/sock_send.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

Coro<std::string> Recv(Socket& socket, size_t size) {
  co_return co_await SockRecv(socket, size);
}
Coro<void> SendAll(Socket& socket, absl::string_view data) {
  co_return co_await SockSendAll(socket, data);
}
Coro<void> Turns(int count) {
  for (int i = 0; i < count; ++i) {
    co_await OrReturn(Sleep(absl::ZeroDuration()));
  }
  co_return absl::OkStatus();
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
Coro<void> Ping(Socket& socket, int count) {
  char buffer[64];
  for (int i = 0; i < count; ++i) {
    co_await OrReturn(SockSendAll(socket, "ping"));
    co_await OrReturn(SockRecvInto(socket, absl::MakeSpan(buffer)));
  }
  co_return absl::OkStatus();
}

class SocketWatchTest : public ::testing::Test {
 protected:
  SocketWatchTest() : loop_(*NewDefaultEventLoop()) {
    std::tie(a_, b_) = *Socket::Pair();
  }

  void RunTurns(EventLoop& loop, int count = 3) {
    ASSERT_TRUE(RunUntilComplete(loop, Turns(count)).ok());
  }
  // Receives `data` on `to`, of which nothing is there when the wait begins.
  void ReceiveAfterAWait(EventLoop& loop, Socket& to, Socket& from,
                         absl::string_view data) {
    const auto task = CreateTask(loop, Recv(to, 100));
    RunTurns(loop);
    ASSERT_FALSE(task.done());
    ASSERT_TRUE(from.Send(data).ok());
    EXPECT_EQ(*RunUntilComplete<std::string>(loop, task), data);
  }
  void ReceiveAfterAWait(absl::string_view data) {
    ReceiveAfterAWait(*loop_, a_, b_, data);
  }

  std::unique_ptr<EventLoop> loop_;
  Socket a_, b_;
};

// SOCK-02
TEST_F(SocketWatchTest, ARequestTakesTwoSystemCallsAndNoEpollCtl) {
  const auto echo = CreateTask(*loop_, Echo(b_));
  ASSERT_TRUE(RunUntilComplete(*loop_, Ping(a_, 2)).ok());
  FaultInjection faults;
  ASSERT_TRUE(RunUntilComplete(*loop_, Ping(a_, 100)).ok());
  EXPECT_EQ(faults.Count("epoll_ctl"), 0);
  EXPECT_EQ(faults.Count("recv"), 200);
  EXPECT_EQ(faults.Count("send"), 200);
  a_.Close();
  EXPECT_TRUE(RunUntilComplete<void>(*loop_, echo).ok());
}

// SOCK-02: only a stream that was emptied is waited for first.
TEST_F(SocketWatchTest, WhatIsLeftIsReceivedWithoutWaiting) {
  ASSERT_TRUE(b_.Send("abc").ok());
  FaultInjection faults;
  EXPECT_EQ(*RunUntilComplete(*loop_, Recv(a_, 1)), "a");
  EXPECT_EQ(*RunUntilComplete(*loop_, Recv(a_, 2)), "bc");
  EXPECT_EQ(faults.Count("epoll_ctl"), 0);
  ASSERT_TRUE(b_.Send("d").ok());
  EXPECT_EQ(*RunUntilComplete(*loop_, Recv(a_, 2)), "d");
  EXPECT_EQ(faults.Count("epoll_ctl"), 0);
  ASSERT_TRUE(b_.Send("e").ok());
  EXPECT_EQ(*RunUntilComplete(*loop_, Recv(a_, 0)), "");
  EXPECT_EQ(*RunUntilComplete(*loop_, Recv(a_, 2)), "e");
  b_.Close();
  EXPECT_EQ(*RunUntilComplete(*loop_, Recv(a_, 2)), "");
}

TEST_F(SocketWatchTest, AMessageOfAnyLengthIsNotTheLast) {
  std::tie(a_, b_) = *Socket::Pair(SOCK_DGRAM);
  ASSERT_TRUE(b_.Send("one").ok());
  ASSERT_TRUE(b_.Send("two").ok());
  FaultInjection faults;
  EXPECT_EQ(*RunUntilComplete(*loop_, Recv(a_, 100)), "one");
  EXPECT_EQ(*RunUntilComplete(*loop_, Recv(a_, 100)), "two");
  EXPECT_EQ(faults.Count("epoll_ctl"), 0);
}

TEST_F(SocketWatchTest, UnreadDataCostsOneTurnAndNoMore) {
  ReceiveAfterAWait("first");
  ASSERT_TRUE(b_.Send("unread").ok());
  FaultInjection faults;
  RunTurns(*loop_, 10);
  EXPECT_EQ(faults.Count("epoll_ctl"), 1);
  EXPECT_EQ(*RunUntilComplete(*loop_, Recv(a_, 100)), "unread");
  ReceiveAfterAWait("again");
}

TEST_F(SocketWatchTest, NobodySeesThatItIsWatched) {
  ReceiveAfterAWait("first");
  EXPECT_FALSE(loop_->RemoveReader(a_.fd()));
  ReceiveAfterAWait("second");
  EXPECT_FALSE(loop_->RemoveWriter(a_.fd()));
  ReceiveAfterAWait("third");
}

TEST_F(SocketWatchTest, AReaderOfTheUsersTakesItsPlace) {
  ReceiveAfterAWait("first");
  int ready = 0;
  const auto on_ready = [&] {
    ++ready;
    EXPECT_TRUE(loop_->RemoveReader(a_.fd()));
  };
  ASSERT_TRUE(loop_->AddReader(a_.fd(), on_ready).ok());
  ASSERT_TRUE(b_.Send("second").ok());
  RunTurns(*loop_);
  EXPECT_EQ(ready, 1);
  EXPECT_EQ(*RunUntilComplete(*loop_, Recv(a_, 100)), "second");
  ReceiveAfterAWait("third");
}

TEST_F(SocketWatchTest, AWriterOfTheUsersGoesOnBesideIt) {
  ReceiveAfterAWait("first");
  int ready = 0;
  ASSERT_TRUE(loop_->AddWriter(a_.fd(), [&] { ++ready; }).ok());
  ReceiveAfterAWait("second");
  EXPECT_GT(ready, 0);
  EXPECT_TRUE(loop_->RemoveWriter(a_.fd()));
  const int before = ready;
  ReceiveAfterAWait("third");
  EXPECT_EQ(ready, before);
}

TEST_F(SocketWatchTest, SendingWaitsBesideReceiving) {
  ReceiveAfterAWait("first");
  const std::string much(3'000'000, 'd');
  const auto sender = CreateTask(*loop_, SendAll(a_, much));
  const auto receiver = CreateTask(*loop_, Recv(a_, 100));
  RunTurns(*loop_);
  EXPECT_FALSE(sender.done());
  ASSERT_TRUE(b_.Send("second").ok());
  EXPECT_EQ(*RunUntilComplete<std::string>(*loop_, receiver), "second");
  for (size_t received = 0; received < much.size();) {
    received += RunUntilComplete(*loop_, Recv(b_, 1'000'000))->size();
  }
  EXPECT_TRUE(RunUntilComplete<void>(*loop_, sender).ok());
  FaultInjection faults;
  RunTurns(*loop_);
  EXPECT_EQ(faults.Count("epoll_ctl"), 0);
  ReceiveAfterAWait("third");
}

TEST_F(SocketWatchTest, AnotherSocketWithItsNumberIsWatchedAfresh) {
  for (int i = 0; i < 3; ++i) {
    ReceiveAfterAWait("data");
    const int number = a_.fd();
    a_.Close();
    auto [c, d] = *Socket::Pair();
    ASSERT_EQ(c.fd(), number);
    ReceiveAfterAWait(*loop_, c, d, "other");
    a_ = std::move(c);
    b_ = std::move(d);
  }
}

TEST_F(SocketWatchTest, AnotherDescriptorWithItsNumberIsWatchedAfresh) {
  ReceiveAfterAWait("data");
  const int number = a_.fd();
  UniqueFd released = a_.Release();
  released.Reset();
  auto [c, d] = *Socket::Pair();
  ASSERT_EQ(c.fd(), number);
  int ready = 0;
  const auto on_ready = [&] {
    ++ready;
    loop_->RemoveReader(number);
  };
  ASSERT_TRUE(loop_->AddReader(number, on_ready).ok());
  RunTurns(*loop_);
  EXPECT_EQ(ready, 0);
  ASSERT_TRUE(d.Send("x").ok());
  RunTurns(*loop_);
  EXPECT_EQ(ready, 1);
}

TEST_F(SocketWatchTest, ADuplicateThatKeepsItsFileOpenWakesNobody) {
  ReceiveAfterAWait("data");
  const int number = a_.fd();
  const UniqueFd duplicate(fcntl(number, F_DUPFD_CLOEXEC, 100));
  a_.Close();
  auto [c, d] = *Socket::Pair();
  ASSERT_EQ(c.fd(), number);
  const auto task = CreateTask(*loop_, Recv(c, 100));
  RunTurns(*loop_);
  ASSERT_TRUE(b_.Send("for the duplicate").ok());
  RunTurns(*loop_);
  EXPECT_FALSE(task.done());
  FaultInjection faults;
  RunTurns(*loop_, 10);
  EXPECT_EQ(faults.Count("epoll_ctl"), 0);
  ASSERT_TRUE(d.Send("other").ok());
  EXPECT_EQ(*RunUntilComplete<std::string>(*loop_, task), "other");
}

TEST_F(SocketWatchTest, ADuplicateOfAClosedSocketIsNotWatchedForEver) {
  ReceiveAfterAWait("data");
  const UniqueFd duplicate(fcntl(a_.fd(), F_DUPFD_CLOEXEC, 100));
  a_.Close();
  ASSERT_TRUE(b_.Send("for the duplicate").ok());
  RunTurns(*loop_, 5);
  FaultInjection faults;
  RunTurns(*loop_, 10);
  EXPECT_EQ(faults.Count("epoll_ctl"), 0);
  Socket adopted = *Socket::Adopt(UniqueFd(dup(duplicate.get())));
  EXPECT_EQ(*RunUntilComplete(*loop_, Recv(adopted, 100)), "for the duplicate");
  ReceiveAfterAWait(*loop_, adopted, b_, "more");
}

TEST_F(SocketWatchTest, TheSameFileInAnotherSocketIsWatchedAfresh) {
  ReceiveAfterAWait("data");
  const int number = a_.fd();
  Socket adopted = *Socket::Adopt(a_.Release());
  ASSERT_EQ(adopted.fd(), number);
  ReceiveAfterAWait(*loop_, adopted, b_, "more");
}

TEST_F(SocketWatchTest, TwoLoopsMayUseItInTurn) {
  const auto other = *NewDefaultEventLoop();
  for (int i = 0; i < 3; ++i) {
    ReceiveAfterAWait(*loop_, a_, b_, "one");
    ReceiveAfterAWait(*other, a_, b_, "two");
  }
}

TEST_F(SocketWatchTest, ASocketIsWatchedOnWhenItWasMoved) {
  ReceiveAfterAWait("data");
  Socket moved = std::move(a_);
  FaultInjection faults;
  ReceiveAfterAWait(*loop_, moved, b_, "more");
  EXPECT_EQ(faults.Count("epoll_ctl"), 0);
}

TEST_F(SocketWatchTest, TheLoopMayBeClosedFirst) {
  ReceiveAfterAWait("data");
  const auto pending = CreateTask(*loop_, Recv(a_, 100));
  RunTurns(*loop_);
  ASSERT_TRUE(loop_->Close().ok());
  EXPECT_TRUE(pending.cancelled());
  const auto other = *NewDefaultEventLoop();
  ReceiveAfterAWait(*other, a_, b_, "more");
}

// SOCK-09: and the loop goes on with its number's next owner.
TEST_F(SocketWatchTest, AWaitForASocketThatIsClosedIsInVain) {
  ReceiveAfterAWait("data");
  auto pending = CreateTask(*loop_, Recv(a_, 100));
  RunTurns(*loop_);
  const int number = a_.fd();
  a_.Close();
  RunTurns(*loop_);
  EXPECT_FALSE(pending.done());
  auto [c, d] = *Socket::Pair();
  ASSERT_EQ(c.fd(), number);
  ReceiveAfterAWait(*loop_, c, d, "first");
  pending.Cancel();
  RunTurns(*loop_);
  EXPECT_TRUE(pending.cancelled());
  ReceiveAfterAWait(*loop_, c, d, "second");
}

// SOCK-08
TEST_F(SocketWatchTest, AfterCancellingTheNextWaitFindsWhatCame) {
  auto cancelled = CreateTask(*loop_, Recv(a_, 100));
  RunTurns(*loop_);
  cancelled.Cancel();
  RunTurns(*loop_);
  ASSERT_TRUE(b_.Send("kept").ok());
  RunTurns(*loop_);
  EXPECT_EQ(*RunUntilComplete(*loop_, Recv(a_, 100)), "kept");
}

TEST_F(SocketWatchTest, AWatchThatTheKernelRefusesIsAskedForAgain) {
  FaultInjection faults;
  faults.Fail("epoll_ctl", ENOSPC, 1);
  EXPECT_EQ(ErrnoFromStatus(RunUntilComplete(*loop_, Recv(a_, 10)).status()),
            ENOSPC);
  ReceiveAfterAWait("data");
}

}  // namespace
}  // namespace evkit
