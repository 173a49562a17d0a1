// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Servers and their clients through TLS, over both engines.

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "evkit/loop/coro/run_until_complete.h"
#include "evkit/loop/coro/task.h"
#include "evkit/loop/testing/test_loop.h"
#include "evkit/net/connections/create_connection.h"
#include "evkit/net/connections/create_server.h"
#include "evkit/net/connections/server.h"
#include "evkit/net/connections/server_testing.h"
#include "evkit/net/connections/traced_protocol.h"
#include "evkit/net/socket.h"
#include "evkit/net/socket_address.h"
#include "evkit/net/tls/internal/tls_testing.h"
#include "evkit/net/tls/tls_engine.h"
#include "evkit/net/tls/tls_layer.h"
#include "evkit/net/tls/tls_options.h"
#include "evkit/net/transport.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using net_internal::NameOfTlsLibrary;
using net_internal::TlsLibrary;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class TlsServerTest : public ::testing::TestWithParam<TlsLibrary> {
 protected:
  TlsServerTest() {
    ServerOptions options;
    options.tls.emplace(server_tls_);
    server_ = *RunUntilComplete(
        test_.loop(),
        CreateServer(diary_.NewFactory(), "127.0.0.1", 0, std::move(options)));
    address_ = *server_->Sockets()[0].LocalAddress();
  }

  absl::StatusOr<Connection> Connect() {
    ConnectionOptions options;
    options.tls.emplace(client_tls_);
    return RunUntilComplete(
        test_.loop(), CreateConnection(Traced(trace_), "127.0.0.1",
                                       address_.port(), std::move(options)));
  }
  void RunUntilIdle() { ASSERT_TRUE(test_.RunUntilIdle().ok()); }
  // What goes through the kernel may take a while.
  void RunUntil(absl::FunctionRef<bool()> done) {
    do RunUntilIdle();
    while (!done());
  }

  TestLoop test_;
  const net_internal::TlsTestContexts contexts_{GetParam()};
  std::shared_ptr<TlsContext> client_tls_ = contexts_.client;
  std::shared_ptr<TlsContext> server_tls_ = contexts_.server;
  Diary diary_;
  std::vector<std::string> trace_;
  std::shared_ptr<Server> server_;
  SocketAddress address_;
};

INSTANTIATE_TEST_SUITE_P(Engines, TlsServerTest,
                         ::testing::Values(TlsLibrary::kFake,
                                           TlsLibrary::kOpenssl),
                         NameOfTlsLibrary);

TEST_P(TlsServerTest, ClientsAreServedThroughTls) {
  const auto client = Connect();
  ASSERT_TRUE(client.ok()) << client.status();
  ASSERT_TRUE(client->transport->Write("hello").ok());
  RunUntil([&] { return trace_.size() == 3; });
  EXPECT_THAT(trace_, ElementsAre("factory", "made", "data:hello"));
  EXPECT_THAT(diary_.entries, ElementsAre("new", "made", "data hello"));
  EXPECT_NE(diary_.transports[0]->GetExtraInfo(kTlsInfo), nullptr);
  EXPECT_EQ(server_->client_count(), 1u);
}

// SRV-25, TLS-09
TEST_P(TlsServerTest, ClosingClientsSaysCloseNotify) {
  ASSERT_TRUE(Connect().ok());
  RunUntil([&] { return diary_.entries.size() == 2; });
  trace_.clear();
  server_->Close();
  server_->CloseClients();
  const absl::Status closed =
      RunUntilComplete(test_.loop(), server_->WaitClosed());
  EXPECT_TRUE(closed.ok());
  RunUntil([&] { return trace_.size() == 2; });
  EXPECT_THAT(trace_, ElementsAre("eof", "lost:OK"));
  EXPECT_THAT(diary_.entries, ElementsAre("new", "made", "lost"));
}

TEST_P(TlsServerTest, AbortingClientsSaysNothing) {
  ASSERT_TRUE(Connect().ok());
  RunUntil([&] { return diary_.entries.size() == 2; });
  trace_.clear();
  server_->AbortClients();
  RunUntil([&] { return trace_.size() == 1; });
  EXPECT_THAT(trace_, ElementsAre("lost:DATA_LOSS"));
  EXPECT_EQ(server_->client_count(), 0u);
}

// SRV-14
TEST_P(TlsServerTest, AFailedHandshakeIsNobodysConnection) {
  for (const bool debug : {false, true}) {
    test_->SetDebug(debug);
    Socket client = NewClient(address_);
    RunUntil([&] { return server_->client_count() == 1; });
    ASSERT_TRUE(client.Send("GET / HTTP/1.1\r\n\r\n").ok());
    RunUntil([&] { return server_->client_count() == 0; });
  }
  EXPECT_THAT(diary_.entries, ElementsAre("new", "new"));
  ASSERT_EQ(test_.log().size(), 1u);
  EXPECT_THAT(test_.log()[0], HasSubstr("Error on transport creation"));
}

// I4
TEST_P(TlsServerTest, bug_I4_AThousandSilentPeersAreGoneAfterTheTimeout) {
  std::vector<Socket> clients;
  for (int i = 0; i < 1000; ++i) {
    clients.push_back(NewClient(address_));
    if (i % 50 == 0) RunUntilIdle();
  }
  RunUntil([&] { return server_->client_count() == 1000; });
  ASSERT_TRUE(test_.FastForwardBy(absl::Seconds(60)).ok());
  EXPECT_EQ(server_->client_count(), 0u);
  EXPECT_TRUE(Connect().ok());
}

// SRV-02
TEST_P(TlsServerTest, WhatTheContextDoesNotTakeIsRefusedAtOnce) {
  ServerOptions options;
  options.tls.emplace(server_tls_);
  options.tls->server_name = "a.test";
  EXPECT_EQ(
      RunUntilComplete(test_.loop(), CreateServer(diary_.NewFactory(),
                                                  "127.0.0.1", 0, options))
          .status()
          .code(),
      absl::StatusCode::kInvalidArgument);
  options.tls.emplace(server_tls_);
  options.tls->handshake_timeout = absl::ZeroDuration();
  EXPECT_EQ(
      RunUntilComplete(test_.loop(), CreateServer(diary_.NewFactory(),
                                                  "127.0.0.1", 0, options))
          .status()
          .code(),
      absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace evkit
