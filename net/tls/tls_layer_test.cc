// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/tls/tls_layer.h"

#include <fcntl.h>

#include <cerrno>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "evkit/base/errno_status.h"
#include "evkit/base/unique_fd.h"
#include "evkit/loop/coro/run_until_complete.h"
#include "evkit/loop/coro/task.h"
#include "evkit/loop/testing/test_loop.h"
#include "evkit/net/extra_info.h"
#include "evkit/net/protocol.h"
#include "evkit/net/sendfile.h"
#include "evkit/net/socket.h"
#include "evkit/net/stream_transport.h"
#include "evkit/net/tls/fake_tls_context.h"
#include "evkit/net/tls/internal/tls_testing.h"
#include "evkit/net/tls/tls_engine.h"
#include "evkit/net/transport.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using net_internal::NameOfTlsLibrary;
using net_internal::TlsLibrary;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Writes down what it is told.
class Recorder : public Protocol {
 public:
  void ConnectionMade(std::shared_ptr<Transport> its_transport) override {
    transport = std::move(its_transport);
    events.push_back("made");
    if (on_made) on_made();
  }
  void DataReceived(absl::string_view data) override {
    received.append(data.data(), data.size());
    ++deliveries;
    if (on_data) on_data();
  }
  bool EofReceived() override {
    events.push_back("eof");
    return keep_open;
  }
  void ConnectionLost(const absl::Status& status) override {
    events.push_back("lost");
    lost = status;
  }
  void PauseWriting() override { events.push_back("pause"); }
  void ResumeWriting() override { events.push_back("resume"); }

  std::shared_ptr<Transport> transport;
  std::vector<std::string> events;
  std::string received;
  int deliveries = 0;
  absl::Status lost = absl::UnknownError("not lost");
  bool keep_open = false;
  std::function<void()> on_made;
  std::function<void()> on_data;
};

class BufferedRecorder : public BufferedProtocol {
 public:
  void ConnectionMade(std::shared_ptr<Transport> its_transport) override {
    transport = std::move(its_transport);
  }
  absl::Span<char> GetBuffer(ptrdiff_t) override {
    return absl::MakeSpan(buffer);
  }
  void BufferUpdated(size_t size) override { received.append(buffer, size); }

  std::shared_ptr<Transport> transport;
  char buffer[1000];
  std::string received;
};

class TlsLayerTest : public ::testing::TestWithParam<TlsLibrary> {
 protected:
  class End {
   public:
    std::shared_ptr<Recorder> protocol = std::make_shared<Recorder>();
    std::optional<absl::StatusOr<std::shared_ptr<Transport>>> ready;
    TlsLayerOptions options;

    std::string error() const {
      return ready.has_value() ? ready->status().ToString() : "not ready";
    }
    Transport& transport() { return *protocol->transport; }
  };

  void Attach(End& end, std::unique_ptr<TlsEngine> engine, Socket socket,
              std::shared_ptr<Protocol> protocol = nullptr) {
    std::shared_ptr<Protocol> layer =
        *NewTlsLayer(test_.loop(), std::move(engine),
                     protocol != nullptr ? protocol : end.protocol, end.options,
                     [&end](absl::StatusOr<std::shared_ptr<Transport>> ready) {
                       EXPECT_FALSE(end.ready.has_value());
                       end.ready.emplace(std::move(ready));
                     });
    NewStreamTransport(test_.loop(), std::move(socket), std::move(layer));
  }
  void AttachClient(Socket socket) {
    Attach(client_, *client_context_->NewClientEngine("server.example"),
           std::move(socket));
  }
  void AttachServer(Socket socket) {
    Attach(server_, *server_context_->NewServerEngine(), std::move(socket));
  }
  void Connect() {
    auto [near, far] = *Socket::Pair();
    AttachClient(std::move(near));
    AttachServer(std::move(far));
    RunUntilIdle();
    ASSERT_TRUE(client_.ready.has_value() && client_.ready->ok())
        << client_.error();
    ASSERT_TRUE(server_.ready.has_value() && server_.ready->ok())
        << server_.error();
  }
  void RunUntilIdle() { ASSERT_TRUE(test_.RunUntilIdle().ok()); }

