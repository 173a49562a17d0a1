// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Streams over real sockets.

#include "evkit/net/streams/stream_reader_protocol.h"

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/loop/coro/or_return.h"
#include "evkit/loop/coro/run_until_complete.h"
#include "evkit/loop/coro/sleep.h"
#include "evkit/loop/coro/task.h"
#include "evkit/loop/testing/test_loop.h"
#include "evkit/net/socket.h"
#include "evkit/net/stream_transport.h"
#include "evkit/net/streams/stream.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr size_t kMuch = 8 << 20;

Coro<void> WriteMuch(StreamWriter writer) {
  const std::string piece(100000, 'x');
  size_t left = kMuch;
  while (left > 0) {
    const size_t n = left < piece.size() ? left : piece.size();
    co_await OrReturn(writer.Write(piece.substr(0, n)));
    co_await OrReturn(writer.Drain());
    left -= n;
  }
  co_return writer.WriteEof();
}

class StreamsOverSocketsTest : public ::testing::Test {
 protected:
  explicit StreamsOverSocketsTest(size_t limit = 1000) {
    auto [a, b] = *Socket::Pair();
    a_ = Connect(std::move(a), limit);
    b_ = Connect(std::move(b), limit);
  }

  Stream Connect(Socket socket, size_t limit) {
    const auto protocol = StreamReaderProtocol::Create(limit);
    NewStreamTransport(test_.loop(), std::move(socket), protocol);
    EXPECT_TRUE(test_.RunUntilIdle().ok());
    return protocol->stream();
  }
  template <typename Test>
  void Run(Test test) {
    const absl::Status status = RunUntilComplete(test_.loop(), test());
    EXPECT_TRUE(status.ok()) << status;
  }

  TestLoop test_;
  std::optional<Stream> a_;
  std::optional<Stream> b_;
};

// STR-10, STR-12
TEST_F(StreamsOverSocketsTest, MuchMoreThanTheLimitsComesOver) {
  Run([this]() -> Coro<void> {
    const Task<void> writing = CreateTask(WriteMuch(a_->writer));
    co_await OrReturn(Sleep(absl::Seconds(1)));
    // Nobody reads: both sides are paused.
    EXPECT_FALSE(writing.done());
    EXPECT_FALSE(b_->writer.transport()->IsReading());
    const std::string half =
        co_await OrReturn(b_->reader.ReadExactly(kMuch / 2));
    EXPECT_EQ(half, std::string(kMuch / 2, 'x'));
    size_t rest = 0;
    for (;;) {
      const std::string some = co_await OrReturn(b_->reader.Read(10000));
      if (some.empty()) break;
      rest += some.size();
    }
    EXPECT_EQ(rest, kMuch - kMuch / 2);
    EXPECT_TRUE(b_->reader.AtEof());
    co_return co_await writing;
  });
}

// STR-17
TEST_F(StreamsOverSocketsTest, OneDirectionMayEndBeforeTheOther) {
  Run([this]() -> Coro<void> {
    co_await OrReturn(a_->writer.Write("question"));
    co_await OrReturn(a_->writer.WriteEof());
    const std::string question = co_await OrReturn(b_->reader.ReadAll());
    EXPECT_EQ(question, "question");
    co_await OrReturn(b_->writer.Write("answer"));
    b_->writer.Close();
    const std::string answer = co_await OrReturn(a_->reader.ReadAll());
    EXPECT_EQ(answer, "answer");
    co_await OrReturn(b_->writer.WaitClosed());
    a_->writer.Close();
    co_return co_await a_->writer.WaitClosed();
  });
}

// STR-13
TEST_F(StreamsOverSocketsTest, WhoWritesToNobodyFindsOut) {
  Run([this]() -> Coro<void> {
    b_->writer.transport()->Abort();
    co_await OrReturn(b_->writer.WaitClosed());
    absl::Status status;
    int rounds = 0;
    while (status.ok() && ++rounds < 1000) {
      co_await OrReturn(a_->writer.Write("hello?"));
      status = co_await a_->writer.Drain();
    }
    EXPECT_FALSE(status.ok());
    EXPECT_LT(rounds, 10);
    co_return absl::OkStatus();
  });
}

// STR-18
TEST_F(StreamsOverSocketsTest, WhatWasWrittenIsSentAfterTheWriterIsDropped) {
  Run([this]() -> Coro<void> {
    co_await OrReturn(a_->writer.Write(std::string(kMuch, 'x')));
    a_.reset();
    const std::string all = co_await OrReturn(b_->reader.ReadAll());
    EXPECT_EQ(all.size(), kMuch);
    co_return absl::OkStatus();
  });
}

TEST_F(StreamsOverSocketsTest, TheLoopMayBeClosedWhileTasksWait) {
  test_->SetDebug(true);
  const auto wait = [](Stream stream, bool reads) -> Coro<void> {
    if (reads) co_return (co_await stream.reader.ReadLine()).status();
    co_await OrReturn(stream.writer.Write(std::string(kMuch, 'x')));
    co_return co_await stream.writer.Drain();
  };
  CreateTask(test_.loop(), wait(*a_, /*reads=*/true));
  CreateTask(test_.loop(), wait(*std::move(b_), /*reads=*/false));
  b_.reset();
  a_->writer.transport()->PauseReading();
  EXPECT_TRUE(test_.RunUntilIdle().ok());
  EXPECT_TRUE(test_->Close().ok());
  EXPECT_TRUE(a_->writer.IsClosing());
  a_->writer.Close();
  for (const std::string& line : test_.log()) {
    EXPECT_THAT(line, Not(HasSubstr("unclosed")));
  }
}

}  // namespace
}  // namespace evkit
