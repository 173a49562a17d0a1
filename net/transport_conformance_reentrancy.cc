// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Part of transport_conformance.h: what callbacks may do, and throw.

#include <cstddef>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
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
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Whether a protocol may hear of `events` in this order.
bool IsInOrder(const std::vector<std::string>& events) {
  bool paused = false;
  for (size_t i = 0; i < events.size(); ++i) {
    const std::string& event = events[i];
    if ((event == "made") != (i == 0)) return false;
    if (event == "lost" && i + 1 != events.size()) return false;
    if (event == "eof" || event == "data") {
      for (size_t j = 0; j < i; ++j) {
        if (events[j] == "eof") return false;
      }
    }
    if (event == "pause" || event == "resume") {
      if (paused != (event == "resume")) return false;
      paused = !paused;
    }
  }
  return !events.empty() && events.back() == "lost";
}

// TR-01, TR-02
TEST_P(TransportConformance, EveryCallbackMayDoAnything) {
  using Act = std::function<void(Transport&)>;
  const std::vector<std::pair<std::string, Act>> acts = {
      {"close", [](Transport& t) { t.Close(); }},
      {"abort", [](Transport& t) { t.Abort(); }},
      {"close, abort", [](Transport& t) { t.Close(), t.Abort(); }},
      {"write", [](Transport& t) { t.Write("more").IgnoreError(); }},
      {"write much",
       [](Transport& t) { t.Write(Pattern(1'000'000)).IgnoreError(); }},
      {"lines",
       [](Transport& t) {
         t.WriteLines({"a", "", "b"}).IgnoreError();
       }},
      {"eof", [](Transport& t) { t.WriteEof().IgnoreError(); }},
      {"pause, resume",
       [](Transport& t) { t.PauseReading(), t.ResumeReading(); }},
      {"limits", [](Transport& t) { t.SetWriteBufferLimits(0).IgnoreError(); }},
      {"write, close",
       [](Transport& t) {
         t.Write(Pattern(500'000)).IgnoreError(), t.Close();
       }},
      {"set protocol",
       [](Transport& t) {
         // Itself: what it is told goes on to be written down.
         const std::shared_ptr<Protocol> protocol = t.GetProtocol();
         if (protocol != nullptr) t.SetProtocol(protocol);
       }},
      {"drop handles", nullptr}};
  for (const char* const at :
       {"made", "data", "eof", "lost", "pause", "resume"}) {
    for (const auto& [name, act] : acts) {
      SCOPED_TRACE(name + " in " + at);
      a_ = std::make_shared<RecordingProtocol>();
      b_ = std::make_shared<RecordingProtocol>();
      pair_ = TransportPair();
      Connect();
      const std::weak_ptr<Transport> first = pair_.first;
      const std::weak_ptr<Transport> second = pair_.second;
      int acted = 0;
      a_->on_event = [&, act = act](const std::string& event) {
        // Not for ever: writing in PauseWriting() pauses nothing further, but
        // writing in ResumeWriting() does.
        if (event != at || ++acted > 3) return;
        if (act == nullptr) {
          a_->transport = nullptr;
          pair_.first = nullptr;
        } else if (const std::shared_ptr<Transport> self = first.lock()) {
          act(*self);
        }
      };
      RunUntil([&] { return !b_->events.empty() && !a_->events.empty(); });
      const auto on_first = [&](const Act& what) {
        if (const std::shared_ptr<Transport> self = first.lock()) what(*self);
      };
      on_first([&](Transport& t) {
        if (!traits().layered) {
          t.Write(Pattern(bulk())).IgnoreError();
          return;
        }
        // Counts nothing before the transport below wants no more.
        t.SetWriteBufferLimits(5000).IgnoreError();
        size_t written = 0;
        while (t.GetWriteBufferSize() == 0 && written < bulk()) {
          written += 5000;
          t.Write(Pattern(5000)).IgnoreError();
        }
        t.Write(Pattern(20'000)).IgnoreError();
      });
      if (traits().second_writes) {
        EXPECT_TRUE(pair_.second->Write("hello").ok());
      }
      for (int i = 0; i < 50; ++i) Run();
      if (traits().second_writes) EndSecond();
      for (int i = 0; i < 50; ++i) Run();
      on_first([](Transport& t) { t.Close(); });  // And the other follows.
      RunUntil([&] {
        return a_->events.back() == "lost" && b_->events.back() == "lost";
      });
      EXPECT_TRUE(IsInOrder(a_->events))
          << ::testing::PrintToString(a_->events);
      EXPECT_TRUE(IsInOrder(b_->events))
          << ::testing::PrintToString(b_->events);
      pair_.first = nullptr;
      pair_.second = nullptr;
      Run();
      EXPECT_TRUE(first.expired());
      EXPECT_TRUE(second.expired());
    }
  }
}

TEST_P(TransportConformance, TheLoopMayBeClosedAtAnyMoment) {
  if (!traits().first_writes) GTEST_SKIP() << "the first only reads";
  Connect();
  if (traits().layered) {
    RunUntil([&] { return a_->transport && b_->transport; });
    a_->transport = nullptr;
  }
  const std::weak_ptr<Transport> first = pair_.first;
  const std::weak_ptr<RecordingProtocol> protocol = a_;
  pair_.first->SetWriteBufferLimits(0).IgnoreError();
  pair_.second->PauseReading();
  // Outside of RunForever(), PauseWriting() may do it.
  a_->on_event = [&](const std::string& event) {
    if (event != "pause") return;
    pair_.first = nullptr;
    EXPECT_TRUE(test_->Close().ok());
  };
  Transport& transport = *pair_.first;
  a_ = std::make_shared<RecordingProtocol>();
  transport.Write(Pattern(bulk())).IgnoreError();
  // Of a layer the transport below has that.
  if (!first.expired()) transport.Write("rest").IgnoreError();
  EXPECT_TRUE(first.expired());
  EXPECT_TRUE(protocol.expired());
}

#if defined(__cpp_exceptions)

// TR-13, TLS-26
TEST_P(TransportConformance, ThrowingInDataReceivedIsFatal) {
  if (!traits().second_writes) GTEST_SKIP() << "the first only writes";
  ConnectAndRun();
  a_->on_event = [](const std::string& event) {
    if (event == "data") throw std::runtime_error("no more");
  };
  EXPECT_TRUE(pair_.second->Write("data").ok());
  RunUntil([&] { return !a_->transport; });
  EXPECT_THAT(a_->events, ElementsAre("made", "data", "lost"));
  EXPECT_EQ(a_->lost, absl::UnknownError("exception: no more"));
  ASSERT_EQ(test_.log().size(), 1u);
  EXPECT_THAT(test_.log()[0],
              HasSubstr("Fatal error: protocol.DataReceived() call failed."));
  EXPECT_THAT(test_.log()[0], HasSubstr("exception: no more"));
  EXPECT_THAT(test_.log()[0], HasSubstr("transport: " + traits().description));
}

// TR-13, PIPE-03
TEST_P(TransportConformance, ThrowingInEofReceivedIsFatal) {
  if (!traits().second_writes) GTEST_SKIP() << "the first only writes";
  ConnectAndRun();
  a_->on_event = [](const std::string& event) {
    if (event == "eof") throw std::runtime_error("no more");
  };
  EndSecond();
  RunUntil([&] { return !a_->transport; });
  if (traits().eof_may_fail) {
    EXPECT_EQ(a_->lost, absl::UnknownError("exception: no more"));
    EXPECT_THAT(test_.log(), ElementsAre(HasSubstr("protocol.EofReceived()")));
  } else {
    EXPECT_EQ(a_->lost, absl::OkStatus());
    EXPECT_THAT(test_.log(), ElementsAre(HasSubstr("Exception in callback")));
  }
}

// TR-13
TEST_P(TransportConformance, ThrowingInTheFunctionsOfTheBufferIsFatal) {
  if (!traits().second_writes) GTEST_SKIP() << "the first only writes";
  for (const std::string at : {"get", "updated"}) {
    const auto buffered = std::make_shared<RecordingBufferedProtocol>();
    buffered->on_event = [at](const std::string& event) {
      if (event == at) throw std::runtime_error("no more");
    };
    pair_ = TransportPair();
    b_ = std::make_shared<RecordingProtocol>();
    Connect(buffered);
    WriteEarlyOnSecond("data");
    RunUntil(
        [&] { return buffered->events.size() > 1 && !buffered->transport; });
    EXPECT_EQ(buffered->events.back(), "lost");
    EXPECT_EQ(buffered->lost, absl::UnknownError("exception: no more"));
    EXPECT_THAT(test_.log().back(),
                HasSubstr(at == "get" ? "GetBuffer()" : "BufferUpdated()"));
    pair_.second->Abort();
    Run();
  }
}

// TR-14
TEST_P(TransportConformance, ThrowingInConnectionMadeLeavesItOpen) {
  if (!traits().second_writes) GTEST_SKIP() << "the first only writes";
  Connect();
  a_->on_event = [](const std::string& event) {
    if (event == "made") throw std::runtime_error("oh");
  };
  WriteEarlyOnSecond("data");
  RunUntil([&] { return a_->received == "data"; });
  EXPECT_THAT(
      test_.log(),
      ElementsAre(HasSubstr(traits().layered ? "Exception in protocol."
                                             : "Exception in callback")));
  EXPECT_FALSE(pair_.first->IsClosing());
}

// TR-14
TEST_P(TransportConformance, ThrowingInConnectionLostReleasesAllTheSame) {
  ConnectAndRun();
  a_->on_event = [](const std::string& event) {
    if (event == "lost") throw std::runtime_error("oh");
  };
  const std::weak_ptr<Transport> first = pair_.first;
  pair_.first->Close();
  RunUntil([&] { return !b_->transport; });  // It sees the end.
  EXPECT_EQ(pair_.first->GetProtocol(), nullptr);
  EXPECT_THAT(
      test_.log(),
      ElementsAre(HasSubstr(traits().layered ? "Exception in protocol."
                                             : "Exception in callback")));
  pair_.first = nullptr;
  EXPECT_TRUE(first.expired());
}

// FLOW-08
TEST_P(TransportConformance, ThrowingInPauseOrResumeIsReportedAndNotFatal) {
  if (!traits().first_writes) GTEST_SKIP() << "the first only reads";
  ConnectAndRun();
  a_->on_event = [](const std::string& event) {
    if (event == "pause" || event == "resume") throw std::runtime_error("oh");
  };
  const std::string data = WriteInBulk();
  RunUntil([&] { return b_->received.size() == data.size(); });
  RunUntil([&] { return test_.log().size() == 2; });
  EXPECT_THAT(test_.log(),
              ElementsAre(HasSubstr("protocol.PauseWriting() failed"),
                          HasSubstr("protocol.ResumeWriting() failed")));
  EXPECT_FALSE(pair_.first->IsClosing());
}

#endif  // __cpp_exceptions

}  // namespace
}  // namespace evkit
