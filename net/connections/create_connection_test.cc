// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/connections/create_connection.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "evkit/base/errno_status.h"
#include "evkit/base/fault_injection.h"
#include "evkit/loop/abstract_event_loop.h"
#include "evkit/loop/coro/error_group.h"
#include "evkit/loop/coro/run_until_complete.h"
#include "evkit/loop/default_event_loop.h"
#include "evkit/loop/testing/test_loop.h"
#include "evkit/net/connections/local_port.h"
#include "evkit/net/connections/traced_protocol.h"
#include "evkit/net/dns/fake_resolver.h"
#include "evkit/net/dns/loop_resolver.h"
#include "evkit/net/extra_info.h"
#include "evkit/net/socket.h"
#include "evkit/net/socket_address.h"
#include "evkit/net/transport.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

class CreateConnectionTest : public ::testing::Test {
 protected:
  CreateConnectionTest() { SetResolver(test_.loop(), names_); }

  absl::StatusOr<Connection> Run(Coro<Connection> coro) {
    return RunUntilComplete(test_.loop(), std::move(coro));
  }
  // By a name that has these addresses.
  absl::StatusOr<Connection> Connect(
      std::vector<SocketAddress> addresses,
      ConnectionOptions options = ConnectionOptions()) {
    names_->Answer("a.test", std::move(addresses));
    return Run(
        CreateConnection(Traced(trace_), "a.test", 0, std::move(options)));
  }

  static SocketAddress Peer(const Connection& connection) {
    return *connection.transport->GetExtraInfo(kPeername);
  }
  static Socket Accept(LocalPort& port) {
    auto accepted = port.socket().Accept();
    EXPECT_TRUE(accepted.ok() && accepted->has_value());
    return std::move((**accepted).first);
  }
  SocketAddress AbstractName() {
    return *SocketAddress::Unix(std::string("\0evkit-create-", 14) +
                                std::to_string(test_->Random()));
  }

  TestLoop test_;
  std::shared_ptr<FakeResolver> names_ =
      std::make_shared<FakeResolver>(test_.loop());
  std::vector<std::string> trace_;
};

// CONN-01
TEST_F(CreateConnectionTest, TheProtocolKnowsOfTheConnectionBeforeTheCaller) {
  LocalPort listening;
  listening.Listen();
  const auto factory = [&] {
    trace_.push_back("factory");
    test_->CallSoon([&] { trace_.push_back("later turn"); });
    return std::make_shared<TracedProtocol>(&trace_);
  };
  const auto connection =
      Run(CreateConnection(factory, "127.0.0.1", listening.address().port()));
  trace_.push_back("returned");
  ASSERT_TRUE(connection.ok()) << connection.status();
  EXPECT_THAT(trace_, ElementsAre("factory", "later turn", "made", "returned"));
  EXPECT_EQ(connection->transport->GetProtocol(), connection->protocol);
  EXPECT_EQ(Peer(*connection), listening.address());
}

// CONN-02
TEST_F(CreateConnectionTest, NothingIsReceivedBeforeTheConnectionIsMade) {
  auto pair = *Socket::Pair();
  ASSERT_TRUE(pair.second.Send("early").ok());
  ASSERT_TRUE(
      Run(CreateConnection(Traced(trace_), std::move(pair.first))).ok());
  ASSERT_TRUE(test_.RunUntilIdle().ok());
  EXPECT_THAT(trace_, ElementsAre("factory", "made", "data:early"));
}

