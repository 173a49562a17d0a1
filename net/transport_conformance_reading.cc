// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Part of transport_conformance.h: reading, and who is told.

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "evkit/net/extra_info.h"
#include "evkit/net/protocol.h"
#include "evkit/net/transport.h"
#include "evkit/net/transport_conformance.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// TR-15, TLS-19, PIPE-03
TEST_P(TransportConformance, ATurnDeliversOnePieceOfAtMost256Kibibytes) {
  if (!traits().first_writes) GTEST_SKIP() << "the first only reads";
  ConnectAndRun();
  size_t before = 0;
  size_t turn = 0;
  size_t last_turn = 0;
  std::function<void()> count_turns = [&] {
    ++turn;
    if (b_->transport) test_->CallSoon([&] { count_turns(); });
  };
  b_->on_event = [&](const std::string& event) {
    if (event != "data") return;
    EXPECT_LE(b_->received.size() - before, 256u * 1024);
    before = b_->received.size();
    // A layer may give what one turn has brought in two pieces (TLS-19).
    EXPECT_TRUE(turn != last_turn || traits().layered);
    last_turn = turn;
    if (before == bulk()) b_->transport->Close();
  };
  EXPECT_TRUE(pair_.first->Write(Pattern(bulk())).ok());
  count_turns();
  RunUntil([&] { return !b_->transport; });
  EXPECT_EQ(before, bulk());
}

// TR-18, TLS-16, PIPE-12
TEST_P(TransportConformance, bug_H21_WhileReadingIsPausedNothingIsNoticed) {
  if (!traits().second_writes) GTEST_SKIP() << "the first only writes";
  ConnectAndRun();
  pair_.first->PauseReading();
  pair_.first->PauseReading();
  EXPECT_FALSE(pair_.first->IsReading());
  EXPECT_TRUE(pair_.second->Write("data").ok());
  EndSecond();
  Run();
  EXPECT_THAT(a_->events, ElementsAre("made"));
  pair_.first->ResumeReading();
  pair_.first->ResumeReading();
  EXPECT_TRUE(pair_.first->IsReading());
  RunUntil([&] { return !a_->transport; });
  EXPECT_THAT(a_->events, ElementsAre("made", "data", "eof", "lost"));
  EXPECT_EQ(a_->received, "data");
}

// TR-18
TEST_P(TransportConformance, bug_H21_PausingInDataReceivedStopsTheVeryNextOne) {
  if (!traits().second_writes) GTEST_SKIP() << "the first only writes";
  ConnectAndRun();
  size_t pieces = 0;
  a_->on_event = [&](const std::string& event) {
    if (event != "data") return;
    ++pieces;
    a_->transport->PauseReading();
  };
  EXPECT_TRUE(pair_.second->Write(Pattern(bulk())).ok());
  RunUntil([&] { return pieces == 1; });
  Run();
  EXPECT_EQ(pieces, 1u);
  pair_.first->ResumeReading();
  RunUntil([&] { return pieces == 2; });
}

// TR-18, TR-21
TEST_P(TransportConformance, bug_D7_AClosingTransportCannotBePausedOrResumed) {
  if (!traits().second_writes) GTEST_SKIP() << "the first only writes";
  ConnectAndRun();
  EXPECT_TRUE(pair_.first->IsReading());
  EXPECT_FALSE(pair_.first->IsClosing());
  EXPECT_TRUE(pair_.second->Write("never read").ok());
  pair_.first->Close();
  EXPECT_FALSE(pair_.first->IsReading());
  pair_.first->PauseReading();
  pair_.first->ResumeReading();
  EXPECT_FALSE(pair_.first->IsReading());
  RunUntil([&] { return !a_->transport; });
  EXPECT_THAT(a_->events, ElementsAre("made", "lost"));
  EXPECT_TRUE(pair_.first->IsClosing());
  EXPECT_FALSE(pair_.first->IsReading());
  pair_.first->PauseReading();
  pair_.first->PauseReading();
  pair_.first->ResumeReading();
  EXPECT_FALSE(pair_.first->IsReading());
}

// TR-19
TEST_P(TransportConformance, PausingInConnectionMadeIsInTime) {
  if (!traits().second_writes) GTEST_SKIP() << "the first only writes";
  Connect();
  WriteEarlyOnSecond("early");
  a_->on_event = [&](const std::string& event) {
    if (event == "made") a_->transport->PauseReading();
  };
  RunUntil([&] { return a_->transport != nullptr; });
  Run();
  EXPECT_THAT(a_->events, ElementsAre("made"));
  pair_.first->ResumeReading();
  RunUntil([&] { return a_->received == "early"; });
}

// TR-19
TEST_P(TransportConformance, PausingAndResumingInConnectionMadeIsNothing) {
  if (!traits().second_writes) GTEST_SKIP() << "the first only writes";
  Connect();
  a_->on_event = [&](const std::string& event) {
    if (event != "made") return;
    a_->transport->PauseReading();
    a_->transport->ResumeReading();
  };
  WriteEarlyOnSecond("early");
  RunUntil([&] { return a_->received == "early"; });
  EXPECT_THAT(a_->events, ElementsAre("made", "data"));
}

