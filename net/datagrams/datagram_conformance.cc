// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/datagrams/datagram_conformance.h"

#include <cerrno>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "evkit/base/fault_injection.h"
#include "evkit/loop/fatal_exception.h"
#include "evkit/loop/testing/test_loop.h"
#include "evkit/net/datagrams/datagram_testing.h"
#include "evkit/net/datagrams/datagram_transport.h"
#include "evkit/net/extra_info.h"
#include "evkit/net/protocol.h"
#include "evkit/net/socket.h"
#include "evkit/net/socket_address.h"
#include "evkit/net/transport.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

// --- The means --------------------------------------------------------------

void DatagramConformanceTest::SetUp() {
  const int family = GetParam().family;
  if (family == AF_INET6) {
    Socket probe = *Socket::Create(family, SOCK_DGRAM);
    if (!probe.Bind(SocketAddress::LoopbackIPv6(0)).ok()) {
      GTEST_SKIP() << "no IPv6 here";
    }
  }
  peer_ = BoundDatagramSocket(family);
}

void DatagramConformanceTest::Make(Socket socket,
                                   DatagramTransportOptions options) {
  address_ = *socket.LocalAddress();
  options.batch = GetParam().batch;
  transport_ = GetParam().make(test_->loop(), std::move(socket), protocol_,
                               std::move(options));
}

void DatagramConformanceTest::MakeBound(DatagramTransportOptions options) {
  Make(BoundDatagramSocket(GetParam().family), std::move(options));
}

void DatagramConformanceTest::MakeConnected(DatagramTransportOptions options) {
  Socket socket = BoundDatagramSocket(GetParam().family);
  ASSERT_TRUE(socket.Connect(*peer_.LocalAddress()).ok());
  Make(std::move(socket), std::move(options));
}

void DatagramConformanceTest::SendFromPeer(absl::string_view data) {
  const IoResult sent = peer_.SendTo(data, address_);
  ASSERT_TRUE(sent.ok()) << sent.ToStatus("sendto");
}

void DatagramConformanceTest::FailSending(FaultInjection& faults, int error,
                                          int nth, int times) {
  for (const char* const call : {"send", "sendto", "sendmmsg"}) {
    faults.Fail(call, error, nth, times);
  }
}

void DatagramConformanceTest::FailReceiving(FaultInjection& faults, int error) {
  for (const char* const call : {"recvfrom", "recvmmsg"}) {
    faults.Fail(call, error, 1);
  }
}

// --- The beginning ----------------------------------------------------------

// DGRAM-01
TEST_P(DatagramConformanceTest, FirstItIsMadeThenOnMadeThenDatagramsCome) {
  DatagramTransportOptions options;
  options.on_made = [this] { protocol_->events.push_back("on_made"); };
  MakeBound(std::move(options));
  SendFromPeer("early");
  EXPECT_THAT(protocol_->events, IsEmpty());
  RunUntilIdle();
  EXPECT_THAT(protocol_->events, ElementsAre("made", "on_made", "got early"));
  EXPECT_EQ(protocol_->transport, transport_);
  EXPECT_EQ(transport_->GetProtocol(), protocol_);
  EXPECT_EQ(&transport_->loop(), &test_->loop());
}

TEST_P(DatagramConformanceTest, ItTellsItsAddressesAndItsSocket) {
  MakeConnected();
  EXPECT_EQ(*transport_->GetExtraInfo(kSockname), address_);
  EXPECT_EQ(*transport_->GetExtraInfo(kPeername), *peer_.LocalAddress());
  EXPECT_EQ(transport_->GetExtraInfo(kSocket)->type(), SOCK_DGRAM);
  EXPECT_EQ(transport_->GetExtraInfo(kPipe), nullptr);

  MakeBound();
  EXPECT_EQ(*transport_->GetExtraInfo(kSockname), address_);
  EXPECT_EQ(transport_->GetExtraInfo(kPeername), nullptr);
}

TEST_P(DatagramConformanceTest, OnAClosedLoopItIsClosedFromTheStart) {
  ASSERT_TRUE(test_->loop().Close().ok());
  MakeBound();
  EXPECT_TRUE(transport_->IsClosing());
  EXPECT_EQ(transport_->GetExtraInfo(kSocket)->fd(), -1);
  EXPECT_TRUE(transport_->SendTo("x", *peer_.LocalAddress()).ok());
  transport_->Close();
  transport_->Abort();
  EXPECT_THAT(protocol_->events, IsEmpty());
  EXPECT_EQ(protocol_.use_count(), 1);
}

