// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Part of transport_conformance.h: writing and its flow.

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "evkit/net/protocol.h"
#include "evkit/net/transport.h"
#include "evkit/net/transport_conformance.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using ::testing::ElementsAre;

// TR-04, FLOW-06
TEST_P(TransportConformance, WriteSendsAtOnceAndOnlyTheRestWaits) {
  if (!traits().first_writes) GTEST_SKIP() << "the first only reads";
  ConnectAndRun();
  pair_.second->PauseReading();
  const std::string sent = FillUp();
  EXPECT_LE(pair_.first->GetWriteBufferSize(), 5000u + slack(1));
  const size_t before = pair_.first->GetWriteBufferSize();
  EXPECT_TRUE(pair_.first->Write("12345").ok());
  EXPECT_GE(pair_.first->GetWriteBufferSize(), before + 5);
  EXPECT_LE(pair_.first->GetWriteBufferSize(), before + 5 + slack(1));
  pair_.second->ResumeReading();
  RunUntil([&] { return b_->received.size() == sent.size() + 5; });
  EXPECT_EQ(pair_.first->GetWriteBufferSize(), 0u);
  EXPECT_TRUE(b_->received == sent + "12345");
}

// TR-05
TEST_P(TransportConformance, AnEmptyWriteIsNothing) {
  if (!traits().first_writes) GTEST_SKIP() << "the first only reads";
  ConnectAndRun();
  EXPECT_TRUE(pair_.first->Write("").ok());
  EXPECT_TRUE(pair_.first->WriteLines({}).ok());
  EXPECT_TRUE(pair_.first->WriteLines({"", ""}).ok());
  EXPECT_EQ(pair_.first->GetWriteBufferSize(), 0u);
  Run();
  EXPECT_THAT(b_->events, ElementsAre("made"));
}

// TR-05, TLS-12, PIPE-10
TEST_P(TransportConformance, AfterWriteEofWritesAreRefusedEmptyOnesToo) {
  if (!traits().first_writes) GTEST_SKIP() << "the first only reads";
  ConnectAndRun();
  EXPECT_EQ(pair_.first->WriteEof().ok(), traits().half_close);
  const absl::StatusCode code =
      traits().half_close && traits().eof_refuses_writes
          ? absl::StatusCode::kFailedPrecondition
          : absl::StatusCode::kOk;
  EXPECT_EQ(pair_.first->Write("x").code(), code);
  EXPECT_EQ(pair_.first->Write("").code(), code);
  EXPECT_EQ(pair_.first->WriteLines({"x"}).code(), code);
  pair_.first->Close();
  RunUntil([&] { return !b_->transport; });
  EXPECT_EQ(b_->received, traits().half_close ? "" : "xx");
}

// TR-27
TEST_P(TransportConformance, WhatWasGivenMayChangeAfterTheWrite) {
  if (!traits().first_writes) GTEST_SKIP() << "the first only reads";
  ConnectAndRun();
  std::string data = Pattern(bulk());
  const std::string sent = data;
  EXPECT_TRUE(pair_.first->Write(data).ok());
  data.assign(data.size(), 'x');
  RunUntil([&] { return b_->received.size() == sent.size(); });
  EXPECT_TRUE(b_->received == sent);
}

// TR-25
TEST_P(TransportConformance, PiecesAreWrittenAsOne) {
  if (!traits().first_writes) GTEST_SKIP() << "the first only reads";
  ConnectAndRun();
  EXPECT_TRUE(
      pair_.first->WriteLines({"", "one ", "", "two ", "three", ""}).ok());
  RunUntil([&] { return b_->received == "one two three"; });
}

// TR-25
TEST_P(TransportConformance,
       bug_H4_MorePiecesThanTheKernelTakesKeepTheirOrder) {
  if (!traits().first_writes) GTEST_SKIP() << "the first only reads";
  ConnectAndRun();
  const std::string data = Pattern(bulk());
  std::vector<absl::string_view> pieces = {""};
  for (size_t at = 0; at < data.size();) {
    const size_t size = (at * 7 + 13) % (bulk() / 2000);
    pieces.push_back(absl::string_view(data).substr(at, size));
    at += size;
    if (size == 0)
      ++at, pieces.push_back(absl::string_view(data).substr(at - 1, 1));
  }
  pieces.push_back("");
  EXPECT_TRUE(pair_.first->WriteLines(pieces).ok());
  EXPECT_TRUE(pair_.first->Write("end").ok());
  RunUntil([&] { return b_->received.size() == data.size() + 3; });
  EXPECT_TRUE(b_->received == data + "end");
}

