// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/streams/start_tls_stream.h"

#include <cerrno>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "evkit/base/errno_status.h"
#include "evkit/loop/coro/or_return.h"
#include "evkit/loop/coro/run_until_complete.h"
#include "evkit/loop/coro/task.h"
#include "evkit/loop/testing/test_loop.h"
#include "evkit/net/socket.h"
#include "evkit/net/streams/open_connection.h"
#include "evkit/net/streams/stream.h"
#include "evkit/net/tls/internal/tls_testing.h"
#include "evkit/net/tls/tls_layer.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using net_internal::NameOfTlsLibrary;
using net_internal::TlsLibrary;
class StartTlsStreamTest : public ::testing::TestWithParam<TlsLibrary> {
 protected:
  StartTlsStreamTest() {
    client_options_.server_name = "server.example";
    server_options_.server_side = true;
  }

  // Both ends of a connection in clear.
  void Connect(size_t limit = kDefaultStreamLimit) {
    auto [near, far] = *Socket::Pair();
    client_.emplace(Open(std::move(near), limit));
    server_.emplace(Open(std::move(far), limit));
  }
  Stream Open(Socket socket, size_t limit = kDefaultStreamLimit) {
    return *RunUntilComplete(test_.loop(),
                             OpenConnection(std::move(socket), limit));
  }
  // Answers one command and goes over to TLS, as protocols do.
  Coro<void> ServeUpgrade() {
    const std::string line = co_await OrReturn(server_->reader.ReadLine());
    EXPECT_EQ(line, "STARTTLS\n");
    co_await OrReturn(server_->writer.Write("go ahead\n"));
    co_return co_await StartTls(server_->writer, server_context_,
                                server_options_);
  }
  Coro<void> AskForUpgrade() {
    co_await OrReturn(client_->writer.Write("STARTTLS\n"));
    const std::string line = co_await OrReturn(client_->reader.ReadLine());
    EXPECT_EQ(line, "go ahead\n");
    co_return co_await StartTls(client_->writer, client_context_,
                                client_options_);
  }
  template <typename T>
  Task<T> Begin(Coro<T> coro) {
    Task<T> task = CreateTask(test_.loop(), std::move(coro));
    RunUntilIdle();
    return task;
  }
  void RunUntilIdle() { ASSERT_TRUE(test_.RunUntilIdle().ok()); }
  void RunUntil(const std::function<bool()>& done) {
    for (int i = 0; i < 1'000'000 && !done(); ++i) RunUntilIdle();
    ASSERT_TRUE(done());
  }

  TestLoop test_;
  const net_internal::TlsTestContexts contexts_{GetParam()};
  std::shared_ptr<TlsContext> client_context_ = contexts_.client;
  std::shared_ptr<TlsContext> server_context_ = contexts_.server;
  StartTlsOptions client_options_;
  StartTlsOptions server_options_;
  std::optional<Stream> client_;
  std::optional<Stream> server_;
};

INSTANTIATE_TEST_SUITE_P(Engines, StartTlsStreamTest,
                         ::testing::Values(TlsLibrary::kFake,
                                           TlsLibrary::kOpenssl),
                         NameOfTlsLibrary);

Coro<void> Send(StreamWriter writer, std::string data) {
  co_await OrReturn(writer.Write(data));
  co_return co_await writer.Drain();
}
Coro<std::string> Receive(StreamReader reader, size_t n) {
  co_return co_await reader.ReadExactly(n);
}