  TestLoop test_;
  const net_internal::TlsTestContexts contexts_{GetParam()};
  std::shared_ptr<TlsContext> client_context_ = contexts_.client;
  std::shared_ptr<TlsContext> server_context_ = contexts_.server;
  End client_;
  End server_;
};

INSTANTIATE_TEST_SUITE_P(Engines, TlsLayerTest,
                         ::testing::Values(TlsLibrary::kFake,
                                           TlsLibrary::kOpenssl),
                         NameOfTlsLibrary);

// TLS-01, TLS-02
TEST_P(TlsLayerTest, TheProtocolIsTheLayersAfterTheHandshake) {
  auto [near, far] = *Socket::Pair();
  AttachClient(std::move(near));
  RunUntilIdle();
  EXPECT_THAT(client_.protocol->events, IsEmpty());
  EXPECT_FALSE(client_.ready.has_value());
  AttachServer(std::move(far));
  client_.protocol->on_made = [&] { EXPECT_FALSE(client_.ready.has_value()); };
  RunUntilIdle();
  EXPECT_THAT(client_.protocol->events, ElementsAre("made"));
  EXPECT_EQ(client_.protocol->transport, **client_.ready);
  EXPECT_EQ(client_.transport().GetProtocol(), client_.protocol);
}

TEST_P(TlsLayerTest, BytesGoBothWays) {
  Connect();
  ASSERT_TRUE(client_.transport().Write("hello").ok());
  ASSERT_TRUE(server_.transport().WriteLines({"good", "", " day"}).ok());
  RunUntilIdle();
  EXPECT_EQ(server_.protocol->received, "hello");
  EXPECT_EQ(client_.protocol->received, "good day");
}

// TLS-19
TEST_P(TlsLayerTest, WhatOneEventMakesReadableIsOneDelivery) {
  Connect();
  ASSERT_TRUE(client_.transport().Write("a").ok());
  ASSERT_TRUE(client_.transport().Write("b").ok());
  ASSERT_TRUE(client_.transport().Write(std::string(40000, 'c')).ok());
  RunUntilIdle();
  EXPECT_EQ(server_.protocol->received.size(), 40002u);
  EXPECT_EQ(server_.protocol->deliveries, 1);
}

TEST_P(TlsLayerTest, ABufferedProtocolReadsIntoItsOwnMemory) {
  auto [near, far] = *Socket::Pair();
  const auto protocol = std::make_shared<BufferedRecorder>();
  Attach(client_, *client_context_->NewClientEngine("server.example"),
         std::move(near), protocol);
  AttachServer(std::move(far));
  RunUntilIdle();
  const std::string data(30000, 'x');
  ASSERT_TRUE(server_.transport().Write(data).ok());
  RunUntilIdle();
  EXPECT_EQ(protocol->received, data);
}

// TLS-18
TEST_P(TlsLayerTest, ExtraInfoIsTheLayersAndTheTransportsBelow) {
  Connect();
  const TlsInfo* info = client_.transport().GetExtraInfo(kTlsInfo);
  ASSERT_NE(info, nullptr);
  EXPECT_EQ(server_.transport().GetExtraInfo(kTlsInfo)->server_name,
            "server.example");
  EXPECT_NE(client_.transport().GetExtraInfo(kSocket), nullptr);
}

// --- The handshake fails -----------------------------------------------------

// TLS-03
TEST_P(TlsLayerTest, AFailedHandshakeIsNoConnection) {
  auto [near, far] = *Socket::Pair();
  if (GetParam() == TlsLibrary::kFake) {
    FakeTlsOptions options;
    options.client_error = absl::UnauthenticatedError("a stranger");
    client_context_ = NewFakeTlsContext(options);
    AttachClient(std::move(near));
  } else {
    Attach(client_, *client_context_->NewClientEngine("other.example"),
           std::move(near));
  }
  AttachServer(std::move(far));
  RunUntilIdle();
  EXPECT_EQ(client_.ready->status().code(), absl::StatusCode::kUnauthenticated);
  EXPECT_THAT(client_.protocol->events, IsEmpty());
}

