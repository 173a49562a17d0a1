// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/tls/start_tls.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/loop/coro/or_return.h"
#include "evkit/loop/coro/task.h"
#include "evkit/loop/testing/test_loop.h"
#include "evkit/net/protocol.h"
#include "evkit/net/socket.h"
#include "evkit/net/stream_transport.h"
#include "evkit/net/tls/internal/tls_testing.h"
#include "evkit/net/tls/tls_engine.h"
#include "evkit/net/transport.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using net_internal::NameOfTlsLibrary;
using net_internal::TlsLibrary;
using ::testing::HasSubstr;

// Speaks a line in clear, and then TLS.
class Upgrader : public Protocol {
 public:
  Upgrader(std::shared_ptr<TlsContext> context, StartTlsOptions options)
      : context_(std::move(context)), options_(std::move(options)) {}

  void ConnectionMade(std::shared_ptr<Transport> its_transport) override {
    ++made;
    transport = std::move(its_transport);
  }
  void DataReceived(absl::string_view data) override {
    received.append(data.data(), data.size());
    const size_t end = received.find('\n');
    if (secure || upgrade.valid() || end == std::string::npos) return;
    options_.received = received.substr(end + 1);
    received.resize(end + 1);
    transport->PauseReading();
    Start();
  }
  void ConnectionLost(const absl::Status&) override {
    ++lost;
    transport = nullptr;
  }
  void PauseWriting() override { paused = true; }
  void ResumeWriting() override {
    EXPECT_TRUE(secure || !upgrade.valid());
    paused = false;
  }

  void Start() {
    upgrade = CreateTask(transport->loop(), Upgrade(this, transport));
  }

  std::shared_ptr<Transport> transport;
  std::string received;
  Task<void> upgrade;
  bool secure = false;
  bool paused = false;
  int made = 0;
  int lost = 0;

 private:
  static Coro<void> Upgrade(Upgrader* self, std::shared_ptr<Transport> plain) {
    self->transport = co_await OrReturn(
        StartTls(std::move(plain), self->context_, self->options_));
    self->secure = true;
    co_return absl::OkStatus();
  }

  const std::shared_ptr<TlsContext> context_;
  StartTlsOptions options_;
};

class StartTlsTest : public ::testing::TestWithParam<TlsLibrary> {
 protected:
  std::shared_ptr<Upgrader> AttachClient(Socket socket) {
    StartTlsOptions options;
    options.server_name = "server.example";
    auto protocol = std::make_shared<Upgrader>(client_context_, options);
    NewStreamTransport(test_.loop(), std::move(socket), protocol);
    RunUntilIdle();
    return protocol;
  }
  std::shared_ptr<Upgrader> AttachServer(Socket socket) {
    StartTlsOptions options;
    options.server_side = true;
    auto protocol = std::make_shared<Upgrader>(server_context_, options);
    NewStreamTransport(test_.loop(), std::move(socket), protocol);
    RunUntilIdle();
    return protocol;
  }
  void RunUntilIdle() { ASSERT_TRUE(test_.RunUntilIdle().ok()); }

  TestLoop test_;
  const net_internal::TlsTestContexts contexts_{GetParam()};
  std::shared_ptr<TlsContext> client_context_ = contexts_.client;
  std::shared_ptr<TlsContext> server_context_ = contexts_.server;
};

INSTANTIATE_TEST_SUITE_P(Engines, StartTlsTest,
                         ::testing::Values(TlsLibrary::kFake,
                                           TlsLibrary::kOpenssl),
                         NameOfTlsLibrary);

// TLS-20
TEST_P(StartTlsTest, AConnectionIsUpgradedInPlace) {
  auto [near, far] = *Socket::Pair();
  const auto client = AttachClient(std::move(near));
  const auto server = AttachServer(std::move(far));
  ASSERT_TRUE(client->transport->Write("STARTTLS\n").ok());
  RunUntilIdle();
  ASSERT_TRUE(server->upgrade.valid());
  client->Start();
  RunUntilIdle();
  ASSERT_TRUE(client->secure && server->secure);
  EXPECT_EQ(client->transport->GetProtocol(), client);
  ASSERT_TRUE(client->transport->Write("in secret").ok());
  RunUntilIdle();
  EXPECT_EQ(server->received, "STARTTLS\nin secret");
  EXPECT_EQ(client->made, 1);
  EXPECT_EQ(server->made, 1);
  client->transport->Close();
  RunUntilIdle();
  EXPECT_EQ(client->lost, 1);
  EXPECT_EQ(server->lost, 1);
}

TEST_P(StartTlsTest, WhatWasWrittenBeforeIsSentInClear) {
  auto [near, far] = *Socket::Pair();
  const auto client = AttachClient(std::move(near));
  const std::string before(1000000, 'b');
  ASSERT_TRUE(client->transport->Write(before).ok());
  ASSERT_GT(client->transport->GetWriteBufferSize(), 0u);
  client->Start();
  std::string wire;
  while (wire.size() <= before.size()) {
    RunUntilIdle();
    char buffer[65536];
    const IoResult got = far.Recv(absl::MakeSpan(buffer));
    ASSERT_TRUE(got.ok());
    wire.append(buffer, got.bytes());
  }
  EXPECT_EQ(wire.compare(0, before.size(), before), 0);
  EXPECT_EQ(wire[before.size()],
            GetParam() == TlsLibrary::kFake ? 'h' : '\x16');
  client->transport->Abort();
  RunUntilIdle();
  EXPECT_FALSE(client->upgrade.Error().ok());
}

