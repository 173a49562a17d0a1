// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// The client against servers that lose, cut, garble and forge, over real
// sockets and in virtual time.

#include "evkit/examples/udp_dns_probe/dns_client.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "evkit/examples/udp_dns_probe/dns_message.h"
#include "evkit/examples/udp_dns_probe/dns_testing.h"
#include "evkit/examples/udp_dns_probe/probe.h"
#include "evkit/loop/coro/or_return.h"
#include "evkit/loop/coro/run_until_complete.h"
#include "evkit/loop/coro/task.h"
#include "evkit/loop/testing/test_loop.h"
#include "evkit/net/datagrams/datagram_transport.h"
#include "evkit/net/protocol.h"
#include "evkit/net/socket.h"
#include "evkit/net/socket_address.h"
#include "evkit/net/transport.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

std::string AnswerTo(absl::string_view query) {
  std::string response = DnsResponseTo(query);
  AddDnsAnswer(&response, 1, absl::string_view("\xc0\x00\x02\x01", 4));
  return response;
}

// Answers the `n`-th question, counted from 1, with what it is told to.
class FakeServer : public DatagramProtocol {
 public:
  using Answers =
      std::function<std::vector<std::string>(int n, const std::string& query)>;

  explicit FakeServer(Answers answers) : answers_(std::move(answers)) {}

  void ConnectionMade(std::shared_ptr<DatagramTransport> transport) override {
    transport_ = std::move(transport);
  }
  void DatagramReceived(absl::string_view data,
                        const SocketAddress& from) override {
    queries.emplace_back(data);
    for (const std::string& answer :
         answers_(static_cast<int>(queries.size()), queries.back())) {
      EXPECT_TRUE(transport_->SendTo(answer, from).ok());
    }
  }
  void ConnectionLost(const absl::Status&) override { transport_ = nullptr; }

  SocketAddress address;
  std::vector<std::string> queries;

 private:
  const Answers answers_;
  std::shared_ptr<DatagramTransport> transport_;
};

// Lives as long as the loop.
FakeServer& StartServer(TestLoop& test, FakeServer::Answers answers) {
  const auto server = std::make_shared<FakeServer>(std::move(answers));
  Socket socket = *Socket::Create(AF_INET, SOCK_DGRAM);
  EXPECT_TRUE(socket.Bind(SocketAddress::LoopbackIPv4(0)).ok());
  server->address = *socket.LocalAddress();
  NewDatagramTransport(test.loop(), std::move(socket), server);
  EXPECT_TRUE(test.RunUntilIdle().ok());
  return *server;
}

class DnsClientTest : public ::testing::Test {
 protected:
  absl::StatusOr<DnsReply> Ask(const SocketAddress& server,
                               const std::string& name = "a.test") {
    auto ask = [&]() -> Coro<DnsReply> {
      client_ = co_await OrReturn(DnsClient::Create(server));
      co_return co_await client_->Ask(name, 1);
    };
    return RunUntilComplete(test_.loop(), ask());
  }

  TestLoop test_;
  std::unique_ptr<DnsClient> client_;
};

TEST_F(DnsClientTest, AnAnswerComes) {
  FakeServer& server = StartServer(test_, [](int, const std::string& query) {
    return std::vector{AnswerTo(query)};
  });
  const absl::StatusOr<DnsReply> reply = Ask(server.address, "A.test.");
  ASSERT_TRUE(reply.ok()) << reply.status();
  ASSERT_THAT(reply->message.answers, SizeIs(1));
  EXPECT_EQ(reply->message.answers[0].data, "192.0.2.1");
  EXPECT_EQ(reply->attempts, 1);
  EXPECT_EQ(test_.elapsed(), absl::ZeroDuration());
}