// TR-26
TEST_P(TransportConformance, bug_H4_BytesKeepTheirOrderInBothDirections) {
  ConnectAndRun();
  a_->keeps_open = true;
  b_->keeps_open = true;
  std::mt19937_64 random(test_.seed());
  std::string sent[2];
  const std::string data = Pattern(20'000);
  const auto piece = [&] {
    const size_t most = random() % 4 == 0 ? data.size() : 50;
    const size_t size = random() % most;
    return absl::string_view(data).substr(random() % (data.size() - size),
                                          size);
  };
  while (sent[0].size() + sent[1].size() < bulk() / 2) {
    const int from = goes_both_ways()        ? static_cast<int>(random() % 2)
                     : traits().first_writes ? 0
                                             : 1;
    Transport& transport = from == 0 ? *pair_.first : *pair_.second;
    Transport& other = from == 0 ? *pair_.second : *pair_.first;
    switch (random() % 8) {
      case 0:
        other.PauseReading();
        break;
      case 1:
      case 2:
        other.ResumeReading();
        break;
      case 3: {
        const std::vector<absl::string_view> pieces = {piece(), piece(), "",
                                                       piece()};
        for (const absl::string_view p : pieces) sent[from].append(p);
        EXPECT_TRUE(transport.WriteLines(pieces).ok());
        break;
      }
      case 4:
        Run();
        break;
      default: {
        const absl::string_view p = piece();
        sent[from].append(p);
        EXPECT_TRUE(transport.Write(p).ok());
      }
    }
  }
  pair_.first->ResumeReading();
  pair_.second->ResumeReading();
  if (traits().half_close) {
    if (traits().first_writes) {
      EXPECT_TRUE(pair_.first->WriteEof().ok());
    }
    if (traits().second_writes) {
      EXPECT_TRUE(pair_.second->WriteEof().ok());
    }
    RunUntil([&] {
      return (a_->has_ended || !traits().second_writes) &&
             (b_->has_ended || !traits().first_writes);
    });
  } else {
    RunUntil([&] {
      return a_->received.size() >= sent[1].size() &&
             b_->received.size() >= sent[0].size();
    });
  }
  EXPECT_TRUE(a_->received == sent[1]);
  EXPECT_TRUE(b_->received == sent[0]);
}

// FLOW-01, TLS-14, PIPE-05
TEST_P(TransportConformance, LimitsBeginAsTheContractSays) {
  if (!traits().first_writes) GTEST_SKIP() << "the first only reads";
  ConnectAndRun();
  EXPECT_EQ(pair_.first->GetWriteBufferLimits().low, traits().limits.low);
  EXPECT_EQ(pair_.first->GetWriteBufferLimits().high, traits().limits.high);
}

// FLOW-02
TEST_P(TransportConformance, ALimitThatIsLeftOutFollowsFromTheOther) {
  if (!traits().first_writes) GTEST_SKIP() << "the first only reads";
  ConnectAndRun();
  Transport& transport = *pair_.first;
  EXPECT_TRUE(transport.SetWriteBufferLimits(1001).ok());
  EXPECT_EQ(transport.GetWriteBufferLimits().low, 250u);
  EXPECT_EQ(transport.GetWriteBufferLimits().high, 1001u);
  EXPECT_TRUE(transport.SetWriteBufferLimits(std::nullopt, 10).ok());
  EXPECT_EQ(transport.GetWriteBufferLimits().low, 10u);
  EXPECT_EQ(transport.GetWriteBufferLimits().high, 40u);
  EXPECT_EQ(transport.SetWriteBufferLimits(1, 2).code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(transport.GetWriteBufferLimits().high, 40u);
  EXPECT_TRUE(transport.SetWriteBufferLimits().ok());
  EXPECT_EQ(transport.GetWriteBufferLimits().low, traits().limits.low);
  EXPECT_EQ(transport.GetWriteBufferLimits().high, traits().limits.high);
}

// FLOW-03, FLOW-04, TLS-15, PIPE-13
TEST_P(TransportConformance, AboveTheHighMarkTheProtocolIsPausedInsideWrite) {
  if (!traits().first_writes) GTEST_SKIP() << "the first only reads";
  ConnectAndRun();
  Transport& transport = *pair_.first;
  pair_.second->PauseReading();
  FillUp();
  EXPECT_TRUE(transport.SetWriteBufferLimits(10'000, 2'000).ok());
  if (traits().layered) {
    size_t before = 0;
    while (a_->events.back() == "made") {
      before = transport.GetWriteBufferSize();
      EXPECT_TRUE(transport.Write("some").ok());
    }
    EXPECT_LT(before, 10'000u);
    EXPECT_GE(transport.GetWriteBufferSize(), 10'000u);
  } else {
    const size_t missing = 10'000 - transport.GetWriteBufferSize();
    EXPECT_TRUE(transport.Write(Pattern(missing)).ok());
    EXPECT_EQ(transport.GetWriteBufferSize(), 10'000u);
    EXPECT_THAT(a_->events, ElementsAre("made"));  // Equal does not pause.
    EXPECT_TRUE(transport.Write("x").ok());
  }
  EXPECT_THAT(a_->events, ElementsAre("made", "pause"));
  EXPECT_TRUE(transport.Write("y").ok());
  EXPECT_THAT(a_->events, ElementsAre("made", "pause"));
  a_->on_event = [&](const std::string& event) {
    EXPECT_TRUE(event != "resume" || transport.GetWriteBufferSize() <= 2'000);
  };
  pair_.second->ResumeReading();
  RunUntil([&] { return transport.GetWriteBufferSize() == 0; });
  EXPECT_THAT(a_->events, ElementsAre("made", "pause", "resume"));
}

// FLOW-04
TEST_P(TransportConformance, PauseAndResumeAlternate) {
  if (!traits().first_writes) GTEST_SKIP() << "the first only reads";
  ConnectAndRun();
  Transport& transport = *pair_.first;
  EXPECT_TRUE(transport.SetWriteBufferLimits(5'000, 1'000).ok());
  size_t written = 0;
  bool paused = false;
  a_->on_event = [&](const std::string& event) {
    ASSERT_EQ(event, paused ? "resume" : "pause");
    paused = !paused;
  };
  const std::string piece = Pattern(3'000);
  RunUntil([&] {
    while (!paused && written < bulk()) {
      EXPECT_TRUE(transport.Write(piece).ok());
      written += piece.size();
      EXPECT_LE(transport.GetWriteBufferSize(),
                5'000 + piece.size() + slack(4));
    }
    return b_->received.size() == written && written >= bulk();
  });
  EXPECT_FALSE(paused);
}

// FLOW-05
TEST_P(TransportConformance, LoweringTheLimitsMayPauseAndRaisingNeverResumes) {
  if (!traits().first_writes) GTEST_SKIP() << "the first only reads";
  ConnectAndRun();
  pair_.second->PauseReading();
  FillUp();
  EXPECT_THAT(a_->events, ElementsAre("made"));
  EXPECT_TRUE(pair_.first->SetWriteBufferLimits(0).ok());
  EXPECT_THAT(a_->events, ElementsAre("made", "pause"));
  EXPECT_TRUE(pair_.first->SetWriteBufferLimits(1'000'000).ok());
  EXPECT_THAT(a_->events, ElementsAre("made", "pause"));
}

// FLOW-07
TEST_P(TransportConformance, LimitsOfZeroPauseAlwaysAndResumeWhenAllIsSent) {
  if (!traits().first_writes) GTEST_SKIP() << "the first only reads";
  ConnectAndRun();
  EXPECT_TRUE(pair_.first->SetWriteBufferLimits(0).ok());
  EXPECT_EQ(pair_.first->GetWriteBufferLimits().low, 0u);
  pair_.second->PauseReading();
  a_->on_event = [&](const std::string& event) {
    if (event == "resume") {
      EXPECT_EQ(pair_.first->GetWriteBufferSize(), 0u);
    }
  };
  WriteInBulk();
  EXPECT_THAT(a_->events, ElementsAre("made", "pause"));
  pair_.second->ResumeReading();
  RunUntil([&] { return a_->events.back() == "resume"; });
}

// FLOW-03
TEST_P(TransportConformance, bug_H5_NoWayOfWritingIsUnbounded) {
  if (!traits().first_writes) GTEST_SKIP() << "the first only reads";
  using Way = std::function<absl::Status(Transport&, absl::string_view)>;
  const std::vector<Way> ways = {
      [](Transport& t, absl::string_view data) { return t.Write(data); },
      [](Transport& t, absl::string_view data) {
        return t.WriteLines({data.substr(0, 10), data.substr(10)});
      },
      [](Transport& t, absl::string_view data) {
        return t.WriteLines({data});
      }};
  const std::string piece = Pattern(4'000);
  for (const Way& way : ways) {
    a_ = std::make_shared<RecordingProtocol>();
    b_ = std::make_shared<RecordingProtocol>();
    pair_ = TransportPair();
    ConnectAndRun();
    pair_.second->PauseReading();
    size_t written = 0;
    while (a_->events.back() != "pause" && written < 4 * bulk()) {
      EXPECT_TRUE(way(*pair_.first, piece).ok());
      written += piece.size();
    }
    EXPECT_THAT(a_->events, ElementsAre("made", "pause"));
    const size_t high = traits().limits.high;
    EXPECT_GE(pair_.first->GetWriteBufferSize() + (traits().layered ? 1 : 0),
              high + 1);
    EXPECT_LE(pair_.first->GetWriteBufferSize(),
              high + piece.size() + slack(2));
    pair_.first->Abort();
    pair_.second->Abort();
    Run();
  }
}

// TR-07, FLOW-04
TEST_P(TransportConformance, ResumeWritingMayWriteOn) {
  if (!traits().first_writes) GTEST_SKIP() << "the first only reads";
  ConnectAndRun();
  Transport& transport = *pair_.first;
  size_t written = 0;
  const std::string piece = Pattern(30'000);
  const auto pump = [&] {
    while (written < bulk() && (a_->events.back() != "pause" || written == 0)) {
      written += piece.size();
      EXPECT_TRUE(transport.Write(piece).ok());
    }
  };
  a_->on_event = [&](const std::string& event) {
    if (event == "resume") pump();
  };
  pump();
  RunUntil([&] { return written >= bulk(); });
  transport.Close();
  RunUntil([&] { return !b_->transport; });
  EXPECT_EQ(b_->received.size(), written);
}

}  // namespace
}  // namespace evkit
