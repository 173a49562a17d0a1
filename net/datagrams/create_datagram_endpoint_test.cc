// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/datagrams/create_datagram_endpoint.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "evkit/base/errno_status.h"
#include "evkit/base/fault_injection.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/loop/coro/run_until_complete.h"
#include "evkit/loop/coro/task.h"
#include "evkit/loop/testing/test_loop.h"
#include "evkit/net/datagrams/datagram_testing.h"
#include "evkit/net/dns/fake_resolver.h"
#include "evkit/net/dns/host_port.h"
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

class CreateDatagramEndpointTest : public ::testing::Test {
 protected:
  CreateDatagramEndpointTest() { SetResolver(test_.loop(), names_); }

  DatagramProtocolFactory Factory() {
    return [this] {
      protocol_ = std::make_shared<RecordingDatagramProtocol>();
      return protocol_;
    };
  }
  absl::StatusOr<DatagramEndpoint> Create(DatagramEndpointOptions options) {
    return RunUntilComplete(
        test_.loop(), CreateDatagramEndpoint(Factory(), std::move(options)));
  }
  absl::StatusOr<DatagramEndpoint> CreateUnix(
      UnixDatagramEndpointOptions options) {
    return RunUntilComplete(test_.loop(), CreateUnixDatagramEndpoint(
                                              Factory(), std::move(options)));
  }
  static SocketAddress Sockname(const DatagramEndpoint& endpoint) {
    return *endpoint.transport->GetExtraInfo(kSockname);
  }
  static int Option(const DatagramEndpoint& endpoint, int name) {
    return *endpoint.transport->GetExtraInfo(kSocket)->GetOption(SOL_SOCKET,
                                                                 name);
  }
  void RunUntilIdle() { ASSERT_TRUE(test_.RunUntilIdle().ok()); }

  TestLoop test_;
  const std::shared_ptr<FakeResolver> names_ =
      std::make_shared<FakeResolver>(test_.loop());
  std::shared_ptr<RecordingDatagramProtocol> protocol_;
};

// DGRAM-01
TEST_F(CreateDatagramEndpointTest, ItComesWhenItsProtocolHasBeenToldOfIt) {
  DatagramEndpointOptions options;
  options.local_address = HostPort("127.0.0.1", 0);
  const absl::StatusOr<DatagramEndpoint> endpoint = Create(options);
  ASSERT_TRUE(endpoint.ok()) << endpoint.status();
  EXPECT_EQ(endpoint->protocol, protocol_);
  EXPECT_EQ(endpoint->transport, protocol_->transport);
  EXPECT_THAT(protocol_->events, ElementsAre("made"));
  EXPECT_EQ(Sockname(*endpoint).host(), "127.0.0.1");
  EXPECT_NE(Sockname(*endpoint).port(), 0);
  EXPECT_THAT(names_->questions(), IsEmpty());
}

// DGRAM-02
TEST_F(CreateDatagramEndpointTest, WithoutAddressesTheFamilyMustBeSaid) {
  DatagramEndpointOptions options;
  EXPECT_EQ(Create(options).status(),
            absl::InvalidArgumentError("unexpected address family"));
  options.family = AF_NETLINK;
  EXPECT_EQ(Create(options).status(),
            absl::InvalidArgumentError("unexpected address family"));
  EXPECT_EQ(protocol_, nullptr);
  options.family = AF_INET;
  const absl::StatusOr<DatagramEndpoint> endpoint = Create(options);
  ASSERT_TRUE(endpoint.ok()) << endpoint.status();
  EXPECT_EQ(Sockname(*endpoint).port(), 0);

  Socket peer = BoundDatagramSocket(AF_INET);
  ASSERT_TRUE(endpoint->transport->SendTo("x", *peer.LocalAddress()).ok());
  EXPECT_THAT(DrainDatagrams(peer), ElementsAre("x"));
}

// DGRAM-07
TEST_F(CreateDatagramEndpointTest, ARemoteAddressIsConnectedTo) {
  Socket peer = BoundDatagramSocket(AF_INET);
  Socket stranger = BoundDatagramSocket(AF_INET);
  DatagramEndpointOptions options;
  options.remote_address = HostPort("127.0.0.1", peer.LocalAddress()->port());
  const absl::StatusOr<DatagramEndpoint> endpoint = Create(options);
  ASSERT_TRUE(endpoint.ok()) << endpoint.status();
  EXPECT_EQ(*endpoint->transport->GetExtraInfo(kPeername),
            *peer.LocalAddress());
  ASSERT_TRUE(endpoint->transport->SendTo("x").ok());
  EXPECT_THAT(DrainDatagrams(peer), ElementsAre("x"));
  ASSERT_TRUE(stranger.SendTo("stranger", Sockname(*endpoint)).ok());
  ASSERT_TRUE(peer.SendTo("peer", Sockname(*endpoint)).ok());
  RunUntilIdle();
  EXPECT_THAT(protocol_->events, ElementsAre("made", "got peer"));
}

