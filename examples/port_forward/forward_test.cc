// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/examples/port_forward/forward.h"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/loop/coro/task.h"
#include "evkit/loop/testing/test_loop.h"
#include "evkit/net/connections/server.h"
#include "evkit/net/socket.h"
#include "evkit/net/socket_address.h"
#include "evkit/net/streams/start_server.h"
#include "evkit/net/streams/stream_reader.h"
#include "evkit/net/streams/stream_writer.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using ::testing::HasSubstr;

// A client, the forwarder, and the end that it connects to. Only the one in the
// middle is on the loop.
class ForwardTest : public ::testing::Test {
 protected:
  ForwardTest() {
    far_listener_ = *Socket::Create(AF_INET, SOCK_STREAM);
    EXPECT_TRUE(far_listener_.Bind(SocketAddress::LoopbackIPv4(0)).ok());
    EXPECT_TRUE(far_listener_.Listen(1).ok());
    const int port = far_listener_.LocalAddress()->port();
    auto forward = [this, port](StreamReader reader,
                                StreamWriter writer) -> Coro<void> {
      status_ = co_await Forward(std::move(reader), std::move(writer),
                                 "127.0.0.1", port);
      co_return absl::OkStatus();
    };
    const auto start = CreateTask(
        test_.loop(), StartServer(std::move(forward), "127.0.0.1", 0));
    RunUntilIdle();
    server_ = *start.Result();
  }

  void Connect() {
    near_ = *Socket::Create(AF_INET, SOCK_STREAM);
    ASSERT_TRUE(near_.Connect(*server_->Sockets()[0].LocalAddress()).ok());
    RunUntilIdle();
  }
  void ConnectBoth() {
    Connect();
    auto accepted = far_listener_.Accept();
    ASSERT_TRUE(accepted.ok() && accepted->has_value());
    far_ = std::move((*accepted)->first);
    RunUntilIdle();
  }
  void RunUntilIdle() { ASSERT_TRUE(test_.RunUntilIdle().ok()); }
  void Send(Socket& from, absl::string_view text) {
    ASSERT_TRUE(from.Send(text).ok());
    RunUntilIdle();
  }
  // Nothing if nothing came, "" if no more will.
  static std::optional<std::string> Received(Socket& socket) {
    char buffer[65536];
    const IoResult result = socket.Recv(buffer);
    if (!result.ok()) return std::nullopt;
    return std::string(buffer, result.bytes());
  }
  // Lets the loop run until there is something to receive; false if the kernel
  // has brought nothing in a long time.
  bool Await(Socket& socket) {
    pollfd readable = {socket.fd(), POLLIN, 0};
    for (int i = 0; i < 1000; ++i) {
      RunUntilIdle();
      if (poll(&readable, 1, /*timeout=*/10) > 0) return true;
    }
    return false;
  }
  // As much as the socket takes, and the loop makes room for.
  size_t SendAllItTakes(Socket& from) {
    const std::string much(1 << 20, 'x');
    size_t sent = 0;
    while (true) {
      const IoResult result = from.Send(much);
      if (!result.ok()) return sent;
      sent += result.bytes();
      RunUntilIdle();
    }
  }

  TestLoop test_;
  Socket far_listener_;
  std::shared_ptr<Server> server_;
  Socket near_;
  Socket far_;
  std::optional<absl::Status> status_;  // Once it has ended.
};

TEST_F(ForwardTest, WhatComesFromEitherSideGoesToTheOther) {
  ConnectBoth();
  Send(near_, "question");
  EXPECT_EQ(Received(far_), "question");
  Send(far_, "answer");
  EXPECT_EQ(Received(near_), "answer");
}

TEST_F(ForwardTest, WhatIsSentBeforeTheOtherSideIsThereIsNotLost) {
  Connect();
  ASSERT_TRUE(near_.Send("early").ok());
  RunUntilIdle();
  far_ = std::move((**far_listener_.Accept()).first);
  RunUntilIdle();
  EXPECT_EQ(Received(far_), "early");
}

TEST_F(ForwardTest, WhoIsDoneSendingMayGoOnReceiving) {
  ConnectBoth();
  Send(near_, "all I have");
  ASSERT_TRUE(near_.Shutdown(SHUT_WR).ok());
  RunUntilIdle();
  EXPECT_EQ(Received(far_), "all I have");
  EXPECT_EQ(Received(far_), "");
  Send(far_, "so much");
  EXPECT_EQ(Received(near_), "so much");
  EXPECT_FALSE(status_.has_value());

  far_.Close();
  RunUntilIdle();
  EXPECT_EQ(Received(near_), "");
  EXPECT_EQ(status_, absl::OkStatus());
  EXPECT_EQ(server_->client_count(), 0u);
}

TEST_F(ForwardTest, ASideThatDoesNotReadIsWaitedFor) {
  ConnectBoth();
  for (Socket* const socket : {&near_, &far_}) {
    ASSERT_TRUE(socket->SetOption(SOL_SOCKET, SO_RCVBUF, 65536).ok());
    ASSERT_TRUE(socket->SetOption(SOL_SOCKET, SO_SNDBUF, 65536).ok());
  }
  // The buffers of four sockets and two streams.
  const size_t sent = SendAllItTakes(near_);
  EXPECT_LT(sent, 32u << 20);
  // Which does not disturb the other direction.
  Send(far_, "hello");
  EXPECT_EQ(Received(near_), "hello");

  size_t received = 0;
  while (received < sent && Await(far_)) {
    const std::optional<std::string> data = Received(far_);
    ASSERT_TRUE(data.has_value() && !data->empty());
    received += data->size();
  }
  EXPECT_EQ(received, sent);
}

TEST_F(ForwardTest, IfOneSideBreaksTheOtherIsClosed) {
  ConnectBoth();
  const linger reset = {1, 0};
  ASSERT_EQ(setsockopt(far_.fd(), SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)),
            0);
  far_.Close();
  RunUntilIdle();
  EXPECT_EQ(Received(near_), "");
  ASSERT_TRUE(status_.has_value());
  EXPECT_THAT(status_->ToString(), HasSubstr("reset"));
  EXPECT_EQ(server_->client_count(), 0u);
}

TEST_F(ForwardTest, IfNobodyIsThereTheConnectionIsClosed) {
  far_listener_.Close();
  Connect();
  EXPECT_EQ(Received(near_), "");
  ASSERT_TRUE(status_.has_value());
  EXPECT_THAT(status_->ToString(), HasSubstr("Connect call failed"));
  EXPECT_EQ(server_->client_count(), 0u);
}

TEST_F(ForwardTest, ClosingTheClientsEndsIt) {
  ConnectBoth();
  server_->Close();
  server_->CloseClients();
  RunUntilIdle();
  EXPECT_EQ(Received(near_), "");
  EXPECT_EQ(Received(far_), "");
  far_.Close();
  RunUntilIdle();
  EXPECT_TRUE(status_.has_value());
}

}  // namespace
}  // namespace evkit
