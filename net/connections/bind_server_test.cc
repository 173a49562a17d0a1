// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/connections/bind_server.h"

#include <netinet/in.h>

#include <cerrno>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "evkit/base/errno_status.h"
#include "evkit/base/fault_injection.h"
#include "evkit/loop/testing/test_loop.h"
#include "evkit/net/connections/server.h"
#include "evkit/net/connections/server_testing.h"
#include "evkit/net/socket.h"
#include "evkit/net/socket_address.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

// The lowest number that is free: two of the same say that nothing was left
// open in between.
int LowestFreeFd() { return Socket::Create(AF_INET, SOCK_STREAM)->fd(); }

class BindServerTest : public ::testing::Test {
 protected:
  absl::StatusOr<std::shared_ptr<Server>> Bind(
      const std::vector<SocketAddress>& addresses) {
    return BindServer(test_.loop(), addresses, diary_.NewFactory(), options_);
  }
  int Option(const std::shared_ptr<Server>& server, size_t socket, int level,
             int name) {
    return *server->Sockets().at(socket).GetOption(level, name);
  }

  TestLoop test_;
  Diary diary_;
  ServerOptions options_;
};

const SocketAddress kAnyPort = SocketAddress::LoopbackIPv4(0);
const SocketAddress kAnyPort6 = SocketAddress::LoopbackIPv6(0);
// Of the block for documentation: nobody has it.
const SocketAddress kElsewhere = *SocketAddress::FromIp("192.0.2.1", 0);

// SRV-01
TEST_F(BindServerTest, ItServesAtOnce) {
  const std::shared_ptr<Server> server = *Bind({kAnyPort});
  EXPECT_TRUE(server->IsServing());
  Socket client = NewClient(*server->Sockets()[0].LocalAddress());
  ASSERT_TRUE(client.Send("x").ok());
  ASSERT_TRUE(test_.RunUntilIdle().ok());
  EXPECT_EQ(Received(client), "x");
}

// SRV-10
TEST_F(BindServerTest, OrLaterIfItIsToldTo) {
  options_.start_serving = false;
  const std::shared_ptr<Server> server = *Bind({kAnyPort});
  const SocketAddress address = *server->Sockets()[0].LocalAddress();
  EXPECT_FALSE(server->IsServing());
  EXPECT_TRUE(IsRefused(address));
  ASSERT_TRUE(server->StartServing().ok());
  EXPECT_FALSE(IsRefused(address));
}

// SRV-03
TEST_F(BindServerTest, EqualAddressesAreBoundOnce) {
  EXPECT_EQ((*Bind({kAnyPort, kAnyPort6, kAnyPort}))->Sockets().size(), 2u);
}

// SRV-04
TEST_F(BindServerTest, PortZeroIsAnotherOneForEachSocket) {
  const std::shared_ptr<Server> server =
      *Bind({kAnyPort, *SocketAddress::FromIp("127.0.0.2", 0)});
  const int first = server->Sockets().at(0).LocalAddress()->port();
  const int second = server->Sockets().at(1).LocalAddress()->port();
  EXPECT_NE(first, 0);
  EXPECT_NE(second, 0);
  EXPECT_NE(first, second);
}

// SRV-05
TEST_F(BindServerTest, AddressesAreReusedUnlessToldOtherwise) {
  std::shared_ptr<Server> server = *Bind({kAnyPort});
  EXPECT_EQ(Option(server, 0, SOL_SOCKET, SO_REUSEADDR), 1);
  EXPECT_EQ(Option(server, 0, SOL_SOCKET, SO_REUSEPORT), 0);
  EXPECT_EQ(Option(server, 0, SOL_SOCKET, SO_KEEPALIVE), 0);
  options_.reuse_address = false;
  options_.keep_alive = true;
  server = *Bind({kAnyPort});
  EXPECT_EQ(Option(server, 0, SOL_SOCKET, SO_REUSEADDR), 0);
  EXPECT_EQ(Option(server, 0, SOL_SOCKET, SO_KEEPALIVE), 1);
}

// SRV-05
TEST_F(BindServerTest, ServersSharePortsThatAreToBeReused) {
  options_.reuse_port = true;
  const std::shared_ptr<Server> first = *Bind({kAnyPort});
  const SocketAddress address = *first->Sockets()[0].LocalAddress();
  const std::shared_ptr<Server> second = *Bind({address});
  EXPECT_EQ(*second->Sockets()[0].LocalAddress(), address);
  // Whoever is closed leaves it to the other.
  first->Close();
  Socket client = NewClient(address);
  ASSERT_TRUE(test_.RunUntilIdle().ok());
  EXPECT_EQ(second->client_count(), 1u);
}

TEST_F(BindServerTest, ReusePortIsForInternetSocketsOnly) {
  options_.reuse_port = true;
  EXPECT_TRUE(
      Bind({*SocketAddress::Unix(absl::string_view("\0evkit-bind", 11))}).ok());
}

