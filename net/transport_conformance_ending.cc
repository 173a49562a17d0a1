// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Part of transport_conformance.h: beginning and ending.

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "evkit/base/errno_status.h"
#include "evkit/net/protocol.h"
#include "evkit/net/transport.h"
#include "evkit/net/transport_conformance.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using ::testing::AnyOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// TR-01, TR-02
TEST_P(TransportConformance, bug_D6_AProtocolHearsOfAConnectionInOrder) {
  if (!traits().first_writes) GTEST_SKIP() << "the first only reads";
  Connect();
  EXPECT_THAT(a_->events, IsEmpty());
  RunUntil([&] { return a_->transport && b_->transport; });
  EXPECT_EQ(a_->transport, pair_.first);
  EXPECT_EQ(b_->transport, pair_.second);
  EXPECT_TRUE(pair_.first->Write("hello").ok());
  RunUntil([&] { return b_->received == "hello"; });
  pair_.first->Close();
  RunUntil([&] { return !a_->transport && !b_->transport; });
  EXPECT_THAT(a_->events, ElementsAre("made", "lost"));
  EXPECT_THAT(b_->events, ElementsAre("made", "data", "eof", "lost"));
  EXPECT_EQ(a_->lost, absl::OkStatus());
  EXPECT_EQ(b_->lost, absl::OkStatus());
  Run();
  EXPECT_EQ(a_->events.size(), 2u);
  EXPECT_EQ(b_->events.size(), 4u);
}

// TR-03, TR-06, TLS-09
TEST_P(TransportConformance, CloseWithNothingToSendEndsTheConnectionLater) {
  ConnectAndRun();
  pair_.first->Close();
  EXPECT_THAT(a_->events, ElementsAre("made"));
  EXPECT_TRUE(pair_.first->IsClosing());
  EXPECT_FALSE(pair_.first->IsReading());
  EXPECT_NE(pair_.first->GetProtocol(), nullptr);
  pair_.first->Close();
  RunUntil([&] { return !a_->transport; });
  EXPECT_THAT(a_->events, ElementsAre("made", "lost"));
  EXPECT_EQ(a_->lost, absl::OkStatus());
  EXPECT_EQ(pair_.first->GetProtocol(), nullptr);
  pair_.first->Close();
  pair_.first->Abort();
  Run();
  EXPECT_EQ(a_->events.size(), 2u);
}

// TR-06
TEST_P(TransportConformance, bug_H11_CloseSendsAllThatWasWritten) {
  if (!traits().first_writes) GTEST_SKIP() << "the first only reads";
  ConnectAndRun();
  const std::string data = WriteInBulk();
  pair_.first->Close();
  EXPECT_THAT(a_->events, ElementsAre("made", "pause"));
  RunUntil([&] { return !a_->transport && !b_->transport; });
  EXPECT_EQ(a_->lost, absl::OkStatus());
  EXPECT_EQ(a_->events.back(), "lost");
  EXPECT_TRUE(b_->received == data);
}

// TR-06
TEST_P(TransportConformance, CloseStopsReadingAtOnce) {
  if (!goes_both_ways()) GTEST_SKIP() << "this is one way";
  ConnectAndRun();
  pair_.second->PauseReading();
  WriteInBulk();
  EXPECT_TRUE(pair_.second->Write("never read").ok());
  pair_.first->Close();
  Run();
  EXPECT_TRUE(a_->received.empty());
  EXPECT_TRUE(a_->transport);  // It still has bytes to send.
  pair_.second->ResumeReading();
  RunUntil([&] { return !a_->transport; });
  EXPECT_TRUE(a_->received.empty());
}

// TR-07, TLS-13, PIPE-10
TEST_P(TransportConformance,
       WhatIsWrittenAfterCloseStillGoesIfSomethingWaited) {
  if (!traits().first_writes) GTEST_SKIP() << "the first only reads";
  ConnectAndRun();
  pair_.second->PauseReading();
  std::string sent = FillUp();
  pair_.first->Close();
  EXPECT_TRUE(pair_.first->Write("more").ok());
  pair_.second->ResumeReading();
  RunUntil([&] { return !b_->transport; });
  if (traits().writes_while_closing) sent += "more";
  EXPECT_TRUE(b_->received == sent);
}