// TLS-04
TEST_P(TlsLayerTest, ATimeoutThatIsNotPositiveIsRefused) {
  for (const absl::Duration timeout :
       {absl::ZeroDuration(), -absl::Seconds(1)}) {
    TlsLayerOptions options;
    options.handshake_timeout = timeout;
    EXPECT_EQ(NewTlsLayer(test_.loop(),
                          *client_context_->NewClientEngine("server.example"),
                          client_.protocol, options, nullptr)
                  .status()
                  .code(),
              absl::StatusCode::kInvalidArgument);
  }
}

// TLS-05
TEST_P(TlsLayerTest, bug_I4_ASilentPeerIsLeftAfterTheTimeout) {
  auto [near, far] = *Socket::Pair();
  AttachServer(std::move(near));
  ASSERT_TRUE(test_.FastForwardBy(absl::Seconds(59)).ok());
  EXPECT_FALSE(server_.ready.has_value());
  ASSERT_TRUE(test_.FastForwardBy(absl::Seconds(1)).ok());
  EXPECT_EQ(ErrnoFromStatus(server_.ready->status()), ECONNABORTED);
  EXPECT_THAT(server_.error(), HasSubstr("taking longer than 1m"));
  EXPECT_THAT(server_.protocol->events, IsEmpty());
  char byte;
  EXPECT_EQ(far.Recv(absl::MakeSpan(&byte, 1)).bytes(), 0u);
}

TEST_P(TlsLayerTest, bug_I4_AnotherProtocolIsRefusedAtOnce) {
  auto [near, far] = *Socket::Pair();
  AttachServer(std::move(near));
  ASSERT_TRUE(far.Send("GET / HTTP/1.1\r\n\r\n").ok());
  RunUntilIdle();
  EXPECT_EQ(server_.ready->status().code(), absl::StatusCode::kAborted);
  EXPECT_THAT(server_.protocol->events, IsEmpty());
}

// TLS-06
TEST_P(TlsLayerTest, bug_I5_APeerThatLeavesInTheHandshakeIsAReset) {
  auto [near, far] = *Socket::Pair();
  AttachClient(std::move(near));
  RunUntilIdle();
  far.Close();
  RunUntilIdle();
  EXPECT_EQ(ErrnoFromStatus(client_.ready->status()), ECONNRESET);
  EXPECT_THAT(client_.protocol->events, IsEmpty());
}

// --- The end -----------------------------------------------------------------

// TLS-09, TLS-11
TEST_P(TlsLayerTest, CloseIsHeardAtBothEnds) {
  Connect();
  server_.protocol->keep_open = true;
  ASSERT_TRUE(client_.transport().Write("the last").ok());
  client_.transport().Close();
  EXPECT_TRUE(client_.transport().IsClosing());
  EXPECT_THAT(client_.protocol->events, ElementsAre("made"));
  RunUntilIdle();
  EXPECT_EQ(server_.protocol->received, "the last");
  EXPECT_THAT(server_.protocol->events, ElementsAre("made", "eof", "lost"));
  EXPECT_THAT(client_.protocol->events, ElementsAre("made", "lost"));
  EXPECT_EQ(client_.protocol->lost, absl::OkStatus());
  EXPECT_EQ(server_.protocol->lost, absl::OkStatus());
  EXPECT_EQ(test_.elapsed(), absl::ZeroDuration());
}

// TLS-10
TEST_P(TlsLayerTest, bug_I3_APeerThatNeverAnswersCloseIsLeft) {
  auto [near, far] = *Socket::Pair();
  AttachClient(std::move(near));
  std::unique_ptr<TlsEngine> peer = *server_context_->NewServerEngine();
  // A peer by hand, which shakes hands and then says nothing.
  for (int i = 0; i < 4; ++i) {
    RunUntilIdle();
    char buffer[16384];
    const IoResult got = far.Recv(absl::MakeSpan(buffer));
    if (got.ok()) peer->Feed(absl::string_view(buffer, got.bytes()));
    ASSERT_TRUE(peer->Handshake().ok());
    std::string output;
    peer->TakeOutput(&output);
    if (!output.empty()) {
      ASSERT_TRUE(far.Send(output).ok());
    }
  }
  ASSERT_TRUE(client_.ready.has_value() && client_.ready->ok());
  client_.transport().Close();
  ASSERT_TRUE(test_.FastForwardBy(absl::Seconds(29)).ok());
  EXPECT_THAT(client_.protocol->events, ElementsAre("made"));
  ASSERT_TRUE(test_.FastForwardBy(absl::Seconds(1)).ok());
  EXPECT_THAT(client_.protocol->events, ElementsAre("made", "lost"));
  EXPECT_EQ(client_.protocol->lost.code(), absl::StatusCode::kDeadlineExceeded);
}

