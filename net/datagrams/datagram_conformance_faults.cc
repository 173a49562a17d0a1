// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Part of datagram_conformance.h: what becomes of errors.

#include <cerrno>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "evkit/base/errno_status.h"
#include "evkit/base/fault_injection.h"
#include "evkit/loop/testing/test_loop.h"
#include "evkit/net/datagrams/datagram_conformance.h"
#include "evkit/net/datagrams/datagram_testing.h"
#include "evkit/net/transport.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// DGRAM-12
TEST_P(DatagramConformanceTest, bug_H8_AnErrorOfReceivingEndsNothing) {
  MakeBound();
  RunUntilIdle();
  for (const int error : {ECONNREFUSED, EHOSTUNREACH, ENOMEM}) {
    SendFromPeer("next");
    FaultInjection faults;
    FailReceiving(faults, error);
    RunUntilIdle();
    EXPECT_EQ(ErrnoFromStatus(protocol_->errors.back()), error);
    EXPECT_EQ(protocol_->events.back(), "got next");
  }
  EXPECT_THAT(protocol_->errors, SizeIs(3));
  EXPECT_FALSE(transport_->IsClosing());
}

TEST_P(DatagramConformanceTest, NothingToReceiveAfterAllIsNoError) {
  MakeBound();
  RunUntilIdle();
  for (const int error : {EAGAIN, EINTR}) {
    SendFromPeer("next");
    FaultInjection faults;
    FailReceiving(faults, error);
    RunUntilIdle();
  }
  EXPECT_THAT(protocol_->events, ElementsAre("made", "got next", "got next"));
}

// DGRAM-09, DGRAM-14
TEST_P(DatagramConformanceTest, WhatIsNotTakenIsCopiedAndSentLaterInOrder) {
  for (const bool connected : {false, true}) {
    connected ? MakeConnected() : MakeBound();
    RunUntilIdle();
    FaultInjection faults;
    FailSending(faults, EAGAIN);
    std::string data = "one";
    ASSERT_TRUE(transport_->SendTo(data, *peer_.LocalAddress()).ok());
    data = "???";
    EXPECT_EQ(transport_->GetWriteBufferSize(), 3u + 8u);
    ASSERT_TRUE(transport_->SendTo("", *peer_.LocalAddress()).ok());
    EXPECT_EQ(transport_->GetWriteBufferSize(), 3u + 8u + 8u);
    ASSERT_TRUE(transport_->SendTo("three", *peer_.LocalAddress()).ok());
    EXPECT_THAT(ReceivedByPeer(), IsEmpty());
    ASSERT_TRUE(test_->FastForwardBy(absl::Seconds(1)).ok());
    EXPECT_EQ(transport_->GetWriteBufferSize(), 0u);
    EXPECT_THAT(ReceivedByPeer(), ElementsAre("one", "", "three"));
  }
  EXPECT_THAT(protocol_->errors, IsEmpty());
}

// DGRAM-12
TEST_P(DatagramConformanceTest, AnErrorOfSendingIsToldAtOnceAndEndsNothing) {
  MakeBound();
  RunUntilIdle();
  for (const int error : {ENOBUFS, EMSGSIZE, ECONNREFUSED, EPERM}) {
    FaultInjection faults;
    FailSending(faults, error);
    ASSERT_TRUE(transport_->SendTo("lost", *peer_.LocalAddress()).ok());
    ASSERT_FALSE(protocol_->errors.empty());
    EXPECT_EQ(ErrnoFromStatus(protocol_->errors.back()), error);
    EXPECT_THAT(std::string(protocol_->errors.back().message()),
                HasSubstr(peer_.LocalAddress()->ToString()));
    EXPECT_EQ(transport_->GetWriteBufferSize(), 0u);
    ASSERT_TRUE(transport_->SendTo("next", *peer_.LocalAddress()).ok());
  }
  EXPECT_THAT(protocol_->errors, SizeIs(4));
  EXPECT_THAT(ReceivedByPeer(), ElementsAre("next", "next", "next", "next"));
}

// DGRAM-15
TEST_P(DatagramConformanceTest, AnErrorOfAQueuedOneCostsItAndEndsTheTurn) {
  MakeConnected();
  RunUntilIdle();
  FaultInjection faults;
  FailSending(faults, EAGAIN);
  for (const char* const data : {"1", "2", "3"}) {
    ASSERT_TRUE(transport_->SendTo(data).ok());
  }
  faults.Clear();
  FailSending(faults, ENOBUFS);
  size_t left = 0;
  protocol_->on_event = [&](absl::string_view event) {
    if (event != "error") return;
    test_->loop().CallSoon([&] { left = transport_->GetWriteBufferSize(); });
  };
  RunUntilIdle();
  EXPECT_EQ(left, 2u * 9u);
  EXPECT_THAT(ReceivedByPeer(), ElementsAre("2", "3"));
  EXPECT_THAT(protocol_->events,
              ElementsAre("made", absl::StrCat("error ", ENOBUFS)));
}

TEST_P(DatagramConformanceTest, ErrorsOfAnswersReachTheProtocolAndCostOne) {
  MakeBound();
  RunUntilIdle();
  for (int i = 0; i < 3; ++i) SendFromPeer(absl::StrCat(i));
  protocol_->on_event = [&](absl::string_view event) {
    if (event != "got") return;
    ASSERT_TRUE(
        transport_->SendTo(protocol_->events.back(), *peer_.LocalAddress())
            .ok());
  };
  FaultInjection faults;
  FailSending(faults, ENOBUFS);
  RunUntilIdle();
  EXPECT_THAT(protocol_->errors, SizeIs(1));
  EXPECT_THAT(ReceivedByPeer(), ElementsAre("got 1", "got 2"));
}

}  // namespace
}  // namespace evkit
