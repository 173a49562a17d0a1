// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/streams/stream_writer.h"

#include <cerrno>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "evkit/base/errno_status.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/loop/coro/sleep.h"
#include "evkit/loop/coro/task.h"
#include "evkit/loop/testing/test_loop.h"
#include "evkit/net/streams/scripted_transport.h"
#include "evkit/net/streams/stream_reader_protocol.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const absl::Status kReset = StatusFromErrno(ECONNRESET, "recv(fd=7)");

Coro<void> Drain(StreamWriter writer) { co_return co_await writer.Drain(); }
Coro<void> WaitClosed(StreamWriter writer) {
  co_return co_await writer.WaitClosed();
}

class StreamWriterTest : public ::testing::Test {
 protected:
  StreamWriterTest()
      : protocol_(StreamReaderProtocol::Create()),
        transport_(std::make_shared<ScriptedTransport>(test_.loop())) {
    protocol_->ConnectionMade(transport_);
    writer_ = protocol_->writer();
  }

  Task<void> Begin(Coro<void> wait) {
    Task<void> task = CreateTask(test_.loop(), std::move(wait));
    RunUntilIdle();
    return task;
  }
  void RunUntilIdle() { ASSERT_TRUE(test_.RunUntilIdle().ok()); }

  TestLoop test_;
  std::shared_ptr<StreamReaderProtocol> protocol_;
  std::shared_ptr<ScriptedTransport> transport_;
  StreamWriter writer_;
};

// STR-12
TEST_F(StreamWriterTest, WritingIsTheTransports) {
  EXPECT_TRUE(writer_.Write("abc").ok());
  const absl::string_view pieces[] = {"a", "b"};
  EXPECT_TRUE(writer_.WriteLines(pieces).ok());
  EXPECT_TRUE(writer_.CanWriteEof());
  EXPECT_TRUE(writer_.WriteEof().ok());
  transport_->write_status = absl::FailedPreconditionError("after WriteEof()");
  EXPECT_EQ(writer_.Write("d"), transport_->write_status);
  EXPECT_FALSE(writer_.IsClosing());
  writer_.Close();
  EXPECT_TRUE(writer_.IsClosing());
  EXPECT_THAT(transport_->TakeCalls(),
              ElementsAre("write:abc", "lines:a:b", "eof", "write:d", "close"));
  EXPECT_EQ(writer_.transport(), transport_);
}

TEST_F(StreamWriterTest, TheTransportTellsAboutItself) {
  EXPECT_EQ(writer_.GetExtraInfo(kPeername), nullptr);
  transport_->peername = SocketAddress::LoopbackIPv4(80);
  EXPECT_EQ(*writer_.GetExtraInfo(kPeername), SocketAddress::LoopbackIPv4(80));
}

// STR-12
TEST_F(StreamWriterTest, DrainTakesNoTurnUnlessWritingIsPaused) {
  const auto in_one_turn = [this]() -> Coro<void> {
    bool next_turn = false;
    test_->CallSoon([&] { next_turn = true; });
    const absl::Status status = co_await writer_.Drain();
    EXPECT_FALSE(next_turn);
    (void)co_await Sleep(absl::ZeroDuration());
    co_return status;
  };
  EXPECT_TRUE(Begin(in_one_turn()).Error().ok());
}

// STR-12, STR-14
TEST_F(StreamWriterTest, DrainWaitsWhileWritingIsPaused) {
  protocol_->PauseWriting();
  const Task<void> first = Begin(Drain(writer_));
  const Task<void> second = Begin(Drain(writer_));
  const Task<void> third = Begin(Drain(writer_));
  EXPECT_FALSE(first.done());
  second.Cancel();
  RunUntilIdle();
  EXPECT_TRUE(second.cancelled());
  protocol_->ResumeWriting();
  protocol_->PauseWriting();
  RunUntilIdle();
  EXPECT_TRUE(first.Error().ok());
  EXPECT_TRUE(third.Error().ok());
  const Task<void> fourth = Begin(Drain(writer_));
  EXPECT_FALSE(fourth.done());
  protocol_->ResumeWriting();
  RunUntilIdle();
  EXPECT_TRUE(fourth.Error().ok());
}