// TLS-11
TEST_P(TlsLayerTest, bug_I1_ACutStreamIsDataLoss) {
  auto [near, far] = *Socket::Pair();
  AttachClient(std::move(near));
  AttachServer(std::move(far));
  RunUntilIdle();
  // The bytes end below the layer.
  ASSERT_TRUE(client_.transport().Write("half").ok());
  client_.transport().Abort();
  RunUntilIdle();
  EXPECT_EQ(server_.protocol->received, "half");
  EXPECT_THAT(server_.protocol->events, ElementsAre("made", "lost"));
  EXPECT_EQ(server_.protocol->lost.code(), absl::StatusCode::kDataLoss);
}

// TLS-17
TEST_P(TlsLayerTest, AbortEndsWithoutCloseNotify) {
  Connect();
  client_.transport().Abort();
  client_.transport().Abort();
  EXPECT_THAT(client_.protocol->events, ElementsAre("made"));
  RunUntilIdle();
  EXPECT_THAT(client_.protocol->events, ElementsAre("made", "lost"));
  EXPECT_EQ(client_.protocol->lost, absl::OkStatus());
}

// TLS-12
TEST_P(TlsLayerTest, ThereIsNoHalfClose) {
  Connect();
  EXPECT_FALSE(client_.transport().CanWriteEof());
  EXPECT_EQ(client_.transport().WriteEof().code(),
            absl::StatusCode::kUnimplemented);
}

// TLS-13
TEST_P(TlsLayerTest, bug_I10_WritesAfterTheEndAreDropped) {
  Connect();
  client_.transport().Close();
  EXPECT_TRUE(client_.transport().Write("late").ok());
  RunUntilIdle();
  EXPECT_TRUE(client_.transport().Write("later").ok());
  RunUntilIdle();
  EXPECT_EQ(server_.protocol->received, "");
  EXPECT_THAT(client_.protocol->events, ElementsAre("made", "lost"));
}

// TLS-25
TEST_P(TlsLayerTest, TheEndBelowIsTheEndAbove) {
  Connect();
  server_.transport().Abort();
  EXPECT_TRUE(server_.transport().IsClosing());
  RunUntilIdle();
  EXPECT_TRUE(client_.transport().IsClosing());
  EXPECT_EQ(client_.transport().GetProtocol(), nullptr);
}

TEST_P(TlsLayerTest, ClosingTheLoopTellsNobody) {
  Connect();
  ASSERT_TRUE(test_->Close().ok());
  EXPECT_THAT(client_.protocol->events, ElementsAre("made"));
  EXPECT_THAT(server_.protocol->events, ElementsAre("made"));
  EXPECT_TRUE(client_.transport().IsClosing());
  EXPECT_TRUE(client_.transport().Write("late").ok());
  client_.transport().Close();
  client_.transport().Abort();
  client_.transport().ResumeReading();
}

// --- Flow control ------------------------------------------------------------

// TLS-14, TLS-15
TEST_P(TlsLayerTest, bug_I12_AWriterThatPausesHoldsNoMoreThanTheLimit) {
  Connect();
  EXPECT_EQ(client_.transport().GetWriteBufferLimits().high, 524288u);
  EXPECT_EQ(client_.transport().GetWriteBufferLimits().low, 131072u);
  server_.transport().PauseReading();
  const std::string chunk(10000, 'x');
  size_t written = 0;
  while (client_.protocol->events.back() != "pause") {
    ASSERT_TRUE(client_.transport().Write(chunk).ok());
    written += chunk.size();
    RunUntilIdle();
    ASSERT_LT(written, size_t{8} << 20);
  }
  EXPECT_GE(client_.transport().GetWriteBufferSize(), 524288u);
  EXPECT_LT(client_.transport().GetWriteBufferSize(), 524288u + 20000);
  server_.transport().ResumeReading();
  RunUntilIdle();
  EXPECT_THAT(client_.protocol->events, ElementsAre("made", "pause", "resume"));
  EXPECT_EQ(server_.protocol->received.size(), written);
}