// --- Receiving --------------------------------------------------------------

TEST_P(DatagramConformanceTest, DatagramsComeWholeInOrderWithTheirSender) {
  MakeBound();
  Socket other = BoundDatagramSocket(GetParam().family);
  SendFromPeer("one");
  ASSERT_TRUE(other.SendTo("two", address_).ok());
  SendFromPeer(std::string(1400, 'x'));
  RunUntilIdle();
  EXPECT_THAT(protocol_->events,
              ElementsAre("made", "got one", "got two",
                          absl::StrCat("got ", std::string(1400, 'x'))));
  EXPECT_THAT(protocol_->senders,
              ElementsAre(*peer_.LocalAddress(), *other.LocalAddress(),
                          *peer_.LocalAddress()));
}

// DGRAM-13
TEST_P(DatagramConformanceTest, OneTurnReceivesNoMoreThanABatch) {
  MakeBound();
  RunUntilIdle();
  for (int i = 0; i < 5; ++i) SendFromPeer(absl::StrCat(i));
  std::vector<size_t> received_by_turn;
  protocol_->on_event = [&](absl::string_view) {
    test_->loop().CallSoon(
        [&] { received_by_turn.push_back(protocol_->senders.size()); });
  };
  RunUntilIdle();
  ASSERT_THAT(received_by_turn, SizeIs(5));
  EXPECT_EQ(received_by_turn.front(), std::min<size_t>(GetParam().batch, 5));
  EXPECT_EQ(received_by_turn.back(), 5u);
}

// DGRAM-11
TEST_P(DatagramConformanceTest, bug_H6_EmptyDatagramsAreSentAndReceived) {
  MakeBound();
  RunUntilIdle();
  SendFromPeer("");
  SendFromPeer("");
  RunUntilIdle();
  EXPECT_THAT(protocol_->events, ElementsAre("made", "got ", "got "));
  ASSERT_TRUE(transport_->SendTo("", *peer_.LocalAddress()).ok());
  EXPECT_THAT(ReceivedByPeer(), ElementsAre(""));
}

TEST_P(DatagramConformanceTest, bug_H7_WhatIsCutIsReportedAndNotDelivered) {
  DatagramTransportOptions options;
  options.max_datagram_size = 10;
  MakeBound(std::move(options));
  SendFromPeer("0123456789");
  SendFromPeer("0123456789A");
  SendFromPeer("last");
  RunUntilIdle();
  EXPECT_THAT(protocol_->events,
              ElementsAre("made", "got 0123456789",
                          absl::StrCat("error ", EMSGSIZE), "got last"));
  ASSERT_THAT(protocol_->errors, SizeIs(1));
  EXPECT_THAT(
      std::string(protocol_->errors[0].message()),
      HasSubstr(absl::StrCat("11 bytes from ", peer_.LocalAddress()->ToString(),
                             ", room for 10")));
}

// --- Sending ----------------------------------------------------------------

// DGRAM-09
TEST_P(DatagramConformanceTest, ItSendsAtOnce) {
  MakeBound();
  ASSERT_TRUE(transport_->SendTo("now", *peer_.LocalAddress()).ok());
  EXPECT_THAT(ReceivedByPeer(), ElementsAre("now"));
  MakeConnected();
  ASSERT_TRUE(transport_->SendTo("now").ok());
  ASSERT_TRUE(transport_->SendTo("too", *peer_.LocalAddress()).ok());
  EXPECT_THAT(ReceivedByPeer(), ElementsAre("now", "too"));
}