// STR-16
TEST_P(StartTlsStreamTest, AStreamIsUpgradedInPlace) {
  // So small that the reader pauses and resumes its transport all the time.
  Connect(/*limit=*/100);
  const StreamReader reader = server_->reader;  // Made before.
  const Task<void> server = Begin(ServeUpgrade());
  const Task<void> client = Begin(AskForUpgrade());
  ASSERT_TRUE(client.done() && server.done());
  ASSERT_TRUE(client.Error().ok()) << client.Error();
  ASSERT_TRUE(server.Error().ok()) << server.Error();
  ASSERT_NE(server_->writer.GetExtraInfo(kTlsInfo), nullptr);
  EXPECT_FALSE(server_->writer.CanWriteEof());

  std::string data;
  while (data.size() < 1000000) absl::StrAppend(&data, data.size(), ",");
  const Task<void> sent = Begin(Send(client_->writer, data));
  const Task<std::string> got = Begin(Receive(reader, data.size()));
  ASSERT_TRUE(sent.done() && got.done());
  EXPECT_EQ(*got.Result(), data);

  server_->writer.Close();
  RunUntilIdle();
  EXPECT_TRUE(client_->reader.AtEof());
  EXPECT_TRUE(client_->writer.IsClosing());
}

// STR-16, TLS-23
TEST_P(StartTlsStreamTest, WhatTheReaderHasOfTheHandshakeIsNotLost) {
  Connect();
  const Task<void> client =
      Begin(StartTls(client_->writer, client_context_, client_options_));
  ASSERT_NE(server_->reader.buffered(), "");
  const Task<void> server =
      Begin(StartTls(server_->writer, server_context_, server_options_));
  ASSERT_TRUE(client.done() && server.done());
  ASSERT_TRUE(client.Error().ok()) << client.Error();
  ASSERT_TRUE(server.Error().ok()) << server.Error();
  EXPECT_EQ(server_->reader.buffered(), "");
}

// STR-16
TEST_P(StartTlsStreamTest, WhatWasWrittenBeforeIsSentInClear) {
  Connect();
  const std::string before(1000000, 'b');
  ASSERT_TRUE(client_->writer.Write(before).ok());
  const Task<void> client =
      Begin(StartTls(client_->writer, client_context_, client_options_));
  EXPECT_FALSE(client.done());
  const Task<std::string> got = Begin(Receive(server_->reader, before.size()));
  ASSERT_TRUE(got.done());
  EXPECT_EQ(*got.Result(), before);
  const Task<void> server =
      Begin(StartTls(server_->writer, server_context_, server_options_));
  ASSERT_TRUE(client.done() && server.done());
  EXPECT_TRUE(client.Error().ok()) << client.Error();
  EXPECT_TRUE(server.Error().ok()) << server.Error();
}

// STR-16
TEST_P(StartTlsStreamTest, WhatIsWrittenMeanwhileIsRefusedAndNotSentInClear) {
  Connect();
  const std::string before(1000000, 'b');
  ASSERT_TRUE(client_->writer.Write(before).ok());
  const StreamWriter writer = client_->writer;  // Another handle.
  const auto expect_refused = [&] {
    for (const absl::Status& status :
         {writer.Write("clear"), writer.Write(""),
          writer.WriteLines({"clear", "text"}), writer.WriteEof()}) {
      EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    }
    EXPECT_FALSE(writer.CanWriteEof());
    EXPECT_FALSE(writer.IsClosing());
    const Task<void> again =
        Begin(StartTls(writer, client_context_, client_options_));
    ASSERT_TRUE(again.done());
    EXPECT_EQ(again.Error().code(), absl::StatusCode::kFailedPrecondition);
  };
  const Task<void> client =
      Begin(StartTls(client_->writer, client_context_, client_options_));
  expect_refused();  // It waits for the rest to be sent.
  const Task<std::string> got = Begin(Receive(server_->reader, before.size()));
  RunUntil([&] { return got.done(); });
  EXPECT_TRUE(*got.Result() == before);
  ASSERT_FALSE(client.done());
  expect_refused();  // It waits for the peer's part of the handshake.
  const Task<void> server =
      Begin(StartTls(server_->writer, server_context_, server_options_));
  RunUntil([&] { return client.done() && server.done(); });
  EXPECT_TRUE(client.Error().ok()) << client.Error();
  EXPECT_TRUE(server.Error().ok()) << server.Error();
  EXPECT_TRUE(writer.Write("secret").ok());
  RunUntil([&] { return server_->reader.buffered() == "secret"; });
}