// CONN-03
TEST_F(CreateConnectionTest, WithoutHostAndServiceThereIsNothingToConnectTo) {
  EXPECT_EQ(Run(CreateConnection(Traced(trace_), "", "")).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(trace_, IsEmpty());
  names_->Answer("", {SocketAddress::LoopbackIPv4(0)});
  EXPECT_EQ(
      ErrnoFromStatus(Run(CreateConnection(Traced(trace_), "", 1)).status()),
      ECONNREFUSED);
  EXPECT_THAT(names_->questions(), ElementsAre(":1"));
}

// CONN-04, UNIX-01, SRV-29
TEST_F(CreateConnectionTest, SocketsOfTheWrongKindAreRefusedAndClosed) {
  const std::function<Coro<Connection>(Socket)> functions[] = {
      [&](Socket s) { return CreateConnection(Traced(trace_), std::move(s)); },
      [&](Socket s) {
        return CreateUnixConnection(Traced(trace_), std::move(s));
      },
      [&](Socket s) {
        return ConnectAcceptedSocket(Traced(trace_), std::move(s));
      }};
  for (const auto& function : functions) {
    FaultInjection faults;
    Socket datagrams = *Socket::Create(AF_INET, SOCK_DGRAM);
    EXPECT_EQ(Run(function(std::move(datagrams))).status().code(),
              absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(faults.Count("close"), 1);
  }
  Socket internet = *Socket::Create(AF_INET, SOCK_STREAM);
  EXPECT_EQ(Run(functions[1](std::move(internet))).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(trace_, IsEmpty());
}

// CONN-04, CONN-05, UNIX-01, SRV-29
TEST_F(CreateConnectionTest, AConnectedSocketIsTakenOver) {
  const std::function<Coro<Connection>(Socket)> functions[] = {
      [&](Socket s) { return CreateConnection(Traced(trace_), std::move(s)); },
      [&](Socket s) {
        return CreateUnixConnection(Traced(trace_), std::move(s));
      },
      [&](Socket s) {
        return ConnectAcceptedSocket(Traced(trace_), std::move(s));
      }};
  for (const auto& function : functions) {
    trace_.clear();
    auto pair = *Socket::Pair();
    const auto connection = Run(function(std::move(pair.first)));
    ASSERT_TRUE(connection.ok()) << connection.status();
    ASSERT_TRUE(connection->transport->Write("hello").ok());
    char buffer[8];
    ASSERT_EQ(pair.second.Recv(buffer).bytes(), 5u);
    connection->transport->Close();
    ASSERT_TRUE(test_.RunUntilIdle().ok());
    EXPECT_EQ(pair.second.Recv(buffer).bytes(), 0u);
    EXPECT_THAT(trace_, ElementsAre("factory", "made", "lost:OK"));
  }
}

// CONN-08
TEST_F(CreateConnectionTest, NumbersAskNoResolver) {
  LocalPort listening, local;
  listening.Listen();
  local.socket().Close();
  ConnectionOptions options;
  options.local_address.emplace("127.0.0.1", 0);
  const int port = listening.address().port();
  EXPECT_TRUE(
      Run(CreateConnection(Traced(trace_), "127.0.0.1", port, options)).ok());
  EXPECT_TRUE(Run(CreateConnection(Traced(trace_), "127.0.0.1",
                                   std::to_string(port), options))
                  .ok());
  EXPECT_THAT(names_->questions(), IsEmpty());
}

// CONN-09
TEST_F(CreateConnectionTest, ANameWithoutAddressesIsAnError) {
  EXPECT_EQ(Connect({}).status(),
            absl::NotFoundError("getaddrinfo() returned empty list"));
  names_->Answer("here.test", {});
  ConnectionOptions options;
  options.local_address.emplace("here.test", 0);
  EXPECT_EQ(Connect({SocketAddress::LoopbackIPv4(1)}, options).status(),
            absl::NotFoundError("getaddrinfo() returned empty list"));
}

// CONN-10
TEST_F(CreateConnectionTest, TheLocalAddressMayBeANameToo) {
  LocalPort listening, local;
  listening.Listen();
  const SocketAddress here = local.address();
  local.socket().Close();
  names_->Answer("here.test",
                 {SocketAddress::LoopbackIPv6(0), listening.address(), here});
  ConnectionOptions options;
  options.local_address.emplace("here.test", 0);
  const auto connection = Connect({listening.address()}, options);
  ASSERT_TRUE(connection.ok()) << connection.status();
  EXPECT_EQ(*connection->transport->GetExtraInfo(kSockname), here);
}

// CONN-11
TEST_F(CreateConnectionTest, WithoutALocalAddressOfTheFamilyItFails) {
  ConnectionOptions options;
  options.local_address.emplace("::1", 0);
  EXPECT_EQ(
      Connect({SocketAddress::LoopbackIPv4(1)}, options).status(),
      absl::NotFoundError("no matching local address with family=2 found"));
}

// CONN-12
TEST_F(CreateConnectionTest, TheFirstAddressThatAnswersWins) {
  LocalPort refusing, first, second;
  first.Listen();
  second.Listen();
  FaultInjection faults;
  const auto connection =
      Connect({refusing.address(), first.address(), second.address()});
  ASSERT_TRUE(connection.ok()) << connection.status();
  EXPECT_EQ(Peer(*connection), first.address());
  EXPECT_EQ(faults.Count("connect"), 2);
}

// CONN-13, CONN-14
TEST_F(CreateConnectionTest, IfNoneAnswersAllErrorsAreTold) {
  LocalPort a, b;
  const absl::Status status = Connect({a.address(), b.address()}).status();
  EXPECT_THAT(std::string(status.message()),
              StartsWith("Multiple exceptions: Connect call failed"));
  ConnectionOptions options;
  options.all_errors = true;
  const absl::Status group = Connect({a.address()}, options).status();
  EXPECT_THAT(std::string(group.message()),
              HasSubstr("create_connection failed"));
  EXPECT_THAT(ErrorGroupMembers(group), ::testing::SizeIs(1));
  EXPECT_THAT(trace_, IsEmpty());
}

// CONN-16
TEST_F(CreateConnectionTest, TcpDoesNotWaitForMore) {
  LocalPort listening;
  listening.Listen();
  const auto connection = Connect({listening.address()});
  ASSERT_TRUE(connection.ok());
  EXPECT_EQ(*connection->transport->GetExtraInfo(kSocket)->GetOption(
                IPPROTO_TCP, TCP_NODELAY),
            1);
}

TEST_F(CreateConnectionTest, FamilyAndProtocolAreTheResolversAndTheSockets) {
  LocalPort listening;
  listening.Listen();
  ConnectionOptions options;
  options.family = AF_INET;
  FaultInjection faults;
  EXPECT_TRUE(
      Connect({SocketAddress::LoopbackIPv6(1), listening.address()}, options)
          .ok());
  EXPECT_EQ(faults.Count("connect"), 1);
  options.protocol = IPPROTO_UDP;
  EXPECT_EQ(ErrnoFromStatus(Connect({listening.address()}, options).status()),
            EPROTONOSUPPORT);
}

#if defined(__cpp_exceptions)

// CONN-19
TEST_F(CreateConnectionTest, WhatTheFactoryThrowsIsRethrownAndTheSocketClosed) {
  LocalPort listening;
  listening.Listen();
  FaultInjection faults;
  const auto factory = []() -> std::shared_ptr<Protocol> {
    throw std::runtime_error("no protocol");
  };
  EXPECT_THROW((void)Run(CreateConnection(factory, "127.0.0.1",
                                          listening.address().port())),
               std::runtime_error);
  EXPECT_EQ(faults.Count("socket"), 1);
  EXPECT_EQ(faults.Count("close"), 1);
}

// CONN-20
TEST_F(CreateConnectionTest, WhatConnectionMadeThrowsIsReportedAndNoFailure) {
  class Throwing final : public Protocol {
   public:
    void ConnectionMade(std::shared_ptr<Transport>) override {
      throw std::runtime_error("not now");
    }
  };
  auto pair = *Socket::Pair();
  const auto factory = [] { return std::make_shared<Throwing>(); };
  const auto connection = Run(CreateConnection(factory, std::move(pair.first)));
  ASSERT_TRUE(connection.ok()) << connection.status();
  EXPECT_FALSE(connection->transport->IsClosing());
  ASSERT_THAT(test_.log(), ::testing::SizeIs(1));
  EXPECT_THAT(test_.log()[0], HasSubstr("not now"));
}

#endif  // __cpp_exceptions

// HAPPY-01, HAPPY-03, HAPPY-04, HAPPY-05
TEST_F(CreateConnectionTest, ASlowAddressIsNotWaitedForWithADelay) {
  LocalPort slow, listening;
  slow.ListenAndAnswerNobody();
  listening.Listen();
  ConnectionOptions options;
  options.happy_eyeballs_delay = absl::Milliseconds(250);
  FaultInjection faults;
  const auto connection =
      Connect({slow.address(), listening.address()}, options);
  ASSERT_TRUE(connection.ok()) << connection.status();
  EXPECT_EQ(Peer(*connection), listening.address());
  EXPECT_EQ(test_.elapsed(), absl::Milliseconds(250));
  EXPECT_EQ(faults.Count("socket"), 2);
  EXPECT_EQ(faults.Count("close"), 1);
}

// HAPPY-01, HAPPY-02
TEST_F(CreateConnectionTest, ADelayMakesFamiliesTakeTurnsUnlessToldOtherwise) {
  LocalPort listening;
  listening.Listen();
  // Nobody listens on the first two.
  const std::vector<SocketAddress> addresses = {SocketAddress::LoopbackIPv6(1),
                                                SocketAddress::LoopbackIPv6(2),
                                                listening.address()};
  const auto attempts = [&](const ConnectionOptions& options) {
    FaultInjection faults;
    EXPECT_TRUE(Connect(addresses, options).ok());
    return faults.Count("socket");
  };
  ConnectionOptions options;
  EXPECT_EQ(attempts(options), 3);
  options.interleave = 1;
  EXPECT_EQ(attempts(options), 2);
  options.interleave.reset();
  options.happy_eyeballs_delay = absl::Hours(1);
  EXPECT_EQ(attempts(options), 2);
  options.interleave = 2;
  EXPECT_EQ(attempts(options), 3);
  options.interleave = 0;
  EXPECT_EQ(attempts(options), 3);
}

// UNIX-01, UNIX-07
TEST_F(CreateConnectionTest, UnixSocketsByPathAndByAbstractName) {
  char directory[] = "/tmp/evkit-XXXXXX";  // The test's own is too long.
  ASSERT_NE(::mkdtemp(directory), nullptr);
  const SocketAddress path =
      *SocketAddress::Unix(absl::StrCat(directory, "/socket"));
  for (const SocketAddress& address : {path, AbstractName()}) {
    const std::string name(address.path());
    Socket listening = *Socket::Create(AF_UNIX, SOCK_STREAM);
    EXPECT_EQ(ErrnoFromStatus(
                  Run(CreateUnixConnection(Traced(trace_), name)).status()),
              address.is_abstract() ? ECONNREFUSED : ENOENT);
    ASSERT_TRUE(listening.Bind(address).ok());
    const absl::Status refused =
        Run(CreateUnixConnection(Traced(trace_), name)).status();
    EXPECT_EQ(ErrnoFromStatus(refused), ECONNREFUSED);
    EXPECT_THAT(std::string(refused.message()), HasSubstr(address.ToString()));
    EXPECT_THAT(trace_, IsEmpty());

    ASSERT_TRUE(listening.Listen(1).ok());
    const auto connection = Run(CreateUnixConnection(Traced(trace_), name));
    ASSERT_TRUE(connection.ok()) << connection.status();
    EXPECT_EQ(Peer(*connection), address);
    EXPECT_THAT(trace_, ElementsAre("factory", "made"));
    connection->transport->Abort();
    ASSERT_TRUE(test_.RunUntilIdle().ok());
    trace_.clear();
  }
  std::filesystem::remove_all(directory);
}

// UNIX-01
TEST_F(CreateConnectionTest, APathThatCannotBeIsRefused) {
  for (const std::string& path : {std::string(), std::string(108, 'a')}) {
    EXPECT_EQ(Run(CreateUnixConnection(Traced(trace_), path)).status().code(),
              absl::StatusCode::kInvalidArgument);
  }
}

// UNIX-07: connect(2) of a Unix socket does not wait for room.
TEST_F(CreateConnectionTest, AListenerWhoseQueueIsFullIsAnError) {
  const SocketAddress address = AbstractName();
  Socket listening = *Socket::Create(AF_UNIX, SOCK_STREAM);
  ASSERT_TRUE(listening.Bind(address).ok());
  ASSERT_TRUE(listening.Listen(0).ok());
  const std::string name(address.path());
  ASSERT_TRUE(Run(CreateUnixConnection(Traced(trace_), name)).ok());
  EXPECT_EQ(
      ErrnoFromStatus(Run(CreateUnixConnection(Traced(trace_), name)).status()),
      EAGAIN);
}

TEST_F(CreateConnectionTest, ByNameOnARealLoopWithTheSystemsResolver) {
  LocalPort listening;
  listening.Listen();
  const std::unique_ptr<AbstractEventLoop> loop = *NewDefaultEventLoop();
  ConnectionOptions options;
  options.family = AF_INET;
  const auto connection = RunUntilComplete(
      *loop, CreateConnection(Traced(trace_), "localhost",
                              listening.address().port(), options));
  ASSERT_TRUE(connection.ok()) << connection.status();
  EXPECT_EQ(Peer(*connection), listening.address());
  EXPECT_TRUE(loop->Close().ok());
}

// SRV-29
TEST_F(CreateConnectionTest, AnAcceptedSocketGetsAProtocol) {
  LocalPort listening;
  listening.Listen();
  const auto client = Connect({listening.address()});
  ASSERT_TRUE(client.ok());
  trace_.clear();
  const auto server =
      Run(ConnectAcceptedSocket(Traced(trace_), Accept(listening)));
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_EQ(Peer(*server), *client->transport->GetExtraInfo(kSockname));
  ASSERT_TRUE(client->transport->Write("hello").ok());
  ASSERT_TRUE(test_.RunUntilIdle().ok());
  EXPECT_THAT(trace_, ElementsAre("factory", "made", "data:hello"));
}

}  // namespace
}  // namespace evkit