TEST_F(DnsClientTest, WhatIsLostIsAskedForAgainWithAnotherNumber) {
  FakeServer& server = StartServer(test_, [](int n, const std::string& query) {
    return n < 3 ? std::vector<std::string>() : std::vector{AnswerTo(query)};
  });
  const absl::StatusOr<DnsReply> reply = Ask(server.address);
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_EQ(reply->attempts, 3);
  EXPECT_EQ(reply->round_trip, absl::ZeroDuration());
  EXPECT_EQ(test_.elapsed(), absl::Seconds(1 + 2));
  ASSERT_THAT(server.queries, SizeIs(3));
  EXPECT_NE(server.queries[0].substr(0, 2), server.queries[1].substr(0, 2));
}

TEST_F(DnsClientTest, AServerThatSaysNothingIsGivenUp) {
  FakeServer& server = StartServer(test_, [](int, const std::string&) {
    return std::vector<std::string>();
  });
  const absl::StatusOr<DnsReply> reply = Ask(server.address);
  EXPECT_TRUE(absl::IsDeadlineExceeded(reply.status())) << reply.status();
  EXPECT_EQ(test_.elapsed(), absl::Seconds(1 + 2 + 4));
  EXPECT_THAT(server.queries, SizeIs(3));
}

TEST_F(DnsClientTest, AnAnswerThatComesTooLateIsForeign) {
  std::string late;
  FakeServer& server = StartServer(test_, [&](int n, const std::string& query) {
    if (n > 1) return std::vector{late, AnswerTo(query)};
    late = AnswerTo(query);
    return std::vector<std::string>();
  });
  const absl::StatusOr<DnsReply> reply = Ask(server.address);
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_EQ(reply->attempts, 2);
  EXPECT_EQ(client_->foreign(), 1);
}

TEST_F(DnsClientTest, GarbageAndForgeriesAreIgnoredAndTheAnswerStillTaken) {
  FakeServer& server = StartServer(test_, [](int, const std::string& query) {
    std::string other_id = AnswerTo(query);
    other_id[0] = static_cast<char>(other_id[0] + 1);
    const std::string other_name = AnswerTo(*EncodeDnsQuery(
        static_cast<uint16_t>(static_cast<uint8_t>(query[0]) << 8 |
                              static_cast<uint8_t>(query[1])),
        "evil.test", 1));
    std::string loop = AnswerTo(query);
    loop[query.size() + 1] = static_cast<char>(query.size());
    return std::vector<std::string>{
        "",   "garbage", query,      AnswerTo(query).substr(0, 30),
        loop, other_id,  other_name, AnswerTo(query)};
  });
  const absl::StatusOr<DnsReply> reply = Ask(server.address);
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_EQ(reply->message.question_name, "a.test");
  EXPECT_EQ(reply->attempts, 1);
  EXPECT_EQ(client_->malformed(), 4);
  EXPECT_EQ(client_->foreign(), 3);
  EXPECT_EQ(test_.elapsed(), absl::ZeroDuration());
}

TEST_F(DnsClientTest, WhatOthersSendIsNotEvenSeen) {
  Socket stranger = *Socket::Create(AF_INET, SOCK_DGRAM);
  ASSERT_TRUE(stranger.Bind(SocketAddress::LoopbackIPv4(0)).ok());
  SocketAddress client;
  FakeServer& server = StartServer(test_, [&](int n, const std::string& query) {
    if (n == 1) {
      EXPECT_TRUE(stranger.SendTo(AnswerTo(query), client).ok());
      return std::vector<std::string>();
    }
    return std::vector{AnswerTo(query)};
  });
  auto ask = [&]() -> Coro<DnsReply> {
    client_ = co_await OrReturn(DnsClient::Create(server.address));
    client = client_->local_address();
    co_return co_await client_->Ask("a.test", 1);
  };
  const absl::StatusOr<DnsReply> reply = RunUntilComplete(test_.loop(), ask());
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_EQ(reply->attempts, 2);
  EXPECT_EQ(client_->foreign() + client_->malformed(), 0);
}

TEST_F(DnsClientTest, ATruncatedAnswerIsAnError) {
  FakeServer& server = StartServer(test_, [](int, const std::string& query) {
    std::string response = AnswerTo(query);
    response[2] = static_cast<char>(response[2] | 2);
    response.resize(response.size() - 1);
    return std::vector{response};
  });
  EXPECT_TRUE(absl::IsResourceExhausted(Ask(server.address).status()));
}