TEST_P(StartTlsStreamTest, ItMayBeClosedMeanwhile) {
  Connect();
  const Task<void> client =
      Begin(StartTls(client_->writer, client_context_, client_options_));
  ASSERT_FALSE(client.done());
  client_->writer.Close();
  EXPECT_TRUE(client_->writer.IsClosing());
  RunUntil([&] { return client.done(); });
  EXPECT_FALSE(client.Error().ok());
  EXPECT_TRUE(client_->writer.Write("dropped").ok());
  EXPECT_EQ(client_->reader.error(), client.Error());
}

TEST_P(StartTlsStreamTest, bug_I6_ClearTextBehindTheCommandReachesNobody) {
  Connect();
  const Task<void> server = Begin(ServeUpgrade());
  ASSERT_TRUE(client_->writer.Write("STARTTLS\nRSET\nQUIT\n").ok());
  RunUntilIdle();
  ASSERT_TRUE(server.done());
  EXPECT_EQ(server.Error().code(), absl::StatusCode::kAborted);
  // The reader and the writer know.
  EXPECT_EQ(server_->reader.buffered(), "");
  EXPECT_EQ(server_->reader.error(), server.Error());
  const auto wait = [&]() -> Coro<void> {
    co_return co_await server_->writer.WaitClosed();
  };
  const Task<void> closed = Begin(wait());
  ASSERT_TRUE(closed.done());
  EXPECT_EQ(closed.Error(), server.Error());
}

TEST_P(StartTlsStreamTest, WhatIsRefusedAtOnceLeavesTheStreamAsItWas) {
  Connect();
  ASSERT_TRUE(client_->writer.Write("hello\n").ok());
  RunUntilIdle();
  server_options_.server_name = "server.example";
  const Task<void> server =
      Begin(StartTls(server_->writer, server_context_, server_options_));
  ASSERT_TRUE(server.done());
  EXPECT_EQ(server.Error().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(server_->reader.buffered(), "hello\n");
  ASSERT_TRUE(client_->writer.Write("again\n").ok());
  RunUntilIdle();
  EXPECT_EQ(server_->reader.buffered(), "hello\nagain\n");
  ASSERT_TRUE(server_->writer.Write("answer\n").ok());
  RunUntil([&] { return client_->reader.buffered() == "answer\n"; });
}

TEST_P(StartTlsStreamTest, NobodyMayBeReading) {
  Connect();
  const Task<std::string> reading = Begin(Receive(client_->reader, 1));
  const Task<void> client =
      Begin(StartTls(client_->writer, client_context_, client_options_));
  ASSERT_TRUE(client.done());
  EXPECT_EQ(client.Error().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_FALSE(reading.done());
}

TEST_P(StartTlsStreamTest, AStreamThatHasEndedIsRefused) {
  Connect();
  ASSERT_TRUE(server_->writer.WriteEof().ok());
  RunUntilIdle();
  const Task<void> client =
      Begin(StartTls(client_->writer, client_context_, client_options_));
  ASSERT_TRUE(client.done());
  EXPECT_EQ(client.Error().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_P(StartTlsStreamTest, CancelledItEndsTheStream) {
  Connect();
  const Task<void> client =
      Begin(StartTls(client_->writer, client_context_, client_options_));
  ASSERT_FALSE(client.done());
  EXPECT_TRUE(client.Cancel());
  RunUntilIdle();
  EXPECT_TRUE(client.cancelled());
  // Not kCancelled, which would be somebody else's.
  EXPECT_EQ(ErrnoFromStatus(client_->reader.error()), ECONNABORTED);
  EXPECT_TRUE(client_->writer.IsClosing());
}

TEST_P(StartTlsStreamTest, ClosingTheLoopInTheHandshakeLeavesNothing) {
  Connect();
  const Task<void> client =
      Begin(StartTls(client_->writer, client_context_, client_options_));
  EXPECT_FALSE(client.done());
  test_.loop().Close().IgnoreError();
}

}  // namespace
}  // namespace evkit