// SRV-06
TEST_F(BindServerTest, IPv4AndIPv6ShareAPort) {
  const std::shared_ptr<Server> v4 = *Bind({SocketAddress::AnyIPv4(0)});
  const int port = v4->Sockets()[0].LocalAddress()->port();
  const std::shared_ptr<Server> v6 =
      *Bind({SocketAddress::AnyIPv6(static_cast<uint16_t>(port))});
  EXPECT_EQ(Option(v6, 0, IPPROTO_IPV6, IPV6_V6ONLY), 1);
}

// SRV-07
TEST_F(BindServerTest, IfOneAddressIsTakenNothingIsLeftBound) {
  const std::shared_ptr<Server> first = *Bind({kAnyPort});
  const SocketAddress taken = *first->Sockets()[0].LocalAddress();
  const int fd = LowestFreeFd();
  const absl::Status status = Bind({kAnyPort, taken}).status();
  EXPECT_EQ(ErrnoFromStatus(status), EADDRINUSE);
  EXPECT_EQ(status.message(), "error while attempting to bind on address " +
                                  taken.ToString() +
                                  ": Address already in use");
  EXPECT_EQ(LowestFreeFd(), fd);
}

// SRV-08
TEST_F(BindServerTest, AnAddressThatIsNotThisMachinesIsPassedOver) {
  const std::shared_ptr<Server> server = *Bind({kElsewhere, kAnyPort});
  ASSERT_EQ(server->Sockets().size(), 1u);
  EXPECT_EQ(server->Sockets()[0].LocalAddress()->host(), "127.0.0.1");
  EXPECT_THAT(test_.log(), IsEmpty());
}

// SRV-08
TEST_F(BindServerTest, WithNoAddressLeftItFails) {
  EXPECT_EQ(Bind({kElsewhere, kElsewhere}).status(),
            absl::UnavailableError(
                "could not bind on any address out of [192.0.2.1:0]"));
  EXPECT_EQ(Bind({}).status(),
            absl::UnavailableError("could not bind on any address out of []"));
}

// SRV-09
TEST_F(BindServerTest, AFamilyThatThereIsNotIsPassedOver) {
  for (const int error : {EAFNOSUPPORT, EPROTONOSUPPORT, EACCES}) {
    FaultInjection faults;
    faults.Fail("socket", error, 1);
    EXPECT_EQ((*Bind({kAnyPort6, kAnyPort}))->Sockets().size(), 1u);
  }
  EXPECT_THAT(test_.log(), IsEmpty());
}

// SRV-08, SRV-09
TEST_F(BindServerTest, DebugModeReportsWhatIsPassedOver) {
  test_->SetDebug(true);
  FaultInjection faults;
  faults.Fail("socket", EAFNOSUPPORT, 1);
  ASSERT_TRUE(Bind({kAnyPort6, kElsewhere, kAnyPort}).ok());
  ASSERT_EQ(test_.log().size(), 2u);
  EXPECT_THAT(test_.log()[0], HasSubstr("An address of a server is passed"));
  EXPECT_THAT(test_.log()[0], HasSubstr("socket(family=10"));
  EXPECT_THAT(test_.log()[1], HasSubstr("192.0.2.1:0"));
}

// SRV-09: half a server for want of descriptors would be a surprise.
TEST_F(BindServerTest, WantOfResourcesIsAnError) {
  for (const int error : {EMFILE, ENFILE, ENOBUFS, ENOMEM}) {
    FaultInjection faults;
    faults.Fail("socket", error, 2);
    EXPECT_EQ(ErrnoFromStatus(Bind({kAnyPort, kAnyPort6}).status()), error);
  }
}

TEST_F(BindServerTest, WhicheverCallFailsNothingIsLeftOpen) {
  options_.reuse_port = true;
  options_.keep_alive = true;
  ASSERT_TRUE(Bind({kAnyPort, kAnyPort6}).ok());  // The loop's own first.
  for (const char* const call :
       {"socket", "setsockopt", "bind", "listen", "epoll_ctl"}) {
    for (int nth = 1;; ++nth) {
      const int fd = LowestFreeFd();
      int calls;
      {
        FaultInjection faults;
        faults.Fail(call, ENOMEM, nth);
        const auto server = Bind({kAnyPort, kAnyPort6});
        calls = faults.Count(call);
        if (calls >= nth) {
          EXPECT_EQ(ErrnoFromStatus(server.status()), ENOMEM) << call << nth;
        } else {
          ASSERT_TRUE(server.ok());
          (*server)->Close();
        }
      }
      EXPECT_EQ(LowestFreeFd(), fd) << call << nth;
      if (calls < nth) break;
    }
  }
}

TEST_F(BindServerTest, AClosedLoopHasNoServers) {
  ASSERT_TRUE(test_->Close().ok());
  EXPECT_EQ(Bind({kAnyPort}).status(),
            absl::FailedPreconditionError("the event loop is closed"));
}

}  // namespace
}  // namespace evkit