// TR-08, TLS-13, PIPE-10
TEST_P(TransportConformance, WhatIsWrittenAfterTheLossIsDropped) {
  if (!traits().first_writes) GTEST_SKIP() << "the first only reads";
  ConnectAndRun();
  pair_.first->Abort();
  for (int i = 0; i < 10; ++i) {
    EXPECT_TRUE(pair_.first->Write("dropped").ok());
  }
  const size_t warnings = traits().warning.empty() ? 0 : 1;
  ASSERT_THAT(test_.log(), SizeIs(warnings));
  if (warnings > 0) {
    EXPECT_THAT(test_.log()[0], HasSubstr(traits().warning));
  }
  RunUntil([&] { return !a_->transport && !b_->transport; });
  EXPECT_TRUE(pair_.first->Write("dropped").ok());
  EXPECT_TRUE(pair_.first->WriteLines({"dropped", "too"}).ok());
  EXPECT_EQ(pair_.first->WriteEof().ok(), pair_.first->CanWriteEof());
  Run();
  EXPECT_THAT(test_.log(), SizeIs(warnings));
  EXPECT_EQ(b_->received, "");
}

// TR-09, FLOW-09, TLS-17, PIPE-08
TEST_P(TransportConformance, bug_H11_AbortDoesNotWait) {
  if (!traits().first_writes) GTEST_SKIP() << "the first only reads";
  ConnectAndRun();
  pair_.second->PauseReading();
  FillUp();
  EXPECT_TRUE(pair_.first->Write(Pattern(traits().limits.high + 1)).ok());
  EXPECT_EQ(a_->events.back(), "pause");
  pair_.first->Abort();
  EXPECT_EQ(pair_.first->GetWriteBufferSize(), 0u);
  EXPECT_TRUE(pair_.first->IsClosing());
  EXPECT_EQ(a_->events.back(), "pause");
  pair_.first->Abort();
  pair_.first->Close();
  Run();
  EXPECT_THAT(a_->events, ElementsAre("made", "pause", "lost"));
  EXPECT_EQ(a_->lost, absl::OkStatus());
}

// TR-10, TR-11, TR-12, TLS-11, PIPE-06
TEST_P(TransportConformance, AResetIsALossWithItsErrorAndWithoutAnEnd) {
  if (!traits().first_writes) GTEST_SKIP() << "the first only reads";
  ConnectAndRun();
  pair_.second->PauseReading();
  EXPECT_TRUE(pair_.first->Write("nobody reads this").ok());
  RunUntilSent();
  pair_.second->Abort();
  RunUntil([&] { return !a_->transport; });
  if (!traits().resets) {
    EXPECT_EQ(a_->lost, absl::OkStatus());
  } else {
    EXPECT_THAT(a_->events, ElementsAre("made", "lost"));
    if (traits().layered) {  // The layer has read it, though not the protocol.
      EXPECT_EQ(a_->lost.code(), absl::StatusCode::kDataLoss) << a_->lost;
    } else {
      EXPECT_EQ(ErrnoFromStatus(a_->lost), ECONNRESET) << a_->lost;
    }
  }
  EXPECT_EQ(b_->lost, absl::OkStatus());
  EXPECT_THAT(test_.log(), IsEmpty());
}

// TR-10, TR-11
TEST_P(TransportConformance, bug_H12_AWriterThatNeverReadsHearsOfTheLoss) {
  if (!traits().first_writes) GTEST_SKIP() << "the first only reads";
  ConnectAndRun();
  pair_.first->PauseReading();
  pair_.second->PauseReading();
  EXPECT_TRUE(pair_.first->Write("nobody reads this").ok());
  RunUntilSent();
  pair_.second->Abort();
  RunUntil([&] { return !b_->transport; });
  // It writes in each turn and gives nothing else a chance.
  while (a_->transport) {
    for (int i = 0; i < 100; ++i) {
      EXPECT_TRUE(pair_.first->Write("x").ok());
      EXPECT_THAT(a_->events, ElementsAre("made"));
    }
    Run();
  }
  EXPECT_THAT(a_->events, ElementsAre("made", "lost"));
  if (a_->lost.ok()) {  // It was noticed before there was anything to write.
    EXPECT_FALSE(traits().resets);
  } else {
    EXPECT_THAT(ErrnoFromStatus(a_->lost), AnyOf(EPIPE, ECONNRESET));
    EXPECT_THAT(test_.log(),
                AnyOf(SizeIs(1), SizeIs(traits().layered ? 0 : 1)));
  }
}

