// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/sockets/sock_connect.h"

#include <cerrno>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "evkit/base/errno_status.h"
#include "evkit/base/fault_injection.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/loop/coro/or_return.h"
#include "evkit/loop/coro/run_until_complete.h"
#include "evkit/loop/coro/task.h"
#include "evkit/loop/testing/test_loop.h"
#include "evkit/net/dns/fake_resolver.h"
#include "evkit/net/dns/loop_resolver.h"
#include "evkit/net/socket.h"
#include "evkit/net/socket_address.h"
#include "evkit/net/sockets/sock_accept.h"
#include "evkit/net/sockets/sock_connect_by_name.h"
#include "evkit/net/sockets/sock_recv.h"
#include "evkit/net/sockets/sock_send.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Coro<void> Connect(Socket& socket, SocketAddress address) {
  co_return co_await SockConnect(socket, address);
}

class SockConnectTest : public ::testing::Test {
 protected:
  SockConnectTest()
      : socket_(*Socket::Create(AF_INET, SOCK_STREAM)),
        listening_(*Socket::Create(AF_INET, SOCK_STREAM)) {
    EXPECT_TRUE(listening_.Bind(SocketAddress::LoopbackIPv4(0)).ok());
    SetResolver(test_.loop(), names_);
  }

  absl::Status Run(Coro<void> coro) {
    return RunUntilComplete(test_.loop(), std::move(coro));
  }
  SocketAddress address() { return *listening_.LocalAddress(); }
  void Listen() { ASSERT_TRUE(listening_.Listen(8).ok()); }

  TestLoop test_;
  std::shared_ptr<FakeResolver> names_ =
      std::make_shared<FakeResolver>(test_.loop());
  Socket socket_;
  Socket listening_;
};

// SOCK-12
TEST_F(SockConnectTest, WaitsUntilItIsConnected) {
  Listen();
  EXPECT_TRUE(Run(Connect(socket_, address())).ok());
  EXPECT_EQ(*socket_.PeerAddress(), address());
  EXPECT_FALSE(test_->RemoveWriter(socket_.fd()));
}

// SOCK-12
TEST_F(SockConnectTest, ARefusalNamesTheAddress) {
  const absl::Status status = Run(Connect(socket_, address()));
  EXPECT_EQ(ErrnoFromStatus(status), ECONNREFUSED);
  EXPECT_EQ(status.message(), "Connect call failed " + address().ToString() +
                                  ": Connection refused");
}

// SOCK-13
TEST_F(SockConnectTest, ARefusalAtOnceIsThatOfConnectItself) {
  Socket socket = *Socket::Create(AF_UNIX, SOCK_STREAM);
  const absl::Status status =
      Run(Connect(socket, *SocketAddress::Unix("/no/such/path")));
  EXPECT_EQ(ErrnoFromStatus(status), ENOENT);
  EXPECT_EQ(status.message(), "connect(fd=" + std::to_string(socket.fd()) +
                                  ", unix:/no/such/path): No such file or "
                                  "directory");
}

TEST_F(SockConnectTest, bug_H14_EveryEndOfConnectReachesTheCaller) {
  Listen();
  FaultInjection faults;
  for (const int error : {EALREADY, EISCONN, EAGAIN, EADDRNOTAVAIL}) {
    faults.Fail("connect", error, 1);
    EXPECT_EQ(ErrnoFromStatus(Run(Connect(socket_, address()))), error);
    EXPECT_FALSE(test_->RemoveWriter(socket_.fd()));
  }
  faults.Fail("getsockopt", ENOBUFS, 1);
  EXPECT_EQ(ErrnoFromStatus(Run(Connect(socket_, address()))), ENOBUFS);
}

Coro<std::string> ConnectAndExchange(Socket& socket, SocketAddress address,
                                     absl::string_view data) {
  co_await OrReturn(SockConnect(socket, address));
  co_await OrReturn(SockSendAll(socket, data));
  co_return co_await SockRecv(socket, 10);
}

Coro<size_t> AcceptAndCount(Socket& listening) {
  auto [socket, peer] = co_await OrReturn(SockAccept(listening));
  size_t count = 0;
  for (;;) {
    const std::string data = co_await OrReturn(SockRecv(socket, 65536));
    count += data.size();
    if (data.empty() || data.back() == '.') break;
  }
  co_await OrReturn(SockSendAll(socket, "done"));
  co_return count;
}

TEST_F(SockConnectTest, bug_H14_TheWriterAfterConnectingIsNotUndone) {
  Listen();
  const std::string data = std::string(5'000'000, 'x') + ".";
  const auto server = CreateTask(test_.loop(), AcceptAndCount(listening_));
  const auto client =
      CreateTask(test_.loop(), ConnectAndExchange(socket_, address(), data));
  ASSERT_TRUE(test_.RunUntilIdle().ok());
  ASSERT_TRUE(client.done());
  EXPECT_EQ(*client.Result(), "done");
  EXPECT_EQ(*server.Result(), data.size());
}

TEST_F(SockConnectTest, MessagesAreConnectedAtOnce) {
  Socket socket = *Socket::Create(AF_INET, SOCK_DGRAM);
  EXPECT_TRUE(Run(Connect(socket, address())).ok());
  EXPECT_EQ(*socket.PeerAddress(), address());
}

TEST_F(SockConnectTest, CancellingStopsWatching) {
  Listen();
  auto task = CreateTask(test_.loop(), Connect(socket_, address()));
  test_->CallSoon([&] { task.Cancel(); });
  ASSERT_TRUE(test_.RunUntilIdle().ok());
  EXPECT_TRUE(task.cancelled());
  EXPECT_FALSE(test_->RemoveWriter(socket_.fd()));
}

// SOCK-11
TEST_F(SockConnectTest, ANameIsResolvedAndItsFirstAddressTaken) {
  Listen();
  names_->Answer("server.test",
                 {SocketAddress::LoopbackIPv6(1), address(),
                  *SocketAddress::FromIp("192.0.2.1", 1)},
                 absl::Seconds(2));
  EXPECT_TRUE(Run(SockConnect(socket_, "server.test", address().port())).ok());
  EXPECT_EQ(*socket_.PeerAddress(), address());
  EXPECT_EQ(test_.elapsed(), absl::Seconds(2));
  EXPECT_THAT(names_->questions(), ElementsAre(HasSubstr("server.test")));
}

// SOCK-11
TEST_F(SockConnectTest, ANumberAsksNobody) {
  Listen();
  EXPECT_TRUE(Run(SockConnect(socket_, "127.0.0.1", address().port())).ok());
  EXPECT_THAT(names_->questions(), IsEmpty());
}

TEST_F(SockConnectTest, ANameThatNobodyKnowsIsTheResolversError) {
  EXPECT_EQ(Run(SockConnect(socket_, "no.test", 80)).code(),
            absl::StatusCode::kNotFound);
}

// SOCK-11: sockets of the Unix domain have no names to resolve.
TEST_F(SockConnectTest, OnlyInternetSocketsConnectToNames) {
  Socket socket = *Socket::Create(AF_UNIX, SOCK_STREAM);
  EXPECT_EQ(Run(SockConnect(socket, "server.test", 80)).code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(names_->questions(), IsEmpty());
}

}  // namespace
}  // namespace evkit