// DGRAM-07, DGRAM-08
TEST_F(CreateDatagramEndpointTest, WhoBroadcastsHearsOthers) {
  Socket peer = BoundDatagramSocket(AF_INET);
  Socket stranger = BoundDatagramSocket(AF_INET);
  DatagramEndpointOptions options;
  options.local_address = HostPort("127.0.0.1", 0);
  options.remote_address = HostPort("127.0.0.1", peer.LocalAddress()->port());
  options.allow_broadcast = true;
  const absl::StatusOr<DatagramEndpoint> endpoint = Create(options);
  ASSERT_TRUE(endpoint.ok()) << endpoint.status();
  EXPECT_EQ(Option(*endpoint, SO_BROADCAST), 1);
  EXPECT_EQ(endpoint->transport->GetExtraInfo(kPeername), nullptr);
  ASSERT_TRUE(endpoint->transport->SendTo("x").ok());
  EXPECT_FALSE(endpoint->transport->SendTo("x", *stranger.LocalAddress()).ok());
  EXPECT_THAT(DrainDatagrams(peer), ElementsAre("x"));
  ASSERT_TRUE(stranger.SendTo("stranger", Sockname(*endpoint)).ok());
  RunUntilIdle();
  EXPECT_THAT(protocol_->events, ElementsAre("made", "got stranger"));
}

// DGRAM-08
TEST_F(CreateDatagramEndpointTest, ReusePortSharesAPortAndNothingElseDoes) {
  DatagramEndpointOptions options;
  options.local_address = HostPort("127.0.0.1", 0);
  absl::StatusOr<DatagramEndpoint> first = Create(options);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(Option(*first, SO_REUSEADDR), 0);
  EXPECT_EQ(Option(*first, SO_REUSEPORT), 0);
  EXPECT_EQ(Option(*first, SO_BROADCAST), 0);
  options.local_address = HostPort("127.0.0.1", Sockname(*first).port());
  EXPECT_EQ(ErrnoFromStatus(Create(options).status()), EADDRINUSE);

  options.reuse_port = true;
  options.local_address = HostPort("127.0.0.1", 0);
  first = Create(options);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(Option(*first, SO_REUSEPORT), 1);
  options.local_address = HostPort("127.0.0.1", Sockname(*first).port());
  EXPECT_TRUE(Create(options).ok());
}

// DGRAM-03
TEST_F(CreateDatagramEndpointTest, AddressesThatGoTogetherAreOfOneFamily) {
  Socket peer = BoundDatagramSocket(AF_INET);
  const int port = peer.LocalAddress()->port();
  names_->Answer("both.test", {SocketAddress::LoopbackIPv6(0),
                               SocketAddress::LoopbackIPv4(0)});
  DatagramEndpointOptions options;
  options.local_address = HostPort("127.0.0.1", 0);
  options.remote_address = HostPort("both.test", port);
  const absl::StatusOr<DatagramEndpoint> endpoint = Create(options);
  ASSERT_TRUE(endpoint.ok()) << endpoint.status();
  EXPECT_EQ(*endpoint->transport->GetExtraInfo(kPeername),
            *peer.LocalAddress());
  EXPECT_THAT(names_->questions(),
              ElementsAre(absl::StrCat("both.test:", port)));

  options.remote_address = HostPort("::1", port);
  EXPECT_EQ(Create(options).status(),
            absl::InvalidArgumentError("can not get address information"));
}

// DGRAM-03
TEST_F(CreateDatagramEndpointTest, WhatTheResolverSaysIsSaid) {
  names_->Fail("bad.test", absl::UnavailableError("no answer"));
  names_->Answer("empty.test", {});
  DatagramEndpointOptions options;
  options.local_address = HostPort("bad.test", 0);
  EXPECT_EQ(Create(options).status(), absl::UnavailableError("no answer"));
  options.local_address = std::nullopt;
  options.remote_address = HostPort("empty.test", 1);
  EXPECT_EQ(Create(options).status(),
            absl::NotFoundError("getaddrinfo() returned empty list"));
  EXPECT_EQ(protocol_, nullptr);
}

