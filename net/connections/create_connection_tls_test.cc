// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include <cerrno>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "evkit/base/errno_status.h"
#include "evkit/loop/coro/run_until_complete.h"
#include "evkit/loop/coro/task.h"
#include "evkit/loop/testing/test_loop.h"
#include "evkit/net/connections/create_connection.h"
#include "evkit/net/connections/local_port.h"
#include "evkit/net/connections/traced_protocol.h"
#include "evkit/net/socket.h"
#include "evkit/net/tls/fake_tls_context.h"
#include "evkit/net/tls/tls_engine.h"
#include "evkit/net/tls/tls_layer.h"
#include "evkit/net/tls/tls_options.h"
#include "evkit/net/transport.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using ::testing::ElementsAre;

class CreateConnectionTlsTest : public ::testing::Test {
 protected:
  // The other end of `socket`, which speaks TLS too.
  Task<Connection> Serve(Socket socket) {
    return CreateTask(test_.loop(), ConnectAcceptedSocket(Traced(server_trace_),
                                                          std::move(socket),
                                                          TlsOptions(tls_)));
  }
  Socket Accept() {
    auto accepted = port_.socket().Accept();
    EXPECT_TRUE(accepted.ok() && accepted->has_value());
    return std::move((**accepted).first);
  }
  void RunUntilIdle() { ASSERT_TRUE(test_.RunUntilIdle().ok()); }
  TlsOptions Named(std::string name) {
    TlsOptions options(tls_);
    options.server_name = std::move(name);
    return options;
  }

  TestLoop test_;
  LocalPort port_;
  std::shared_ptr<TlsContext> tls_ = NewFakeTlsContext();
  std::vector<std::string> trace_;
  std::vector<std::string> server_trace_;
};

// CONN-07, TLS-02
TEST_F(CreateConnectionTlsTest, TheHostIsWhomTheCertificateMustBeFor) {
  port_.Listen();
  ConnectionOptions options;
  options.tls.emplace(tls_);
  const Task<Connection> client = CreateTask(
      test_.loop(), CreateConnection(Traced(trace_), "127.0.0.1",
                                     port_.address().port(), options));
  RunUntilIdle();
  EXPECT_FALSE(client.done());
  EXPECT_THAT(trace_, ElementsAre("factory"));
  const Task<Connection> server = Serve(Accept());
  RunUntilIdle();
  ASSERT_TRUE(client.Error().ok()) << client.Error();
  ASSERT_TRUE(server.Error().ok()) << server.Error();
  const Connection at_server = *server.Result();
  EXPECT_EQ(at_server.transport->GetExtraInfo(kTlsInfo)->server_name,
            "127.0.0.1");
  ASSERT_TRUE(at_server.transport->Write("hello").ok());
  RunUntilIdle();
  EXPECT_THAT(trace_, ElementsAre("factory", "made", "data:hello"));
}

// UNIX-02
TEST_F(CreateConnectionTlsTest, ASocketAloneHasNoName) {
  auto [near, far] = *Socket::Pair();
  EXPECT_EQ(RunUntilComplete(test_.loop(), CreateUnixConnection(
                                               Traced(trace_), std::move(near),
                                               TlsOptions(tls_)))
                .status()
                .code(),
            absl::StatusCode::kInvalidArgument);
  RunUntilIdle();
  char byte;
  EXPECT_EQ(far.Recv(absl::MakeSpan(&byte, 1)).bytes(), 0u);
  EXPECT_THAT(trace_, ElementsAre("factory"));
}

TEST_F(CreateConnectionTlsTest, ASocketCanBeEncrypted) {
  auto [near, far] = *Socket::Pair();
  const Task<Connection> server = Serve(std::move(far));
  const auto client = RunUntilComplete(
      test_.loop(),
      CreateUnixConnection(Traced(trace_), std::move(near), Named("a.test")));
  ASSERT_TRUE(client.ok()) << client.status();
  EXPECT_EQ(client->transport->GetProtocol(), client->protocol);
  client->transport->Close();
  RunUntilIdle();
  EXPECT_THAT(trace_, ElementsAre("factory", "made", "lost:OK"));
  EXPECT_THAT(server_trace_, ElementsAre("factory", "made", "eof", "lost:OK"));
}

// TLS-03
TEST_F(CreateConnectionTlsTest, AFailedHandshakeIsTheCallersError) {
  auto [near, far] = *Socket::Pair();
  FakeTlsOptions strict;
  strict.client_error = absl::UnauthenticatedError("a stranger");
  TlsOptions options(NewFakeTlsContext(strict));
  options.server_name = "a.test";
  const Task<Connection> server = Serve(std::move(far));
  const auto client = RunUntilComplete(
      test_.loop(), CreateConnection(Traced(trace_), std::move(near), options));
  EXPECT_EQ(client.status().code(), absl::StatusCode::kUnauthenticated);
  RunUntilIdle();
  EXPECT_THAT(trace_, ElementsAre("factory"));
}

// TLS-05
TEST_F(CreateConnectionTlsTest, APeerThatSaysNothingIsLeft) {
  auto [near, far] = *Socket::Pair();
  const Task<Connection> client = CreateTask(
      test_.loop(),
      CreateConnection(Traced(trace_), std::move(near), Named("a.test")));
  ASSERT_TRUE(test_.FastForwardBy(absl::Seconds(60)).ok());
  ASSERT_TRUE(client.done());
  EXPECT_EQ(ErrnoFromStatus(client.Error()), ECONNABORTED);
}

TEST_F(CreateConnectionTlsTest, CancelledInTheHandshakeItLeavesNothingOpen) {
  auto [near, far] = *Socket::Pair();
  const Task<Connection> client = CreateTask(
      test_.loop(),
      CreateConnection(Traced(trace_), std::move(near), Named("a.test")));
  RunUntilIdle();
  EXPECT_TRUE(client.Cancel());
  RunUntilIdle();
  EXPECT_TRUE(client.cancelled());
  EXPECT_THAT(trace_, ElementsAre("factory"));
  char buffer[100];
  ASSERT_GT(far.Recv(absl::MakeSpan(buffer)).bytes(), 0u);  // The hello.
  EXPECT_EQ(far.Recv(absl::MakeSpan(buffer)).bytes(), 0u);
}

}  // namespace
}  // namespace evkit