// TLS-23
TEST_P(StartTlsTest, NoByteIsLostHoweverTheUpgradeIsCut) {
  size_t length = 1;
  for (size_t cut = 0; cut <= length; ++cut) {
    auto [near, far] = *Socket::Pair();
    const auto server = AttachServer(std::move(near));
    std::unique_ptr<TlsEngine> peer =
        *client_context_->NewClientEngine("server.example");
    std::string wire = "STARTTLS\n";
    ASSERT_TRUE(peer->Handshake().ok());
    peer->TakeOutput(&wire);
    length = wire.size();
    for (const std::string& part : {wire.substr(0, cut), wire.substr(cut)}) {
      if (part.empty()) continue;
      ASSERT_TRUE(far.Send(part).ok());
      RunUntilIdle();
    }
    bool done = false;
    for (int i = 0; i < 4 && !done; ++i) {
      char buffer[16384];
      const IoResult got = far.Recv(absl::MakeSpan(buffer));
      ASSERT_TRUE(got.ok()) << cut;
      peer->Feed(absl::string_view(buffer, got.bytes()));
      const absl::StatusOr<bool> result = peer->Handshake();
      ASSERT_TRUE(result.ok()) << result.status();
      done = *result;
      if (done) {
        ASSERT_TRUE(peer->Write("in secret").ok());
      }
      wire.clear();
      peer->TakeOutput(&wire);
      if (!wire.empty()) {
        ASSERT_TRUE(far.Send(wire).ok());
      }
      RunUntilIdle();
    }
    EXPECT_TRUE(server->secure) << cut;
    EXPECT_EQ(server->received, "STARTTLS\nin secret") << cut;
    server->transport->Abort();
    RunUntilIdle();
  }
}

TEST_P(StartTlsTest, bug_I6_ClearTextBehindTheCommandReachesNobody) {
  auto [near, far] = *Socket::Pair();
  const auto server = AttachServer(std::move(near));
  ASSERT_TRUE(far.Send("STARTTLS\nMAIL FROM:<mallory@example>\r\n").ok());
  RunUntilIdle();
  EXPECT_FALSE(server->secure);
  EXPECT_EQ(server->received, "STARTTLS\n");
  EXPECT_EQ(server->upgrade.Error().code(), absl::StatusCode::kAborted);
}

// TLS-22
TEST_P(StartTlsTest, AFailedUpgradeClosesTheConnection) {
  auto [near, far] = *Socket::Pair();
  const auto client = AttachClient(std::move(near));
  const std::shared_ptr<Transport> plain = client->transport;
  client->Start();
  RunUntilIdle();
  ASSERT_TRUE(far.Send("500 I do not know that command\r\n").ok());
  RunUntilIdle();
  EXPECT_FALSE(client->upgrade.Error().ok());
  EXPECT_TRUE(plain->IsClosing());
  EXPECT_EQ(client->lost, 1);  // TR-02
}

// TLS-24
TEST_P(StartTlsTest, AClosedTransportIsRefusedAtOnce) {
  auto [near, far] = *Socket::Pair();
  const auto client = AttachClient(std::move(near));
  client->transport->Close();
  client->Start();
  RunUntilIdle();
  EXPECT_EQ(client->upgrade.Error().code(),
            absl::StatusCode::kFailedPrecondition);
}

// FLOW-04
TEST_P(StartTlsTest, AProtocolThatWasPausedBeforeIsResumedAfter) {
  auto [near, far] = *Socket::Pair();
  const auto client = AttachClient(std::move(near));
  const auto server = AttachServer(std::move(far));
  std::string before(1000000, 'b');
  before += '\n';
  ASSERT_TRUE(client->transport->Write(before).ok());
  EXPECT_TRUE(client->paused);
  client->Start();
  RunUntilIdle();
  ASSERT_TRUE(client->secure && server->secure);
  EXPECT_FALSE(client->paused);
  EXPECT_TRUE(server->received == before);
  client->transport->Abort();
  RunUntilIdle();
}

TEST_P(StartTlsTest, CancellingAbortsTheConnection) {
  auto [near, far] = *Socket::Pair();
  const auto client = AttachClient(std::move(near));
  client->Start();
  RunUntilIdle();
  EXPECT_TRUE(client->upgrade.Cancel());
  RunUntilIdle();
  EXPECT_TRUE(client->upgrade.cancelled());
  EXPECT_EQ(client->lost, 1);
  char buffer[4096];
  while (far.Recv(absl::MakeSpan(buffer)).bytes() > 0) {
  }
  EXPECT_FALSE(far.Recv(absl::MakeSpan(buffer)).would_block());
}

TEST_P(StartTlsTest, ANameIsForClientsOnly) {
  auto [near, far] = *Socket::Pair();
  StartTlsOptions options;
  options.server_side = true;
  options.server_name = "server.example";
  const auto server = std::make_shared<Upgrader>(server_context_, options);
  NewStreamTransport(test_.loop(), std::move(near), server);
  RunUntilIdle();
  server->Start();
  RunUntilIdle();
  EXPECT_EQ(server->upgrade.Error().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_FALSE(server->transport->IsClosing());
}

}  // namespace
}  // namespace evkit