// DGRAM-06
TEST_F(CreateDatagramEndpointTest, TheFirstThatCanBeHadIsTaken) {
  Socket taken = BoundDatagramSocket(AF_INET);
  const uint16_t port = taken.LocalAddress()->port();
  in_addr second;
  second.s_addr = htonl(INADDR_LOOPBACK + 1);
  names_->Answer("two.test",
                 {*taken.LocalAddress(), SocketAddress::IPv4(second, port)});
  DatagramEndpointOptions options;
  options.local_address = HostPort("two.test", port);
  const absl::StatusOr<DatagramEndpoint> endpoint = Create(options);
  ASSERT_TRUE(endpoint.ok()) << endpoint.status();
  EXPECT_EQ(Sockname(*endpoint), SocketAddress::IPv4(second, port));
}

// DGRAM-06
TEST_F(CreateDatagramEndpointTest, IfNoneCanBeHadTheFirstErrorIsSaid) {
  names_->Answer("two.test", {SocketAddress::LoopbackIPv4(1),
                              SocketAddress::LoopbackIPv4(2)});
  DatagramEndpointOptions options;
  options.local_address = HostPort("127.0.0.1", 0);
  options.remote_address = HostPort("two.test", 0);
  FaultInjection faults;
  faults.Fail("connect", ENETUNREACH, 1);
  faults.Fail("connect", EACCES, 2);
  EXPECT_EQ(ErrnoFromStatus(Create(options).status()), ENETUNREACH);
  EXPECT_EQ(faults.Count("connect"), 2);
  EXPECT_EQ(protocol_, nullptr);
  for (const char* const call : {"socket", "bind", "connect"}) {
    faults.Clear();
    faults.Fail(call, ENOBUFS);
    EXPECT_EQ(ErrnoFromStatus(Create(options).status()), ENOBUFS);
  }
}

TEST_F(CreateDatagramEndpointTest, WhileNamesAreResolvedItCanBeCancelled) {
  names_->Answer("slow.test", {SocketAddress::LoopbackIPv4(1)},
                 absl::InfiniteDuration());
  DatagramEndpointOptions options;
  options.remote_address = HostPort("slow.test", 1);
  const Task<DatagramEndpoint> task =
      CreateTask(test_.loop(), CreateDatagramEndpoint(Factory(), options));
  RunUntilIdle();
  EXPECT_EQ(names_->pending(), 1);
  task.Cancel();
  RunUntilIdle();
  EXPECT_TRUE(task.cancelled());
  EXPECT_EQ(names_->pending(), 0);
  EXPECT_EQ(protocol_, nullptr);
}

TEST_F(CreateDatagramEndpointTest, CancelledBeforeItIsMadeItIsClosed) {
  DatagramEndpointOptions options;
  options.family = AF_INET;
  const Task<DatagramEndpoint> task =
      CreateTask(test_.loop(), CreateDatagramEndpoint(Factory(), options));
  test_->CallSoon([&] { task.Cancel(); });
  RunUntilIdle();
  EXPECT_TRUE(task.cancelled());
  EXPECT_THAT(protocol_->events, ElementsAre("made", "lost OK"));
  EXPECT_EQ(protocol_.use_count(), 1);
}

