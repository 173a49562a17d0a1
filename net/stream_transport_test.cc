// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// What is particular to sockets; what all stream transports have in common is
// in transport_conformance.h.

#include "evkit/net/stream_transport.h"

#include <fcntl.h>
#include <malloc.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "evkit/base/allocation_counter.h"
#include "evkit/base/fault_injection.h"
#include "evkit/base/unique_fd.h"
#include "evkit/loop/abstract_event_loop.h"
#include "evkit/loop/default_event_loop.h"
#include "evkit/loop/event_loop.h"
#include "evkit/loop/fatal_exception.h"
#include "evkit/loop/testing/test_loop.h"
#include "evkit/net/extra_info.h"
#include "evkit/net/protocol.h"
#include "evkit/net/socket.h"
#include "evkit/net/socket_address.h"
#include "evkit/net/socket_testing.h"
#include "evkit/net/transport.h"
#include "evkit/net/transport_conformance.h"
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

// --- The rules of all stream transports --------------------------------------

TransportPair MakePair(TestLoop& test, std::pair<Socket, Socket> sockets,
                       std::shared_ptr<Protocol> first,
                       std::shared_ptr<Protocol> second,
                       std::shared_ptr<void> world = nullptr) {
  return TransportPair(
      NewStreamTransport(test.loop(), std::move(sockets.first),
                         std::move(first)),
      NewStreamTransport(test.loop(), std::move(sockets.second),
                         std::move(second)),
      std::move(world));
}

TransportPair TcpTransports(TestLoop& test, std::shared_ptr<Protocol> first,
                            std::shared_ptr<Protocol> second) {
  return MakePair(test, TcpPair(), std::move(first), std::move(second));
}

TransportPair UnixTransports(TestLoop& test, std::shared_ptr<Protocol> first,
                             std::shared_ptr<Protocol> second) {
  return MakePair(test, *Socket::Pair(), std::move(first), std::move(second));
}

TransportPair FaultyTransports(TestLoop& test, std::shared_ptr<Protocol> first,
                               std::shared_ptr<Protocol> second) {
  std::pair<Socket, Socket> sockets = SmallUnixPair();
  return MakePair(test, std::move(sockets), std::move(first), std::move(second),
                  NewHarmlessFaults({"send", "sendmsg", "recv"}, test.seed()));
}

INSTANTIATE_TEST_SUITE_P(
    Sockets, TransportConformance,
    ::testing::Values(TransportPairFactory("Tcp", 4 << 20, TcpTransports),
                      TransportPairFactory("Unix", 2 << 20, UnixTransports),
                      TransportPairFactory("Faulty", 1 << 19,
                                           FaultyTransports)),
    TransportPairFactoryName);

// --- What is particular to sockets -------------------------------------------

class StreamTransportTest : public ::testing::Test {
 protected:
  void RunUntilIdle() { ASSERT_TRUE(test_.RunUntilIdle().ok()); }
  // For what a kernel takes a while to carry from one end to the other.
  void RunUntil(const std::function<bool()>& done) {
    for (int i = 0; i < 1'000'000 && !done(); ++i) RunUntilIdle();
    ASSERT_TRUE(done());
  }

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
  RunUntil([&] { return client_->received == "hello"; });
  EXPECT_EQ(server_->received, "hello");
  client->Close();
  EXPECT_TRUE(client->IsClosing());
  RunUntil([&] { return !client_->transport && !server_->transport; });
  EXPECT_THAT(client_->events, ElementsAre("made", "data", "lost"));
  EXPECT_THAT(server_->events, ElementsAre("made", "data", "eof", "lost"));
  EXPECT_EQ(client_->lost, absl::OkStatus());
  EXPECT_EQ(server_->lost, absl::OkStatus());
  EXPECT_EQ(client->GetProtocol(), nullptr);
  EXPECT_EQ(client->GetExtraInfo(kSocket)->fd(), -1);
}

