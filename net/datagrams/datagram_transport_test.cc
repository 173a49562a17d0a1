// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// What concerns UDP alone, or sockets of the Unix domain, or the numbers of
// system calls. The rest is in datagram_conformance.cc.

#include "evkit/net/datagrams/datagram_transport.h"

#include <cerrno>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "evkit/base/errno_status.h"
#include "evkit/base/fault_injection.h"
#include "evkit/loop/default_event_loop.h"
#include "evkit/loop/testing/test_loop.h"
#include "evkit/net/datagrams/datagram_testing.h"
#include "evkit/net/socket.h"
#include "evkit/net/socket_address.h"
#include "evkit/net/transport.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class DatagramTransportTest : public ::testing::Test {
 protected:
  void Make(Socket socket, size_t batch = 1) {
    address_ = *socket.LocalAddress();
    DatagramTransportOptions options;
    options.batch = batch;
    transport_ = NewDatagramTransport(test_.loop(), std::move(socket),
                                      protocol_, std::move(options));
    RunUntilIdle();
  }
  void RunUntilIdle() { ASSERT_TRUE(test_.RunUntilIdle().ok()); }

  TestLoop test_;
  SocketAddress address_;
  std::shared_ptr<RecordingDatagramProtocol> protocol_ =
      std::make_shared<RecordingDatagramProtocol>();
  std::shared_ptr<DatagramTransport> transport_;
};