// SFILE-04
TEST_P(TlsLayerTest, AFileIsReadAndEncrypted) {
  Connect();
  std::string text;
  while (text.size() < 100000) absl::StrAppend(&text, text.size(), " ");
  const std::string path = absl::StrCat(::testing::TempDir(), "/tls_sendfile");
  std::ofstream(path) << text;
  const UniqueFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  ASSERT_TRUE(static_cast<bool>(file));
  SendfileOptions native;
  native.fallback = false;
  const std::shared_ptr<Transport> transport = client_.protocol->transport;
  EXPECT_EQ(
      RunUntilComplete(test_.loop(), Sendfile(transport, file.get(), native))
          .status()
          .code(),
      absl::StatusCode::kFailedPrecondition);
  const Task<size_t> task =
      CreateTask(test_.loop(), Sendfile(transport, file.get()));
  while (!task.done()) RunUntilIdle();  // A thread reads the file.
  ASSERT_TRUE(task.Error().ok()) << task.Error();
  EXPECT_EQ(*task.Result(), text.size());
  RunUntilIdle();
  EXPECT_TRUE(server_.protocol->received == text);
}

TEST_P(TlsLayerTest, LimitsFollowTheSameRulesAsElsewhere) {
  Connect();
  Transport& transport = client_.transport();
  ASSERT_TRUE(transport.SetWriteBufferLimits(1000).ok());
  EXPECT_EQ(transport.GetWriteBufferLimits().low, 250u);
  ASSERT_TRUE(transport.SetWriteBufferLimits(std::nullopt, 100).ok());
  EXPECT_EQ(transport.GetWriteBufferLimits().high, 400u);
  EXPECT_EQ(transport.SetWriteBufferLimits(1, 2).code(),
            absl::StatusCode::kInvalidArgument);
}

// TLS-16
TEST_P(TlsLayerTest, NothingIsDeliveredWhileReadingIsPaused) {
  Connect();
  server_.transport().PauseReading();
  EXPECT_FALSE(server_.transport().IsReading());
  ASSERT_TRUE(client_.transport().Write("later").ok());
  RunUntilIdle();
  EXPECT_EQ(server_.protocol->received, "");
  server_.transport().ResumeReading();
  EXPECT_EQ(server_.protocol->received, "");
  RunUntilIdle();
  EXPECT_EQ(server_.protocol->received, "later");
}

// TLS-16
TEST_P(TlsLayerTest, ResumingKeepsTheOrderOfWhatCame) {
  Connect();
  server_.transport().PauseReading();
  ASSERT_TRUE(client_.transport().Write("one ").ok());
  RunUntilIdle();
  // Runs before the socket is read, in the same turn.
  test_->CallSoon([this] { server_.transport().ResumeReading(); });
  ASSERT_TRUE(client_.transport().Write("two").ok());
  client_.transport().Close();
  RunUntilIdle();
  EXPECT_EQ(server_.protocol->received, "one two");
  EXPECT_THAT(server_.protocol->events, ElementsAre("made", "eof", "lost"));
  EXPECT_EQ(server_.protocol->lost, absl::OkStatus());
}

TEST_P(TlsLayerTest, TheEndWaitsBehindWhatIsHeldBack) {
  Connect();
  server_.transport().PauseReading();
  ASSERT_TRUE(client_.transport().Write("later").ok());
  client_.transport().Close();
  RunUntilIdle();
  EXPECT_THAT(server_.protocol->events, ElementsAre("made"));
  server_.transport().ResumeReading();
  RunUntilIdle();
  EXPECT_EQ(server_.protocol->received, "later");
  EXPECT_THAT(server_.protocol->events, ElementsAre("made", "eof", "lost"));
  EXPECT_THAT(client_.protocol->events, ElementsAre("made", "lost"));
}