// TR-23
TEST_F(StreamTransportTest, ItTellsOfItsSocketAndItsAddresses) {
  auto [a, b] = TcpPair();
  const SocketAddress local = *a.LocalAddress();
  const SocketAddress remote = *a.PeerAddress();
  const int fd = a.fd();
  const auto client = NewStreamTransport(test_.loop(), std::move(a), client_);
  RunUntilIdle();
  ASSERT_NE(client->GetExtraInfo(kSocket), nullptr);
  EXPECT_EQ(client->GetExtraInfo(kSocket)->fd(), fd);
  EXPECT_EQ(*client->GetExtraInfo(kSockname), local);
  EXPECT_EQ(*client->GetExtraInfo(kPeername), remote);
  EXPECT_EQ(client->GetExtraInfo(kPipe), nullptr);
  client->Abort();
  RunUntilIdle();
  EXPECT_EQ(*client->GetExtraInfo(kSockname), local);
  EXPECT_EQ(*client->GetExtraInfo(kPeername), remote);
  EXPECT_EQ(client->GetExtraInfo(kSocket)->fd(), -1);
}

// TR-23
TEST_F(StreamTransportTest, APeerThatIsGivenIsNotAskedFor) {
  auto [a, b] = TcpPair();
  FaultInjection faults;
  StreamTransportOptions options;
  options.peername = SocketAddress::LoopbackIPv4(1);
  const auto client = NewStreamTransport(test_.loop(), std::move(a), client_,
                                         std::move(options));
  EXPECT_EQ(faults.Count("getpeername"), 0);
  EXPECT_EQ(*client->GetExtraInfo(kPeername), SocketAddress::LoopbackIPv4(1));
}

// CONN-16
TEST_F(StreamTransportTest, TcpDoesNotWaitForMoreToSend) {
  auto [a, b] = TcpPair();
  const auto client = NewStreamTransport(test_.loop(), std::move(a), client_);
  EXPECT_EQ(*client->GetExtraInfo(kSocket)->GetOption(IPPROTO_TCP, TCP_NODELAY),
            1);
}

// CONN-02
TEST_F(StreamTransportTest, WhoMadeItHearsWhenItReadsAndWhenItIsGone) {
  auto [a, b] = TcpPair();
  StreamTransportOptions options;
  options.on_made = [this] { client_->events.push_back("on_made"); };
  options.on_lost = [this] {
    client_->events.push_back("on_lost");
    EXPECT_EQ(client_->lost, absl::OkStatus());
  };
  const auto client = NewStreamTransport(test_.loop(), std::move(a), client_,
                                         std::move(options));
  EXPECT_TRUE(b.Send("data").ok());
  RunUntil([&] { return client_->received == "data"; });
  client->Close();
  RunUntilIdle();
  EXPECT_THAT(client_->events,
              ElementsAre("made", "on_made", "data", "lost", "on_lost"));
}

// A peer that is gone raises no signal.
TEST_F(StreamTransportTest, bug_H13_WritingToAPeerThatIsGoneKillsNobody) {
  for (const bool tcp : {true, false}) {
    client_ = std::make_shared<Recorder>();
    auto [a, b] = tcp ? TcpPair() : *Socket::Pair();
    const auto client = NewStreamTransport(test_.loop(), std::move(a), client_);
    client->PauseReading();
    RunUntilIdle();
    b.Close();
    while (client_->transport != nullptr) {
      EXPECT_TRUE(client->Write("x").ok());
      EXPECT_TRUE(client->WriteLines({"y", "z"}).ok());
      RunUntilIdle();
    }
    EXPECT_FALSE(client_->lost.ok());
  }
}