// STR-13, STR-14
TEST_F(StreamWriterTest, DrainGetsTheErrorOfTheConnection) {
  protocol_->PauseWriting();
  const Task<void> first = Begin(Drain(writer_));
  const Task<void> second = Begin(Drain(writer_));
  protocol_->ConnectionLost(kReset);
  RunUntilIdle();
  EXPECT_EQ(first.Error(), kReset);
  EXPECT_EQ(second.Error(), kReset);
  EXPECT_EQ(Begin(Drain(writer_)).Error(), kReset);
}

// STR-11
TEST_F(StreamWriterTest, DrainGetsTheErrorOfTheReader) {
  protocol_->reader().SetError(kReset);
  EXPECT_EQ(Begin(Drain(writer_)).Error(), kReset);
}

// STR-13, STR-14
TEST_F(StreamWriterTest, AfterAConnectionThatEndedWellDrainSaysSo) {
  protocol_->PauseWriting();
  const Task<void> waiting = Begin(Drain(writer_));
  writer_.Close();
  protocol_->ConnectionLost(absl::OkStatus());
  RunUntilIdle();
  EXPECT_TRUE(waiting.Error().ok());
  const absl::Status status = Begin(Drain(writer_)).Error();
  EXPECT_EQ(ErrnoFromStatus(status), ECONNRESET);
  EXPECT_THAT(status.message(), HasSubstr("Connection lost"));
}

// STR-13
TEST_F(StreamWriterTest, DrainOfAClosingConnectionTakesATurn) {
  writer_.Close();
  // The transport tells of the loss in the next turn, as real ones do.
  test_->CallSoon([this] { protocol_->ConnectionLost(absl::OkStatus()); });
  EXPECT_EQ(ErrnoFromStatus(Begin(Drain(writer_)).Error()), ECONNRESET);
}

// STR-15
TEST_F(StreamWriterTest, WaitClosedWaitsForTheEnd) {
  const Task<void> first = Begin(WaitClosed(writer_));
  const Task<void> second = Begin(WaitClosed(writer_));
  first.Cancel();
  RunUntilIdle();
  EXPECT_TRUE(first.cancelled());
  EXPECT_FALSE(second.done());
  writer_.Close();
  protocol_->ConnectionLost(absl::OkStatus());
  RunUntilIdle();
  EXPECT_TRUE(second.Error().ok());
  EXPECT_TRUE(Begin(WaitClosed(writer_)).Error().ok());
}

// STR-15
TEST_F(StreamWriterTest, WaitClosedGetsTheErrorOfTheConnection) {
  const Task<void> waiting = Begin(WaitClosed(writer_));
  protocol_->ConnectionLost(kReset);
  RunUntilIdle();
  EXPECT_EQ(waiting.Error(), kReset);
  EXPECT_EQ(Begin(WaitClosed(writer_)).Error(), kReset);
}

// STR-17
TEST_F(StreamWriterTest, TheEndOfThePeersDataLeavesTheWriterOpen) {
  EXPECT_TRUE(protocol_->EofReceived());
  EXPECT_TRUE(protocol_->reader().AtEof());
  EXPECT_TRUE(writer_.Write("still").ok());
  EXPECT_FALSE(writer_.IsClosing());
  protocol_->ConnectionLost(absl::OkStatus());
}

TEST_F(StreamWriterTest, TheEndOfTheConnectionIsTheEndOfTheReader) {
  protocol_->DataReceived("ab");
  protocol_->ConnectionLost(absl::OkStatus());
  const StreamReader reader = protocol_->reader();
  EXPECT_EQ(reader.buffered(), "ab");
  reader.Consume(2);
  EXPECT_TRUE(reader.AtEof());
}

// STR-18
TEST_F(StreamWriterTest, DroppingTheLastHandleCloses) {
  {
    StreamWriter copy = writer_;
    StreamWriter moved = std::move(copy);
    EXPECT_FALSE(copy.valid());
    writer_ = StreamWriter();
    EXPECT_THAT(transport_->TakeCalls(), IsEmpty());
  }
  EXPECT_THAT(transport_->TakeCalls(), ElementsAre("close"));
  EXPECT_THAT(test_.log(), IsEmpty());
}