// I2
TEST_P(TlsLayerTest, bug_I2_DataBeforeCloseNotifyIsDeliveredWithIt) {
  Connect();
  ASSERT_TRUE(server_.transport().Write(std::string(100000, 'x')).ok());
  server_.transport().Close();
  RunUntilIdle();
  EXPECT_EQ(client_.protocol->received.size(), 100000u);
  EXPECT_THAT(client_.protocol->events, ElementsAre("made", "eof", "lost"));
}

// --- Re-entrancy, exceptions -------------------------------------------------

TEST_P(TlsLayerTest, AProtocolMayEndTheConnectionInEveryCallback) {
  for (const bool abort : {false, true}) {
    for (const bool in_made : {false, true}) {
      client_ = End();
      server_ = End();
      const auto end = [this, abort] {
        abort ? server_.transport().Abort() : server_.transport().Close();
      };
      (in_made ? server_.protocol->on_made : server_.protocol->on_data) = end;
      auto [near, far] = *Socket::Pair();
      client_.protocol->on_made = [this] {
        EXPECT_TRUE(client_.transport().Write("hello").ok());
      };
      AttachClient(std::move(near));
      AttachServer(std::move(far));
      RunUntilIdle();
      EXPECT_EQ(server_.protocol->events.back(), "lost");
      EXPECT_EQ(server_.protocol->lost, absl::OkStatus());
      EXPECT_EQ(client_.protocol->events.back(), "lost");
    }
  }
}

TEST_P(TlsLayerTest, ALayerCarriesALayer) {
  auto [near, far] = *Socket::Pair();
  End outer_client;
  End outer_server;
  const auto over = [&](End& end, std::unique_ptr<TlsEngine> engine) {
    return *NewTlsLayer(test_.loop(), std::move(engine), end.protocol,
                        end.options,
                        [&end](absl::StatusOr<std::shared_ptr<Transport>> is) {
                          end.ready.emplace(std::move(is));
                        });
  };
  Attach(outer_client, *client_context_->NewClientEngine("server.example"),
         std::move(near),
         over(client_, *client_context_->NewClientEngine("server.example")));
  Attach(outer_server, *server_context_->NewServerEngine(), std::move(far),
         over(server_, *server_context_->NewServerEngine()));
  RunUntilIdle();
  ASSERT_TRUE(client_.ready.has_value() && client_.ready->ok())
      << client_.error();
  ASSERT_TRUE(server_.ready.has_value() && server_.ready->ok())
      << server_.error();
  // Its transport below is the other layer, not the socket's.
  EXPECT_NE(client_.protocol->transport, **outer_client.ready);

  std::string data;
  while (data.size() < 2000000) absl::StrAppend(&data, data.size(), ",");
  ASSERT_TRUE(client_.transport().Write(data).ok());
  ASSERT_TRUE(server_.transport().Write(data).ok());
  RunUntilIdle();
  EXPECT_TRUE(server_.protocol->received == data);
  EXPECT_TRUE(client_.protocol->received == data);

  client_.transport().Close();
  RunUntilIdle();
  EXPECT_EQ(client_.protocol->lost, absl::OkStatus());
  EXPECT_EQ(server_.protocol->lost, absl::OkStatus());
  EXPECT_EQ(server_.protocol->events.back(), "lost");
}

TEST_P(TlsLayerTest, AnotherProtocolCanTakeOver) {
  Connect();
  const auto second = std::make_shared<Recorder>();
  server_.transport().SetProtocol(second);
  ASSERT_TRUE(client_.transport().Write("for the second").ok());
  RunUntilIdle();
  EXPECT_EQ(server_.protocol->received, "");
  EXPECT_EQ(second->received, "for the second");
}

#if defined(__cpp_exceptions)
// TLS-26
TEST_P(TlsLayerTest, AThrowingProtocolLosesItsConnection) {
  Connect();
  server_.protocol->on_data = [] { throw std::runtime_error("no"); };
  ASSERT_TRUE(client_.transport().Write("hello").ok());
  RunUntilIdle();
  EXPECT_THAT(server_.protocol->events, ElementsAre("made", "lost"));
  EXPECT_THAT(std::string(server_.protocol->lost.message()), HasSubstr("no"));
  ASSERT_EQ(test_.log().size(), 1u);
  EXPECT_THAT(test_.log()[0],
              HasSubstr("protocol.DataReceived() call failed."));
}
#endif

}  // namespace
}  // namespace evkit