// TR-12, PIPE-06
TEST_P(TransportConformance, bug_H10_WhatCameBeforeAResetIsDelivered) {
  if (!goes_both_ways()) GTEST_SKIP() << "this is one way";
  ConnectAndRun();
  pair_.first->PauseReading();
  pair_.second->PauseReading();
  const std::string data = Pattern(1'000);
  EXPECT_TRUE(pair_.second->Write(data).ok());
  EXPECT_TRUE(pair_.first->Write("nobody reads this").ok());
  RunUntilSent();
  Run();
  pair_.second->Abort();
  RunUntil([&] { return !b_->transport; });
  pair_.first->ResumeReading();
  RunUntil([&] { return !a_->transport; });
  // As much as the kernel still gives; what it gives is right.
  EXPECT_EQ(data.substr(0, a_->received.size()), a_->received);
  if (traits().resets) {
    EXPECT_THAT(a_->events, ElementsAre("made", "data", "lost"));
    EXPECT_FALSE(a_->lost.ok());
  } else {
    EXPECT_THAT(a_->events, ElementsAre("made", "data", "eof", "lost"));
    EXPECT_EQ(a_->lost, absl::OkStatus());
  }
}

TEST_P(TransportConformance, bug_H22_AFailureOfSendingDropsTheRestOnce) {
  if (!traits().first_writes) GTEST_SKIP() << "the first only reads";
  ConnectAndRun();
  pair_.first->PauseReading();
  pair_.second->PauseReading();
  FillUp();
  while (pair_.first->GetWriteBufferSize() <= traits().limits.high) {
    EXPECT_TRUE(pair_.first->Write(Pattern(10'000)).ok());
  }
  pair_.second->Abort();
  RunUntil([&] { return !a_->transport; });
  EXPECT_EQ(pair_.first->GetWriteBufferSize(), 0u);
  EXPECT_THAT(a_->events, ElementsAre("made", "pause", "lost"));
  EXPECT_FALSE(a_->lost.ok());
  EXPECT_TRUE(b_->received.empty());
}

// TR-16, TLS-11
TEST_P(TransportConformance, AtTheEndOfTheStreamFalseClosesAfterSending) {
  if (!goes_both_ways()) GTEST_SKIP() << "this is one way";
  ConnectAndRun();
  pair_.second->PauseReading();
  std::string sent = WriteInBulk();
  const auto answer = [&](const std::string& event) {
    if (event != "eof") return;
    EXPECT_TRUE(a_->transport->Write("answer").ok());
    sent += "answer";
  };
  a_->on_event = answer;
  EndSecond();
  RunUntil([&] { return pair_.first->IsClosing(); });
  if (traits().half_close) {
    EXPECT_TRUE(a_->transport);
    pair_.second->ResumeReading();
  } else {
    sent.clear();  // Who closes drops what still comes.
  }
  RunUntil([&] { return !a_->transport; });
  RunUntil([&] { return !b_->transport; });
  EXPECT_TRUE(b_->received == sent);
  EXPECT_EQ(a_->lost, absl::OkStatus());
  EXPECT_EQ(b_->lost, absl::OkStatus());
}

// TR-16, TLS-11
TEST_P(TransportConformance, bug_H9_AtTheEndOfTheStreamTrueKeepsItOpen) {
  if (!goes_both_ways()) GTEST_SKIP() << "this is one way";
  ConnectAndRun();
  a_->keeps_open = true;
  const std::string there = Pattern(bulk() / 2);
  const std::string back = Pattern(bulk());
  EXPECT_TRUE(pair_.second->Write(there).ok());
  EndSecond();
  if (!traits().half_close) {
    RunUntil([&] { return !a_->transport && !b_->transport; });
    EXPECT_TRUE(a_->received == there);
    EXPECT_THAT(a_->events, ElementsAre("made", "data", "eof", "lost"));
    EXPECT_EQ(a_->lost, absl::OkStatus());
    return;
  }
  EXPECT_TRUE(pair_.first->Write(back.substr(0, bulk() / 2)).ok());
  RunUntil([&] { return a_->has_ended; });
  EXPECT_TRUE(a_->received == there);
  EXPECT_FALSE(pair_.first->IsClosing());
  EXPECT_TRUE(pair_.first->Write(back.substr(bulk() / 2)).ok());
  RunUntil([&] { return b_->received.size() == back.size(); });
  EXPECT_TRUE(b_->received == back);
  // The end is told of once.
  pair_.first->PauseReading();
  pair_.first->ResumeReading();
  Run();
  pair_.first->Close();
  RunUntil([&] { return !a_->transport && !b_->transport; });
  EXPECT_EQ(std::count(a_->events.begin(), a_->events.end(), "eof"), 1);
}

// TR-17, TLS-12, PIPE-07
TEST_P(TransportConformance, WriteEofEndsOneDirectionAfterWhatWasWritten) {
  if (!traits().first_writes) GTEST_SKIP() << "the first only reads";
  ConnectAndRun();
  if (!traits().half_close) {
    EXPECT_FALSE(pair_.first->CanWriteEof());
    EXPECT_EQ(pair_.first->WriteEof().code(), absl::StatusCode::kUnimplemented);
    EXPECT_TRUE(pair_.first->Write("goes on").ok());
    RunUntil([&] { return b_->received == "goes on"; });
    return;
  }
  b_->keeps_open = true;
  EXPECT_TRUE(pair_.first->CanWriteEof());
  pair_.second->PauseReading();
  const std::string sent = FillUp();
  EXPECT_TRUE(pair_.first->WriteEof().ok());
  EXPECT_TRUE(pair_.first->WriteEof().ok());
  pair_.second->ResumeReading();
  RunUntil([&] { return b_->has_ended; });
  EXPECT_TRUE(b_->received == sent);
  if (traits().second_writes) {
    EXPECT_TRUE(pair_.second->Write("back").ok());
    RunUntil([&] { return a_->received == "back"; });
    pair_.second->Close();
  }
  RunUntil([&] { return !a_->transport; });
  EXPECT_EQ(a_->lost, absl::OkStatus());
}

// TR-17, TLS-12
TEST_P(TransportConformance, WriteEofOfAClosingTransportDoesNothing) {
  ConnectAndRun();
  pair_.first->Close();
  EXPECT_EQ(pair_.first->WriteEof().ok(), pair_.first->CanWriteEof());
  EXPECT_EQ(pair_.first->Write("dropped").ok(), traits().first_writes);
  RunUntil([&] { return !a_->transport && !b_->transport; });
  EXPECT_EQ(b_->received, "");
}

// TR-20
TEST_P(TransportConformance, CloseInConnectionMadeDeliversNothing) {
  if (!traits().second_writes) GTEST_SKIP() << "the first only writes";
  Connect();
  WriteEarlyOnSecond("early");
  a_->on_event = [&](const std::string& event) {
    if (event == "made") a_->transport->Close();
  };
  RunUntil([&] { return !a_->transport && a_->events.size() > 1; });
  EXPECT_THAT(a_->events, ElementsAre("made", "lost"));
  EXPECT_EQ(a_->lost, absl::OkStatus());
}

// TLS-03
TEST_P(TransportConformance, ClosingBeforeConnectionMadeTellsOfBoth) {
  Connect();
  if (traits().layered) {  // Of neither: a handshake that fails is nothing.
    bool shaking_hands = false;
    test_->CallSoon([&] {
      shaking_hands = a_->events.empty();
      pair_.first->Abort();
      pair_.second->Close();
    });
    RunUntil([&] { return pair_.first->GetProtocol() == nullptr; });
    RunUntil([&] { return pair_.second->GetProtocol() == nullptr; });
    EXPECT_TRUE(shaking_hands);
    EXPECT_THAT(a_->events, IsEmpty());
    EXPECT_THAT(b_->events, IsEmpty());
    return;
  }
  pair_.first->Abort();
  pair_.second->Close();
  RunUntil([&] { return !b_->events.empty() && !b_->transport; });
  EXPECT_THAT(a_->events, ElementsAre("made", "lost"));
  EXPECT_THAT(b_->events, ElementsAre("made", "lost"));
}

TEST_P(TransportConformance, DroppingTheHandlesDoesNotClose) {
  if (!traits().first_writes) GTEST_SKIP() << "the first only reads";
  ConnectAndRun();
  Transport* const first = pair_.first.get();
  pair_.first = nullptr;
  pair_.second = nullptr;
  a_->transport = nullptr;
  const std::weak_ptr<Transport> second = b_->transport;
  b_->transport = nullptr;
  EXPECT_TRUE(first->Write("still there").ok());
  RunUntil([&] { return b_->received == "still there"; });
  first->Close();
  RunUntil([&] { return b_->events.back() == "lost"; });
  EXPECT_TRUE(second.expired());
}

TEST_P(TransportConformance, AHandleMayOutliveTheConnectionAndTheLoop) {
  if (!traits().first_writes) GTEST_SKIP() << "the first only reads";
  ConnectAndRun();
  pair_.second->PauseReading();
  FillUp();
  EXPECT_TRUE(test_->Close().ok());
  // The loop told nobody, and let go of the protocols.
  EXPECT_EQ(a_->events.back(), "made");
  EXPECT_EQ(b_->events.back(), "made");
  EXPECT_EQ(pair_.first->GetProtocol(), nullptr);
  EXPECT_TRUE(pair_.first->IsClosing());
  EXPECT_EQ(pair_.first->GetWriteBufferSize(), 0u);
  EXPECT_TRUE(pair_.first->Write("dropped").ok());
  EXPECT_EQ(pair_.first->WriteEof().ok(), pair_.first->CanWriteEof());
  pair_.first->ResumeReading();
  pair_.first->PauseReading();
  pair_.first->SetProtocol(b_);
  EXPECT_TRUE(pair_.first->SetWriteBufferLimits(1, 1).ok());
  pair_.first->Close();
  pair_.first->Abort();
  EXPECT_EQ(a_->events.back(), "made");
  EXPECT_THAT(test_.log(), IsEmpty());
}

TEST_P(TransportConformance, OnAClosedLoopItIsLostFromTheStart) {
  EXPECT_TRUE(test_->Close().ok());
  Connect();
  if (!traits().layered) {  // No layer is a transport before a handshake.
    EXPECT_TRUE(pair_.first->IsClosing());
    EXPECT_EQ(pair_.first->GetProtocol(), nullptr);
    EXPECT_EQ(pair_.first->Write("dropped").ok(), traits().first_writes);
    pair_.first->Close();
  }
  EXPECT_THAT(a_->events, IsEmpty());
  EXPECT_THAT(test_.log(), IsEmpty());
}

// Two protocols that let go of their transports in their destructors, which the
// loop runs when it closes.
TEST_P(TransportConformance, DestructorsMayUseTransportsOfAClosedLoop) {
  class Last : public Protocol {
   public:
    ~Last() override {
      if (transport == nullptr) return;
      transport->Write("last words").IgnoreError();
      transport->Close();
    }
    std::shared_ptr<Transport> transport;
  };
  auto last = std::make_shared<Last>();
  const std::weak_ptr<Last> alive = last;
  Connect(last);
  last->transport = pair_.second;
  last.reset();
  RunUntil([&] { return b_->transport != nullptr; });
  Run();
  EXPECT_FALSE(alive.expired());
  EXPECT_TRUE(test_->Close().ok());
  EXPECT_TRUE(alive.expired());
  EXPECT_THAT(b_->events, ElementsAre("made"));
}

}  // namespace
}  // namespace evkit