// The largest datagram of UDP over IPv4, and one byte more.
TEST_F(DatagramTransportTest, bug_H7_TheLargestDatagramPassesAndNoLargerOne) {
  for (const size_t batch : {1, 4}) {
    Socket peer = BoundDatagramSocket(AF_INET);
    Make(BoundDatagramSocket(AF_INET), batch);
    const std::string data(65'508, 'x');
    const absl::string_view largest = absl::string_view(data).substr(1);
    ASSERT_TRUE(transport_->SendTo(largest, *peer.LocalAddress()).ok());
    EXPECT_THAT(DrainDatagrams(peer), ElementsAre(largest));
    EXPECT_THAT(protocol_->errors, IsEmpty());
    ASSERT_TRUE(transport_->SendTo(data, *peer.LocalAddress()).ok());
    ASSERT_THAT(protocol_->errors, SizeIs(1));
    EXPECT_EQ(ErrnoFromStatus(protocol_->errors[0]), EMSGSIZE);

    ASSERT_TRUE(peer.SendTo(largest, address_).ok());
    RunUntilIdle();
    EXPECT_EQ(protocol_->events.back(), absl::StrCat("got ", largest));
    EXPECT_THAT(protocol_->errors, SizeIs(1));
    protocol_->errors.clear();
  }
}

// Nobody listens, somebody does, nobody does: over a real network, where the
// error comes back by ICMP and the next call gets it, be it to send or to
// receive. DGRAM-12
TEST_F(DatagramTransportTest, bug_H8_ARefusalIsAnErrorAndNotTheEnd) {
  for (const size_t batch : {1, 4}) {
    Socket peer = BoundDatagramSocket(AF_INET);
    const SocketAddress there = *peer.LocalAddress();
    peer.Close();
    Socket socket = BoundDatagramSocket(AF_INET);
    ASSERT_TRUE(socket.Connect(there).ok());
    Make(std::move(socket), batch);

    ASSERT_TRUE(transport_->SendTo("heard by receiving").ok());
    RunUntilIdle();
    ASSERT_THAT(protocol_->errors, SizeIs(1));
    EXPECT_EQ(ErrnoFromStatus(protocol_->errors[0]), ECONNREFUSED);

    ASSERT_TRUE(transport_->SendTo("refused").ok());
    ASSERT_TRUE(transport_->SendTo("heard by sending").ok());
    ASSERT_THAT(protocol_->errors, SizeIs(2));
    EXPECT_EQ(ErrnoFromStatus(protocol_->errors[1]), ECONNREFUSED);
    RunUntilIdle();

    peer = *Socket::Create(AF_INET, SOCK_DGRAM);
    ASSERT_TRUE(peer.Bind(there).ok());
    ASSERT_TRUE(transport_->SendTo("hello").ok());
    EXPECT_THAT(DrainDatagrams(peer), ElementsAre("hello"));
    ASSERT_TRUE(peer.SendTo("hello yourself", address_).ok());
    RunUntilIdle();
    EXPECT_EQ(protocol_->events.back(), "got hello yourself");
    EXPECT_FALSE(transport_->IsClosing());
    protocol_->errors.clear();
  }
}

TEST_F(DatagramTransportTest, AnUnconnectedSocketHearsOfNoRefusal) {
  Socket peer = BoundDatagramSocket(AF_INET);
  const SocketAddress there = *peer.LocalAddress();
  peer.Close();
  Make(BoundDatagramSocket(AF_INET));
  ASSERT_TRUE(transport_->SendTo("x", there).ok());
  RunUntilIdle();
  ASSERT_TRUE(transport_->SendTo("x", there).ok());
  EXPECT_THAT(protocol_->errors, IsEmpty());
}

TEST_F(DatagramTransportTest, AnAddressOfAnotherFamilyIsAnError) {
  Make(BoundDatagramSocket(AF_INET));
  ASSERT_TRUE(transport_->SendTo("x", SocketAddress::LoopbackIPv6(9)).ok());
  ASSERT_TRUE(transport_->SendTo("x", SocketAddress()).ok());
  EXPECT_THAT(protocol_->errors, SizeIs(2));
}

// --- Unix -------------------------------------------------------------------

TEST_F(DatagramTransportTest, ANamelessSenderHasNoAddress) {
  auto [here, there] = *Socket::Pair(SOCK_DGRAM);
  Make(std::move(here));
  ASSERT_TRUE(there.Send("hello").ok());
  RunUntilIdle();
  EXPECT_THAT(protocol_->events, ElementsAre("made", "got hello"));
  EXPECT_EQ(protocol_->senders[0].path(), "");
  ASSERT_TRUE(transport_->SendTo("back").ok());
  EXPECT_THAT(DrainDatagrams(there), ElementsAre("back"));
}

TEST_F(DatagramTransportTest, AUnixPeerWithoutRoomIsWaitedFor) {
  for (const size_t batch : {1, 4}) {
    Socket peer = BoundDatagramSocket(AF_UNIX);
    Socket socket = BoundDatagramSocket(AF_UNIX);
    ASSERT_TRUE(socket.Connect(*peer.LocalAddress()).ok());
    Make(std::move(socket), batch);
    std::vector<std::string> sent;
    while (transport_->GetWriteBufferSize() < 1000) {
      sent.push_back(absl::StrCat("datagram ", sent.size()));
      ASSERT_TRUE(transport_->SendTo(sent.back()).ok());
    }
    FaultInjection faults;
    RunUntilIdle();
    EXPECT_EQ(faults.Count("send") + faults.Count("sendmmsg"), 0);
    std::vector<std::string> received;
    while (received.size() < sent.size()) {
      const std::vector<std::string> some = DrainDatagrams(peer);
      ASSERT_FALSE(some.empty());
      received.insert(received.end(), some.begin(), some.end());
      RunUntilIdle();
    }
    EXPECT_EQ(received, sent);
    EXPECT_EQ(transport_->GetWriteBufferSize(), 0u);
  }
}

// Such a socket always counts as writable, so a loop that watched it would
// spin.
TEST_F(DatagramTransportTest, AnUnconnectedUnixSocketTriesNowAndThen) {
  Socket peer = BoundDatagramSocket(AF_UNIX);
  Make(BoundDatagramSocket(AF_UNIX));
  int sent = 0;
  while (transport_->GetWriteBufferSize() == 0) {
    ASSERT_TRUE(
        transport_->SendTo(absl::StrCat(sent++), *peer.LocalAddress()).ok());
  }
  FaultInjection faults;
  ASSERT_TRUE(test_.FastForwardBy(absl::Seconds(1)).ok());
  EXPECT_GE(faults.Count("sendto"), 50);
  EXPECT_LE(faults.Count("sendto"), 200);
  EXPECT_THAT(DrainDatagrams(peer), SizeIs(sent - 1));
  ASSERT_TRUE(test_.FastForwardBy(absl::Seconds(1)).ok());
  EXPECT_EQ(transport_->GetWriteBufferSize(), 0u);
  EXPECT_THAT(DrainDatagrams(peer), SizeIs(1));

  while (transport_->GetWriteBufferSize() == 0) {
    ASSERT_TRUE(transport_->SendTo("again", *peer.LocalAddress()).ok());
  }
  RunUntilIdle();
  transport_->Abort();
  ASSERT_TRUE(test_.RunUntilNothingIsLeft().ok());
  EXPECT_EQ(protocol_->events.back(), "lost OK");
}

TEST_F(DatagramTransportTest, AUnixPeerThatIsGoneIsAnError) {
  Socket peer = BoundDatagramSocket(AF_UNIX);
  Socket socket = BoundDatagramSocket(AF_UNIX);
  ASSERT_TRUE(socket.Connect(*peer.LocalAddress()).ok());
  Make(std::move(socket));
  peer.Close();
  ASSERT_TRUE(transport_->SendTo("x").ok());
  ASSERT_THAT(protocol_->errors, SizeIs(1));
  EXPECT_EQ(ErrnoFromStatus(protocol_->errors[0]), ECONNREFUSED);
  EXPECT_FALSE(transport_->IsClosing());
}

// --- System calls -----------------------------------------------------------

TEST_F(DatagramTransportTest, OneByOneThereIsACallForEachDatagramAndDirection) {
  Socket peer = BoundDatagramSocket(AF_INET);
  Make(BoundDatagramSocket(AF_INET));
  for (int i = 0; i < 32; ++i) ASSERT_TRUE(peer.SendTo("x", address_).ok());
  protocol_->on_event = [&](absl::string_view) {
    ASSERT_TRUE(transport_->SendTo("y", *peer.LocalAddress()).ok());
  };
  FaultInjection faults;
  RunUntilIdle();
  EXPECT_EQ(faults.Count("recvfrom"), 32);
  EXPECT_EQ(faults.Count("sendto"), 32);
  EXPECT_THAT(DrainDatagrams(peer), SizeIs(32));
}

TEST_F(DatagramTransportTest, ABatchIsOneCallForEachDirection) {
  Socket peer = BoundDatagramSocket(AF_INET);
  Make(BoundDatagramSocket(AF_INET), 16);
  for (int i = 0; i < 32; ++i) ASSERT_TRUE(peer.SendTo("x", address_).ok());
  protocol_->on_event = [&](absl::string_view) {
    ASSERT_TRUE(transport_->SendTo("y", *peer.LocalAddress()).ok());
  };
  FaultInjection faults;
  RunUntilIdle();
  EXPECT_EQ(faults.Count("recvmmsg"), 2);
  EXPECT_EQ(faults.Count("sendmmsg"), 2);
  EXPECT_EQ(faults.Count("sendto"), 0);
  EXPECT_THAT(DrainDatagrams(peer), SizeIs(32));
}

// What is held back is bounded: what is sent at last is no burst that nobody
// asked to pause.
TEST_F(DatagramTransportTest, WhatIsHeldBackIsSentBeforeItPauses) {
  Socket peer = BoundDatagramSocket(AF_INET);
  Make(BoundDatagramSocket(AF_INET), 16);
  ASSERT_TRUE(peer.SendTo("x", address_).ok());
  const std::string large(30'000, 'y');
  protocol_->on_event = [&](absl::string_view event) {
    if (event != "got") return;
    for (int i = 0; i < 4; ++i) {
      ASSERT_TRUE(transport_->SendTo(large, *peer.LocalAddress()).ok());
    }
  };
  RunUntilIdle();
  EXPECT_THAT(protocol_->events, ElementsAre("made", "got x"));
  EXPECT_THAT(DrainDatagrams(peer), SizeIs(4));
}

TEST_F(DatagramTransportTest, AKernelThatDoesNotWatchItEndsIt) {
  const std::unique_ptr<EventLoop> loop = *NewDefaultEventLoop();
  FaultInjection faults;
  transport_ = NewDatagramTransport(*loop, BoundDatagramSocket(AF_INET),
                                    protocol_, DatagramTransportOptions());
  faults.Fail("epoll_ctl", ENOMEM);
  for (int turn = 0; turn < 3; ++turn) {
    loop->Stop();
    ASSERT_TRUE(loop->RunForever().ok());
  }
  ASSERT_THAT(protocol_->events, SizeIs(2));
  EXPECT_EQ(protocol_->events[0], "made");
  EXPECT_THAT(protocol_->events[1],
              ::testing::HasSubstr("Cannot allocate memory"));
}

}  // namespace
}  // namespace evkit