// TR-22
TEST_P(TransportConformance, SetProtocolChangesTheReceiverAtOnce) {
  if (!traits().second_writes) GTEST_SKIP() << "the first only writes";
  ConnectAndRun();
  EXPECT_EQ(pair_.first->GetProtocol(), a_);
  const auto next = std::make_shared<RecordingProtocol>();
  pair_.first->SetProtocol(next);
  EXPECT_EQ(pair_.first->GetProtocol(), next);
  EXPECT_TRUE(pair_.second->Write("for the next").ok());
  RunUntil([&] { return next->received == "for the next"; });
  EXPECT_THAT(a_->events, ElementsAre("made"));
  EXPECT_THAT(next->events, ElementsAre("data"));
  pair_.first->Close();
  RunUntil([&] { return !next->events.empty() && next->lost.ok(); });
  EXPECT_THAT(a_->events, ElementsAre("made"));
  EXPECT_EQ(pair_.first->GetProtocol(), nullptr);
}

// TR-22
TEST_P(TransportConformance, SetProtocolChangesBetweenTheWaysOfReceiving) {
  if (!traits().second_writes) GTEST_SKIP() << "the first only writes";
  ConnectAndRun();
  const auto buffered = std::make_shared<RecordingBufferedProtocol>();
  pair_.first->SetProtocol(buffered);
  EXPECT_TRUE(pair_.second->Write("buffered").ok());
  RunUntil([&] { return buffered->received == "buffered"; });
  pair_.first->SetProtocol(a_);
  EXPECT_TRUE(pair_.second->Write("plain").ok());
  RunUntil([&] { return a_->received == "plain"; });
}

// TR-22
TEST_P(TransportConformance, AProtocolMayReplaceItselfInItsOwnFunction) {
  if (!traits().second_writes) GTEST_SKIP() << "the first only writes";
  auto first = std::make_shared<RecordingProtocol>();
  const std::weak_ptr<RecordingProtocol> alive = first;
  Connect(first);
  first->on_event = [this, self = first.get()](const std::string& event) {
    if (event != "data") return;
    // Drops the last handles to it, this function's closure included.
    self->transport->SetProtocol(a_);
    self->transport = nullptr;
    EXPECT_EQ(self->events.back(), "data");
  };
  first.reset();
  WriteEarlyOnSecond("one");
  RunUntil([&] { return alive.expired(); });
  EXPECT_TRUE(pair_.second->Write("two").ok());
  RunUntil([&] { return !a_->received.empty(); });
}

// TR-23
TEST_P(TransportConformance, UnknownFactsAreNull) {
  static constexpr ExtraInfoKey<int> kMine("mine");
  ConnectAndRun();
  EXPECT_EQ(pair_.first->GetExtraInfo(kMine), nullptr);
  EXPECT_EQ(&pair_.first->loop(), &test_.loop());
}

// BUF-01
TEST_P(TransportConformance, ABufferedProtocolGivesTheMemory) {
  if (!traits().second_writes) GTEST_SKIP() << "the first only writes";
  const auto buffered = std::make_shared<RecordingBufferedProtocol>();
  Connect(buffered);
  const std::string data = Pattern(250);
  WriteEarlyOnSecond(data);
  RunUntil([&] { return buffered->received.size() == 250; });
  EXPECT_EQ(buffered->received, data);
  pair_.second->Close();
  RunUntil([&] { return !buffered->transport; });
  EXPECT_EQ(buffered->lost, absl::OkStatus());
  std::vector<std::string>& events = buffered->events;
  EXPECT_EQ(events.front(), "made");
  // The end comes after a buffer was asked for, and fills none.
  ASSERT_GE(events.size(), 4u);
  EXPECT_EQ(events[events.size() - 3], "get");
  EXPECT_EQ(events[events.size() - 2], "eof");
  EXPECT_EQ(events[events.size() - 1], "lost");
  for (size_t i = 0; i < events.size(); ++i) {
    EXPECT_TRUE(events[i] != "updated" || events[i - 1] == "get");
  }
}

// BUF-02
TEST_P(TransportConformance, AnEmptyBufferIsFatal) {
  if (!traits().second_writes) GTEST_SKIP() << "the first only writes";
  const auto buffered = std::make_shared<RecordingBufferedProtocol>();
  buffered->buffer_size = 0;
  Connect(buffered);
  WriteEarlyOnSecond("data");
  RunUntil([&] { return buffered->events.size() > 1 && !buffered->transport; });
  EXPECT_THAT(buffered->events, ElementsAre("made", "get", "lost"));
  EXPECT_EQ(buffered->lost.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(
      test_.log(),
      ElementsAre(HasSubstr("Fatal error: protocol.GetBuffer() call failed.")));
}

// BUF-03
TEST_P(TransportConformance, GetBufferMayChangeItsMind) {
  if (!traits().second_writes) GTEST_SKIP() << "the first only writes";
  const auto buffered = std::make_shared<RecordingBufferedProtocol>();
  Connect(buffered);
  buffered->on_event = [&](const std::string& event) {
    if (event == "get") pair_.first->PauseReading();
  };
  WriteEarlyOnSecond("data");
  RunUntil([&] { return buffered->events.size() == 2; });
  Run();
  EXPECT_THAT(buffered->events, ElementsAre("made", "get"));
  buffered->on_event = [&](const std::string& event) {
    if (event == "get") pair_.first->SetProtocol(a_);
  };
  pair_.first->ResumeReading();
  RunUntil([&] { return a_->received == "data"; });
  EXPECT_EQ(buffered->received, "");
}

}  // namespace
}  // namespace evkit
