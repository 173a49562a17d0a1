// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// What is particular to sockets; what all stream transports have in common is
// in transport_conformance.h.

#include "evkit/net/stream_transport.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "evkit/base/fault_injection.h"
#include "evkit/loop/abstract_event_loop.h"
#include "evkit/loop/testing/test_loop.h"
#include "evkit/net/extra_info.h"
#include "evkit/net/protocol.h"
#include "evkit/net/socket.h"
#include "evkit/net/socket_address.h"
#include "evkit/net/transport.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class Recorder : public Protocol {
 public:
  void ConnectionMade(std::shared_ptr<Transport> made) override {
    events.push_back("made");
    transport = std::move(made);
  }
  void DataReceived(absl::string_view data) override {
    events.push_back("data");
    received.append(data);
    if (echoes) transport->Write(data).IgnoreError();
  }
  bool EofReceived() override {
    events.push_back("eof");
    return false;
  }
  void ConnectionLost(const absl::Status& status) override {
    events.push_back("lost");
    lost = status;
    transport.reset();
  }

  std::vector<std::string> events;
  std::string received;
  std::shared_ptr<Transport> transport;
  absl::Status lost = absl::UnknownError("not lost");
  bool echoes = false;
};

std::pair<Socket, Socket> TcpPair() {
  Socket listener = *Socket::Create(AF_INET, SOCK_STREAM);
  EXPECT_TRUE(listener.Bind(SocketAddress::LoopbackIPv4(0)).ok());
  EXPECT_TRUE(listener.Listen(1).ok());
  Socket client = *Socket::Create(AF_INET, SOCK_STREAM);
  EXPECT_TRUE(client.Connect(*listener.LocalAddress()).ok());
  Socket server = std::move((*listener.Accept())->first);
  return std::pair(std::move(client), std::move(server));
}

class StreamTransportTest : public ::testing::Test {
 protected:
  void RunUntilIdle() { ASSERT_TRUE(test_.RunUntilIdle().ok()); }

  TestLoop test_;
  std::shared_ptr<Recorder> client_ = std::make_shared<Recorder>();
  std::shared_ptr<Recorder> server_ = std::make_shared<Recorder>();
};

TEST_F(StreamTransportTest, BytesGoToThePeerAndBack) {
  auto [a, b] = TcpPair();
  server_->echoes = true;
  const auto client = NewStreamTransport(test_.loop(), std::move(a), client_);
  const auto server = NewStreamTransport(test_.loop(), std::move(b), server_);
  EXPECT_THAT(client_->events, IsEmpty());
  RunUntilIdle();
  EXPECT_EQ(client_->transport, client);
  EXPECT_TRUE(client->Write("hello").ok());
  RunUntilIdle();
  EXPECT_EQ(server_->received, "hello");
  EXPECT_EQ(client_->received, "hello");
  client->Close();
  EXPECT_TRUE(client->IsClosing());
  RunUntilIdle();
  EXPECT_THAT(client_->events, ElementsAre("made", "data", "lost"));
  EXPECT_THAT(server_->events, ElementsAre("made", "data", "eof", "lost"));
  EXPECT_EQ(client_->lost, absl::OkStatus());
  EXPECT_EQ(server_->lost, absl::OkStatus());
  EXPECT_EQ(client->GetProtocol(), nullptr);
  EXPECT_EQ(client->GetExtraInfo(kSocket)->fd(), -1);
}

}  // namespace
}  // namespace evkit