// The numbers that docs/net.md states.
TEST_F(StreamTransportTest, ARequestTakesTwoCallsAtEachEndAndNoMemory) {
  auto [a, b] = TcpPair();
  server_->echoes = true;
  const auto client = NewStreamTransport(test_.loop(), std::move(a), client_);
  NewStreamTransport(test_.loop(), std::move(b), server_);
  const std::string request(64, 'x');
  const auto ask = [&] {
    client_->events.clear();
    client_->received.clear();
    server_->events.clear();
    server_->received.clear();
    EXPECT_TRUE(client->Write(request).ok());
    while (client_->received.size() < request.size()) RunUntilIdle();
  };
  for (int i = 0; i < 10; ++i) ask();
  FaultInjection faults;
  const int64_t before = AllocationCount();
  for (int i = 0; i < 100; ++i) ask();
  EXPECT_EQ(AllocationCount() - before, 0);
  EXPECT_EQ(faults.Count("send"), 200);
  EXPECT_EQ(faults.Count("recv"), 200);
  EXPECT_EQ(faults.Count("epoll_ctl"), 0);
  EXPECT_EQ(faults.Count("sendmsg"), 0);
}

// On a loop with a real selector.
TEST(StreamTransportCallsTest,
     AConnectionIsWatchedByOneCallAndForgottenByNone) {
  const std::unique_ptr<EventLoop> loop = *NewDefaultEventLoop();
  for (const auto end :
       {+[](Transport&, Socket&peer) { peer.Close(); },
        +[](Transport&, Socket&peer) {
          linger reset = {};
          reset.l_onoff = 1;
          setsockopt(peer.fd(), SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
          peer.Close();
        },
        +[](Transport&transport, Socket&) { transport.Close(); },
        +[](Transport&transport, Socket&) { transport.Abort(); }}) {
    auto [a, b] = TcpPair();
    FaultInjection faults;
    const auto protocol = std::make_shared<Recorder>();
    StreamTransportOptions options;
    options.peername = SocketAddress::LoopbackIPv4(1);
    options.on_made = [&, &peer = b] { end(*protocol->transport, peer); };
    options.on_lost = [&] { loop->Stop(); };
    NewStreamTransport(*loop, std::move(a), protocol, std::move(options));
    ASSERT_TRUE(loop->RunForever().ok());
    EXPECT_EQ(protocol->events.back(), "lost");
    EXPECT_EQ(faults.Count("epoll_ctl"), 1);
  }
}

// Somebody else may have what was adopted, too.
TEST(StreamTransportCallsTest, OneOfSeveralDescriptorsIsTakenOutOfTheSelector) {
  const std::unique_ptr<EventLoop> loop = *NewDefaultEventLoop();
  auto [a, b] = TcpPair();
  Socket adopted = *Socket::Adopt(UniqueFd(fcntl(a.fd(), F_DUPFD_CLOEXEC, 0)));
  FaultInjection faults;
  StreamTransportOptions options;
  options.on_lost = [&] { loop->Stop(); };
  const auto transport =
      NewStreamTransport(*loop, std::move(adopted),
                         std::make_shared<Recorder>(), std::move(options));
  loop->CallSoon([&] { transport->Close(); });
  ASSERT_TRUE(loop->RunForever().ok());
  EXPECT_EQ(faults.Count("epoll_ctl"), 2);
}

// TURN-18
TEST_F(StreamTransportTest, WhatWasQueuedWhenReadingStoppedIsReadWhenItGoesOn) {
  auto [a, b] = *Socket::Pair();
  Socket peer = std::move(a);
  const auto server = NewStreamTransport(test_.loop(), std::move(b), server_);
  RunUntilIdle();
  ASSERT_TRUE(peer.Send("hello").ok());
  // Runs in the turn that finds the socket readable.
  test_.loop().CallSoon([&] {
    server->PauseReading();
    server->ResumeReading();
  });
  RunUntilIdle();
  EXPECT_EQ(server_->received, "hello");
  // Once more, by the node again.
  server->PauseReading();
  server->ResumeReading();
  ASSERT_TRUE(peer.Send("again").ok());
  RunUntilIdle();
  EXPECT_EQ(server_->received, "helloagain");
  server->Abort();
  RunUntilIdle();
}

TEST_F(StreamTransportTest, OneThatIsLostWhileItsReaderIsQueuedLivesTillThen) {
  auto [a, b] = *Socket::Pair();
  Socket peer = std::move(a);
  std::weak_ptr<Transport> weak =
      NewStreamTransport(test_.loop(), std::move(b), server_);
  RunUntilIdle();
  ASSERT_TRUE(peer.Send("hello").ok());
  bool alive_after_loss = false;
  server_->transport->Abort();  // Its loss is queued before the reader.
  server_->transport.reset();
  test_.loop().CallSoon([&] { alive_after_loss = !weak.expired(); });
  RunUntilIdle();
  EXPECT_TRUE(alive_after_loss);
  EXPECT_TRUE(weak.expired());
  EXPECT_THAT(server_->events, ElementsAre("made", "lost"));
}

TEST_F(StreamTransportTest, ALoopThatIsClosedWithAReadyReaderFreesIt) {
  auto [a, b] = *Socket::Pair();
  Socket peer = std::move(a);
  const std::weak_ptr<Transport> weak =
      NewStreamTransport(test_.loop(), std::move(b), server_);
  RunUntilIdle();
  server_->transport.reset();
  ASSERT_TRUE(peer.Send("hello").ok());
  ASSERT_TRUE(test_.loop().Close().ok());
  EXPECT_TRUE(weak.expired());
  EXPECT_THAT(server_->events, ElementsAre("made"));
}

#if defined(__cpp_exceptions)

class Quit : public FatalException {};

TEST_F(StreamTransportTest, ALoopThatIsClosedWithAReaderQueuedFreesIt) {
  auto [a, b] = *Socket::Pair();
  Socket peer = std::move(a);
  const std::weak_ptr<Transport> weak =
      NewStreamTransport(test_.loop(), std::move(b), server_);
  RunUntilIdle();
  server_->transport.reset();
  ASSERT_TRUE(peer.Send("hello").ok());
  // The batch that it ends has the reader in it.
  test_.loop().CallSoon([] { throw Quit(); });
  EXPECT_THROW((void)test_.loop().RunForever(), Quit);
  EXPECT_FALSE(weak.expired());
  ASSERT_TRUE(test_.loop().Close().ok());
  EXPECT_TRUE(weak.expired());
  EXPECT_THAT(server_->events, ElementsAre("made"));
}

#endif  // defined(__cpp_exceptions)

// The numbers that docs/net.md states: of the heap, with the loop's callback
// for a reader, without its and the selector's tables of descriptors, which
// have grown before, and the protocol.
TEST_F(StreamTransportTest, AnIdleTransportIsOneAllocationOf192Bytes) {
  if (!CountsAllocations()) GTEST_SKIP();
  constexpr size_t kConnections = 100;
  size_t taken = 0;
  int64_t allocations = 0;
  // Once to have the loop take the memory that it keeps.
  for (int round = 0; round < 2; ++round) {
    std::vector<std::pair<Socket, Socket>> sockets;
    for (size_t i = 0; i < kConnections; ++i) {
      sockets.push_back(*Socket::Pair());
    }
    std::vector<std::shared_ptr<Transport>> transports;
    transports.reserve(kConnections);
    const size_t before = mallinfo2().uordblks;
    const int64_t allocations_before = AllocationCount();
    for (auto& [one, other] : sockets) {
      StreamTransportOptions options;
      options.peername = SocketAddress::LoopbackIPv4(1);
      transports.push_back(NewStreamTransport(test_.loop(), std::move(one),
                                              std::make_shared<Protocol>(),
                                              std::move(options)));
      transports.back()->PauseReading();  // The selector allocates.
    }
    RunUntilIdle();
    taken = (mallinfo2().uordblks - before) / kConnections;
    allocations = AllocationCount() - allocations_before;
    for (const auto& transport : transports) transport->Abort();
    RunUntilIdle();
  }
  constexpr size_t kProtocol = 32;
  EXPECT_LE(taken, 192u + kProtocol);
  EXPECT_GE(taken, 160u + kProtocol);
  // Its protocol is the other.
  EXPECT_EQ(allocations, 2 * static_cast<int64_t>(kConnections));
}

}  // namespace
}  // namespace evkit