// STR-18
TEST_F(StreamWriterTest, DroppingOneThatIsClosedDoesNothing) {
  test_->SetDebug(true);
  writer_.Close();
  writer_ = StreamWriter();
  EXPECT_THAT(transport_->TakeCalls(), ElementsAre("close"));
  EXPECT_THAT(test_.log(), IsEmpty());
}

// STR-18
TEST_F(StreamWriterTest, InDebugModeOneThatNobodyClosedIsReported) {
  test_->SetDebug(true);
  transport_->peername = SocketAddress::LoopbackIPv4(80);
  writer_ = StreamWriter();
  ASSERT_EQ(test_.log().size(), 1u);
  EXPECT_THAT(test_.log()[0], HasSubstr("unclosed StreamWriter"));
  EXPECT_THAT(test_.log()[0], HasSubstr("127.0.0.1:80"));
  EXPECT_THAT(transport_->TakeCalls(), ElementsAre("close"));
}

TEST_F(StreamWriterTest, WhoWaitsMayDropTheWriter) {
  protocol_->PauseWriting();
  const auto wait = [](StreamWriter* writer) -> Coro<void> {
    co_return co_await writer->Drain();
  };
  const Task<void> waiting = Begin(wait(&writer_));
  writer_ = StreamWriter();
  EXPECT_THAT(transport_->TakeCalls(), ElementsAre("close"));
  protocol_->ConnectionLost(absl::OkStatus());
  RunUntilIdle();
  EXPECT_TRUE(waiting.Error().ok());
}

TEST(StreamWriterLifetimeTest, HandlesMayOutliveTheLoop) {
  std::optional<StreamWriter> writer;
  std::shared_ptr<ScriptedTransport> transport;
  {
    TestLoop test;
    auto protocol = StreamReaderProtocol::Create();
    transport = std::make_shared<ScriptedTransport>(test.loop());
    protocol->ConnectionMade(transport);
    protocol->PauseWriting();
    writer = protocol->writer();
    CreateTask(test.loop(), Drain(*writer));
    CreateTask(test.loop(), WaitClosed(*writer));
    ASSERT_TRUE(test.RunUntilIdle().ok());
    transport->Close();
  }
  transport->TakeCalls();
  writer.reset();
  EXPECT_THAT(transport->TakeCalls(), IsEmpty());
}

TEST(StreamWriterLifetimeTest, ATaskThatIsDestroyedWithItsLoopReportsNothing) {
  TestLoop test;
  test->SetDebug(true);
  auto transport = std::make_shared<ScriptedTransport>(test.loop());
  {
    auto protocol = StreamReaderProtocol::Create();
    protocol->ConnectionMade(transport);
    const Task<void> task =
        CreateTask(test.loop(), WaitClosed(protocol->writer()));
    ASSERT_TRUE(test.RunUntilIdle().ok());
  }
  EXPECT_TRUE(test->Close().ok());
  for (const std::string& line : test.log()) {
    EXPECT_EQ(line.find("unclosed"), std::string::npos) << line;
  }
  EXPECT_THAT(transport->TakeCalls(), IsEmpty());
}

TEST(StreamReaderProtocolTest, WhoWantsToKnowIsToldOfTheConnection) {
  TestLoop test;
  auto transport = std::make_shared<ScriptedTransport>(test.loop());
  std::optional<Stream> stream;
  auto protocol = StreamReaderProtocol::Create(
      kDefaultStreamLimit,
      [&](Stream connected) { stream = std::move(connected); });
  protocol->ConnectionMade(transport);
  ASSERT_TRUE(stream.has_value());
  protocol->DataReceived("ab");
  EXPECT_EQ(stream->reader.buffered(), "ab");
  EXPECT_EQ(stream->writer.transport(), transport);
  EXPECT_EQ(stream->reader.limit(), kDefaultStreamLimit);
  stream->writer.Close();
  protocol->ConnectionLost(absl::OkStatus());
}

TEST(StreamReaderProtocolDeathTest, BugsOfTheCallerAreFatal) {
  EXPECT_DEATH(StreamReaderProtocol::Create(0), "limit");
  EXPECT_DEATH(StreamReaderProtocol::Create()->writer(), "not connected");
}

}  // namespace
}  // namespace evkit