TEST_F(DnsClientTest, WhereNobodyListensIsKnownAtOnce) {
  SocketAddress nobody;
  {
    Socket socket = *Socket::Create(AF_INET, SOCK_DGRAM);
    ASSERT_TRUE(socket.Bind(SocketAddress::LoopbackIPv4(0)).ok());
    nobody = *socket.LocalAddress();
  }
  EXPECT_TRUE(absl::IsUnavailable(Ask(nobody).status()));
  EXPECT_EQ(test_.elapsed(), absl::ZeroDuration());
}

TEST_F(DnsClientTest, ACancelledQuestionLeavesNothing) {
  FakeServer& server = StartServer(test_, [](int, const std::string&) {
    return std::vector<std::string>();
  });
  auto ask = [&]() -> Coro<DnsReply> {
    client_ = co_await OrReturn(DnsClient::Create(server.address));
    co_return co_await client_->Ask("a.test", 1);
  };
  const Task<DnsReply> task = CreateTask(test_.loop(), ask);
  ASSERT_TRUE(test_.RunUntilIdle().ok());
  ASSERT_THAT(server.queries, SizeIs(1));
  task.Cancel();
  ASSERT_TRUE(test_.RunUntilIdle().ok());
  EXPECT_TRUE(task.cancelled());
  ASSERT_TRUE(test_.RunUntilNothingIsLeft().ok());
  EXPECT_THAT(server.queries, SizeIs(1));
}

TEST_F(DnsClientTest, ALoopThatIsClosedMeanwhileLeavesNothing) {
  TestLoop test;
  FakeServer& server = StartServer(
      test, [](int, const std::string&) { return std::vector<std::string>(); });
  const auto task =
      CreateTask(test.loop(), Probe({server.address}, "a.test", {1, 28}));
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_THAT(server.queries, SizeIs(2));
  ASSERT_TRUE(test.loop().Close().ok());
}

TEST_F(DnsClientTest, AProbeReportsEachServerAndTypeInOrder) {
  FakeServer& good = StartServer(test_, [](int, const std::string& query) {
    return std::vector{AnswerTo(query)};
  });
  FakeServer& knows_nothing =
      StartServer(test_, [](int, const std::string& query) {
        std::string response = DnsResponseTo(query);
        response[3] = static_cast<char>(response[3] | 3);
        return std::vector<std::string>{"junk", response};
      });
  FakeServer& silent = StartServer(test_, [](int, const std::string&) {
    return std::vector<std::string>();
  });
  const std::vector<SocketAddress> servers = {silent.address, good.address,
                                              knows_nothing.address};
  const absl::StatusOr<ProbeResult> result =
      RunUntilComplete(test_.loop(), Probe(servers, "a.test", {1, 15}));
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_FALSE(result->all_answered);
  EXPECT_EQ(test_.elapsed(), absl::Seconds(7));
  const std::string expected = absl::StrCat(
      servers[0].ToString(), " a.test A: DEADLINE_EXCEEDED: no answer to 3 ",
      "questions\n", servers[0].ToString(),
      " a.test MX: DEADLINE_EXCEEDED: no answer to 3 questions\n",
      servers[1].ToString(), " a.test A: NOERROR, 1 answers, 0.0 ms\n",
      "  a.test 300 A 192.0.2.1\n", servers[1].ToString(),
      " a.test MX: NOERROR, 1 answers, 0.0 ms\n", "  a.test 300 A 192.0.2.1\n",
      servers[2].ToString(), " a.test A: NXDOMAIN, 0 answers, 0.0 ms\n",
      servers[2].ToString(), " a.test MX: NXDOMAIN, 0 answers, 0.0 ms\n",
      servers[2].ToString(),
      " ignored: 2 malformed, 0 that were not asked for\n");
  EXPECT_EQ(result->text, expected);
}

}  // namespace
}  // namespace evkit