// DGRAM-10
TEST_P(DatagramConformanceTest, OnlyTheRemoteAddressIsSentTo) {
  const Socket other = BoundDatagramSocket(GetParam().family);
  DatagramTransportOptions options;
  options.remote_address = *peer_.LocalAddress();
  MakeBound(std::move(options));
  EXPECT_EQ(transport_->SendTo("x", *other.LocalAddress()).code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(transport_->SendTo("1").ok());
  EXPECT_TRUE(transport_->SendTo("2", *peer_.LocalAddress()).ok());
  MakeConnected();
  EXPECT_EQ(transport_->SendTo("x", *other.LocalAddress()).code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(transport_->SendTo("3").ok());
  MakeBound();
  EXPECT_EQ(transport_->SendTo("x").code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(ReceivedByPeer(), ElementsAre("1", "2", "3"));
}

TEST_P(DatagramConformanceTest, WhatIsSentWhileDatagramsComeGoesOutInOrder) {
  MakeBound();
  RunUntilIdle();
  for (int i = 0; i < 5; ++i) SendFromPeer(absl::StrCat(i));
  int number = 0;
  protocol_->on_event = [&](absl::string_view event) {
    if (event != "got") return;
    for (int i = 0; i < 2; ++i) {
      ASSERT_TRUE(
          transport_
              ->SendTo(absl::StrCat("answer ", number++), *peer_.LocalAddress())
              .ok());
    }
    if (peer_.family() == AF_UNIX) return;  // Whose queue is short.
    test_->loop().CallSoon(
        [&] { EXPECT_EQ(transport_->GetWriteBufferSize(), 0u); });
  };
  std::vector<std::string> expected;
  for (int i = 0; i < 10; ++i) expected.push_back(absl::StrCat("answer ", i));
  ASSERT_TRUE(test_->FastForwardBy(absl::Seconds(1)).ok());
  EXPECT_EQ(ReceivedByPeer(), expected);
}

// --- Flow control -----------------------------------------------------------

TEST_P(DatagramConformanceTest, ItPausesAboveTheHighMarkAndResumesAtTheLow) {
  MakeConnected();
  RunUntilIdle();
  ASSERT_TRUE(transport_->SetWriteBufferLimits(30, 10).ok());
  EXPECT_EQ(transport_->GetWriteBufferLimits().high, 30u);
  EXPECT_EQ(transport_->SetWriteBufferLimits(1, 2).code(),
            absl::StatusCode::kInvalidArgument);
  FaultInjection faults;
  FailSending(faults, EAGAIN);
  ASSERT_TRUE(transport_->SendTo("1234567").ok());
  ASSERT_TRUE(transport_->SendTo("1234567").ok());
  EXPECT_THAT(TakeEvents(), ElementsAre("made"));
  ASSERT_TRUE(transport_->SendTo("").ok());
  EXPECT_THAT(TakeEvents(), ElementsAre("pause"));
  ASSERT_TRUE(transport_->SendTo("").ok());
  EXPECT_THAT(TakeEvents(), IsEmpty());
  RunUntilIdle();
  EXPECT_THAT(TakeEvents(), ElementsAre("resume"));
  EXPECT_THAT(ReceivedByPeer(), ElementsAre("1234567", "1234567", "", ""));
}

// DGRAM-14
TEST_P(DatagramConformanceTest, bug_H6_AFloodOfEmptyOnesIsPausedToo) {
  MakeConnected();
  RunUntilIdle();
  FaultInjection faults;
  FailSending(faults, EAGAIN, 1, 1'000'000);
  const size_t most = 65536 / 8;
  for (size_t i = 0; i < most; ++i) ASSERT_TRUE(transport_->SendTo("").ok());
  EXPECT_THAT(protocol_->events, ElementsAre("made"));
  ASSERT_TRUE(transport_->SendTo("").ok());
  EXPECT_THAT(protocol_->events, ElementsAre("made", "pause"));
  transport_->Abort();
  RunUntilIdle();
  EXPECT_THAT(protocol_->events, ElementsAre("made", "pause", "lost OK"));
}

// --- The end ----------------------------------------------------------------

// DGRAM-16
TEST_P(DatagramConformanceTest, CloseSendsWhatWaitsAndThenIsTheEnd) {
  DatagramTransportOptions options;
  options.on_lost = [this] { protocol_->events.push_back("on_lost"); };
  MakeConnected(std::move(options));
  RunUntilIdle();
  SendFromPeer("too late");
  FaultInjection faults;
  FailSending(faults, EAGAIN);
  ASSERT_TRUE(transport_->SendTo("1").ok());
  transport_->Close();
  EXPECT_TRUE(transport_->IsClosing());
  ASSERT_TRUE(transport_->SendTo("2").ok());
  RunUntilIdle();
  EXPECT_THAT(protocol_->events, ElementsAre("made", "lost OK", "on_lost"));
  EXPECT_THAT(ReceivedByPeer(), ElementsAre("1", "2"));
  EXPECT_EQ(transport_->GetProtocol(), nullptr);
  EXPECT_EQ(transport_->GetExtraInfo(kSocket)->fd(), -1);
}

// DGRAM-16
TEST_P(DatagramConformanceTest, AfterTheEndSendsAreIgnored) {
  for (const bool connected : {false, true}) {
    connected ? MakeConnected() : MakeBound();
    RunUntilIdle();
    transport_->Close();
    for (int i = 0; i < 10; ++i) {
      EXPECT_TRUE(transport_->SendTo("x", *peer_.LocalAddress()).ok());
    }
    RunUntilIdle();
    EXPECT_TRUE(transport_->SendTo("x", *peer_.LocalAddress()).ok());
    transport_->Close();
    transport_->Abort();
    RunUntilIdle();
    EXPECT_THAT(ReceivedByPeer(), IsEmpty());
    EXPECT_THAT(TakeEvents(), ElementsAre("made", "lost OK"));
  }
}

// DGRAM-16
TEST_P(DatagramConformanceTest, AbortDropsWhatWaits) {
  MakeConnected();
  RunUntilIdle();
  FaultInjection faults;
  FailSending(faults, EAGAIN);
  ASSERT_TRUE(transport_->SendTo("1").ok());
  transport_->Close();
  transport_->Abort();
  EXPECT_EQ(transport_->GetWriteBufferSize(), 0u);
  EXPECT_THAT(protocol_->events, ElementsAre("made"));
  RunUntilIdle();
  EXPECT_THAT(protocol_->events, ElementsAre("made", "lost OK"));
  EXPECT_THAT(ReceivedByPeer(), IsEmpty());
}

TEST_P(DatagramConformanceTest, ItMayBeEndedFromAnyCallback) {
  for (const char* const when : {"made", "got", "error", "pause", "resume"}) {
    for (const bool abort : {false, true}) {
      SCOPED_TRACE(absl::StrCat(when, abort ? " Abort" : " Close"));
      protocol_ = std::make_shared<RecordingDatagramProtocol>();
      protocol_->on_event = [&](absl::string_view event) {
        if (event != when) return;
        const std::shared_ptr<DatagramTransport> transport =
            protocol_->transport;
        abort ? transport->Abort() : transport->Close();
      };
      DatagramTransportOptions options;
      options.max_datagram_size = 10;
      MakeConnected(std::move(options));
      if (when != absl::string_view("made")) RunUntilIdle();
      ASSERT_TRUE(transport_->SetWriteBufferLimits(8).ok());
      FaultInjection faults;
      FailSending(faults, EAGAIN);
      ASSERT_TRUE(transport_->SendTo("written").ok());
      faults.Clear();
      SendFromPeer("first");
      SendFromPeer("more than fits");
      SendFromPeer("second");
      transport_.reset();
      ASSERT_TRUE(test_->FastForwardBy(absl::Seconds(1)).ok());
      EXPECT_EQ(protocol_->events.back(), "lost OK");
      EXPECT_EQ(protocol_->transport, nullptr);
      const std::vector<std::string> sent = ReceivedByPeer();
      if (!abort) {
        EXPECT_THAT(sent, ElementsAre("written"));
      }
      EXPECT_EQ(protocol_.use_count(), 1);
    }
  }
}

TEST_P(DatagramConformanceTest, WhoEndsItWhileDatagramsComeStillSendsAnswers) {
  MakeBound();
  RunUntilIdle();
  SendFromPeer("1");
  SendFromPeer("2");
  protocol_->on_event = [&](absl::string_view event) {
    if (event != "got") return;
    ASSERT_TRUE(transport_->SendTo("bye", *peer_.LocalAddress()).ok());
    transport_->Close();
  };
  RunUntilIdle();
  EXPECT_THAT(protocol_->events, ElementsAre("made", "got 1", "lost OK"));
  EXPECT_THAT(ReceivedByPeer(), ElementsAre("bye"));
}

TEST_P(DatagramConformanceTest, ItLivesWithoutAnybodyHoldingIt) {
  MakeBound();
  transport_.reset();
  RunUntilIdle();
  protocol_->transport.reset();
  SendFromPeer("still there");
  RunUntilIdle();
  EXPECT_EQ(protocol_->events.back(), "got still there");
}

TEST_P(DatagramConformanceTest, ClosingTheLoopClosesItAndTellsNobody) {
  for (const bool run : {false, true}) {
    test_ = std::make_unique<TestLoop>();
    DatagramTransportOptions options;
    const auto token = std::make_shared<int>(0);
    options.on_lost = [token] {};
    MakeConnected(std::move(options));
    if (run) RunUntilIdle();
    FaultInjection faults;
    FailSending(faults, EAGAIN);
    ASSERT_TRUE(transport_->SendTo("waits").ok());
    TakeEvents();
    ASSERT_TRUE(test_->loop().Close().ok());
    EXPECT_THAT(protocol_->events, IsEmpty());
    EXPECT_TRUE(transport_->IsClosing());
    EXPECT_EQ(transport_->GetExtraInfo(kSocket)->fd(), -1);
    EXPECT_EQ(transport_->GetProtocol(), nullptr);
    EXPECT_EQ(token.use_count(), 1);
    test_.reset();
    EXPECT_TRUE(transport_->SendTo("x").ok());
    transport_->Close();
    protocol_->transport.reset();
    EXPECT_EQ(transport_.use_count(), 1);
  }
}

TEST_P(DatagramConformanceTest, ATransportThatDiesWithItsLoopIsNotALeak) {
  MakeBound();
  RunUntilIdle();
  transport_.reset();
  protocol_.reset();
  test_.reset();
}

// --- Exceptions -------------------------------------------------------------

#if defined(__cpp_exceptions)

// DGRAM-12
TEST_P(DatagramConformanceTest, WhatAProtocolThrowsIsReportedAndEndsNothing) {
  protocol_->on_event = [&](absl::string_view event) {
    throw std::runtime_error(absl::StrCat("thrown in ", event));
  };
  DatagramTransportOptions options;
  options.max_datagram_size = 10;
  MakeConnected(std::move(options));
  SendFromPeer("1");
  SendFromPeer("more than fits");
  SendFromPeer("2");
  RunUntilIdle();
  ASSERT_TRUE(transport_->SetWriteBufferLimits(8).ok());
  FaultInjection faults;
  FailSending(faults, EAGAIN);
  ASSERT_TRUE(transport_->SendTo("x").ok());
  RunUntilIdle();
  transport_->Close();
  RunUntilIdle();
  EXPECT_THAT(protocol_->events,
              ElementsAre("made", "got 1", absl::StrCat("error ", EMSGSIZE),
                          "got 2", "pause", "resume", "lost OK"));
  EXPECT_EQ(transport_->GetExtraInfo(kSocket)->fd(), -1);
  const std::vector<std::string>& log = test_->log();
  ASSERT_THAT(log, SizeIs(7));
  EXPECT_THAT(log[0], StartsWith("protocol.connection_made() failed"));
  EXPECT_THAT(log[1], StartsWith("protocol.datagram_received() failed"));
  EXPECT_THAT(log[2], StartsWith("protocol.error_received() failed"));
  EXPECT_THAT(log[3], StartsWith("protocol.datagram_received() failed"));
  EXPECT_THAT(log[4], StartsWith("protocol.pause_writing() failed"));
  EXPECT_THAT(log[5], StartsWith("protocol.resume_writing() failed"));
  EXPECT_THAT(log[6], StartsWith("protocol.connection_lost() failed"));
  EXPECT_THAT(log[1], HasSubstr("thrown in got"));
  EXPECT_THAT(log[1], HasSubstr("DatagramTransport"));
}

TEST_P(DatagramConformanceTest, AFatalExceptionPassesThroughAndNothingIsLost) {
  MakeBound();
  RunUntilIdle();
  SendFromPeer("1");
  protocol_->on_event = [&](absl::string_view event) {
    if (event != "got") return;
    ASSERT_TRUE(transport_->SendTo("answer", *peer_.LocalAddress()).ok());
    throw FatalException();
  };
  EXPECT_THROW((void)test_->RunUntilIdle(), FatalException);
  protocol_->on_event = nullptr;
  SendFromPeer("2");
  RunUntilIdle();
  EXPECT_THAT(protocol_->events, ElementsAre("made", "got 1", "got 2"));
  EXPECT_THAT(ReceivedByPeer(), ElementsAre("answer"));
}

#endif  // __cpp_exceptions

}  // namespace evkit