// DGRAM-05
TEST_F(CreateDatagramEndpointTest, ASocketIsTakenOverIfItIsOfDatagrams) {
  Socket peer = BoundDatagramSocket(AF_INET);
  Socket socket = BoundDatagramSocket(AF_INET);
  const SocketAddress address = *socket.LocalAddress();
  bool on_made = false;
  DatagramTransportOptions options;
  options.on_made = [&] { on_made = true; };
  options.remote_address = *peer.LocalAddress();
  const absl::StatusOr<DatagramEndpoint> endpoint = RunUntilComplete(
      test_.loop(),
      CreateDatagramEndpoint(Factory(), std::move(socket), std::move(options)));
  ASSERT_TRUE(endpoint.ok()) << endpoint.status();
  EXPECT_TRUE(on_made);
  EXPECT_EQ(Sockname(*endpoint), address);
  ASSERT_TRUE(endpoint->transport->SendTo("x").ok());
  EXPECT_THAT(DrainDatagrams(peer), ElementsAre("x"));

  protocol_ = nullptr;
  Socket stream = *Socket::Create(AF_INET, SOCK_STREAM);
  const int fd = stream.fd();
  EXPECT_EQ(RunUntilComplete(test_.loop(), CreateDatagramEndpoint(
                                               Factory(), std::move(stream)))
                .status()
                .code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(fcntl(fd, F_GETFD), -1);
  EXPECT_EQ(protocol_, nullptr);
}

#if defined(__cpp_exceptions)

TEST_F(CreateDatagramEndpointTest, WhatTheFactoryThrowsIsRethrown) {
  Socket socket = BoundDatagramSocket(AF_INET);
  const int fd = socket.fd();
  auto factory = []() -> std::shared_ptr<DatagramProtocol> {
    throw std::runtime_error("no protocol");
  };
  EXPECT_THROW(
      (void)RunUntilComplete(
          test_.loop(), CreateDatagramEndpoint(factory, std::move(socket))),
      std::runtime_error);
  EXPECT_EQ(fcntl(fd, F_GETFD), -1);
}

#endif  // __cpp_exceptions

// --- Unix -------------------------------------------------------------------

class CreateUnixDatagramEndpointTest : public CreateDatagramEndpointTest {
 protected:
  CreateUnixDatagramEndpointTest() {
    char name[] = "/tmp/evkit-datagrams-XXXXXX";
    directory_ = mkdtemp(name);
    path_ = absl::StrCat(directory_, "/socket");
  }
  ~CreateUnixDatagramEndpointTest() override {
    unlink(path_.c_str());
    rmdir(directory_.c_str());
  }

  std::string directory_;
  std::string path_;
};

TEST_F(CreateUnixDatagramEndpointTest, TwoTalkToEachOther) {
  UnixDatagramEndpointOptions server_options;
  server_options.local_path = path_;
  const absl::StatusOr<DatagramEndpoint> server = CreateUnix(server_options);
  ASSERT_TRUE(server.ok()) << server.status();
  const std::shared_ptr<RecordingDatagramProtocol> server_protocol = protocol_;
  UnixDatagramEndpointOptions client_options;
  client_options.local_path = absl::StrCat(absl::string_view("\0", 1), path_);
  client_options.remote_path = path_;
  const absl::StatusOr<DatagramEndpoint> client = CreateUnix(client_options);
  ASSERT_TRUE(client.ok()) << client.status();

  ASSERT_TRUE(client->transport->SendTo("hello").ok());
  RunUntilIdle();
  EXPECT_THAT(server_protocol->events, ElementsAre("made", "got hello"));
  ASSERT_TRUE(
      server->transport->SendTo("hi", server_protocol->senders[0]).ok());
  RunUntilIdle();
  EXPECT_THAT(protocol_->events, ElementsAre("made", "got hi"));
}

// DGRAM-04
TEST_F(CreateUnixDatagramEndpointTest, ASocketThatIsThereIsRemoved) {
  UnixDatagramEndpointOptions options;
  options.local_path = path_;
  const absl::StatusOr<DatagramEndpoint> first = CreateUnix(options);
  ASSERT_TRUE(first.ok()) << first.status();
  const absl::StatusOr<DatagramEndpoint> second = CreateUnix(options);
  ASSERT_TRUE(second.ok()) << second.status();
  Socket peer = BoundDatagramSocket(AF_UNIX);
  ASSERT_TRUE(peer.SendTo("x", *SocketAddress::Unix(path_)).ok());
  RunUntilIdle();
  EXPECT_THAT(protocol_->events, ElementsAre("made", "got x"));
  EXPECT_THAT(test_.log(), IsEmpty());
}

// DGRAM-04
TEST_F(CreateUnixDatagramEndpointTest, AFileThatIsNoSocketIsLeftAlone) {
  close(open(path_.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
  UnixDatagramEndpointOptions options;
  options.local_path = path_;
  EXPECT_EQ(ErrnoFromStatus(CreateUnix(options).status()), EADDRINUSE);
  EXPECT_EQ(access(path_.c_str(), F_OK), 0);
}

// DGRAM-04
TEST_F(CreateUnixDatagramEndpointTest, NotBeingAbleToRemoveItIsReported) {
  UnixDatagramEndpointOptions options;
  options.local_path = path_;
  ASSERT_TRUE(CreateUnix(options).ok());
  FaultInjection faults;
  faults.Fail("unlink", EACCES);
  EXPECT_EQ(ErrnoFromStatus(CreateUnix(options).status()), EADDRINUSE);
  ASSERT_EQ(test_.log().size(), 1u);
  EXPECT_THAT(test_.log()[0],
              HasSubstr("Unable to check or remove stale UNIX socket"));
  EXPECT_THAT(test_.log()[0], HasSubstr(path_));
}

TEST_F(CreateUnixDatagramEndpointTest, PathsThatAreNoneAreRefused) {
  UnixDatagramEndpointOptions options;
  options.local_path = "";
  EXPECT_EQ(CreateUnix(options).status().code(),
            absl::StatusCode::kInvalidArgument);
  options.local_path = std::nullopt;
  options.remote_path = std::string(200, 'x');
  EXPECT_EQ(CreateUnix(options).status().code(),
            absl::StatusCode::kInvalidArgument);
  options.remote_path = path_;
  EXPECT_EQ(CreateUnix(options).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(protocol_, nullptr);
}

}  // namespace
}  // namespace evkit
