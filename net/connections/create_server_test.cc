// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/connections/create_server.h"

#include <netdb.h>

#include <cerrno>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "evkit/base/errno_status.h"
#include "evkit/base/fault_injection.h"
#include "evkit/loop/coro/task.h"
#include "evkit/loop/testing/test_loop.h"
#include "evkit/net/connections/server.h"
#include "evkit/net/connections/server_testing.h"
#include "evkit/net/dns/fake_resolver.h"
#include "evkit/net/dns/loop_resolver.h"
#include "evkit/net/socket.h"
#include "evkit/net/socket_address.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

using CreateTaskResult = Task<std::shared_ptr<Server>>;

class CreateServerTest : public ::testing::Test {
 protected:
  CreateServerTest() { SetResolver(test_.loop(), names_); }

  template <typename... Args>
  CreateTaskResult Begin(Args... args) {
    return CreateTask(test_.loop(),
                      CreateServer(diary_.NewFactory(), std::move(args)...));
  }
  template <typename... Args>
  absl::StatusOr<std::shared_ptr<Server>> Create(Args... args) {
    const CreateTaskResult task = Begin(std::move(args)...);
    RunUntilIdle();
    return task.Result();
  }
  void RunUntilIdle() { ASSERT_TRUE(test_.RunUntilIdle().ok()); }
  static std::vector<std::string> Hosts(const std::shared_ptr<Server>& server) {
    std::vector<std::string> hosts;
    for (const SocketView& socket : server->Sockets()) {
      hosts.push_back(socket.LocalAddress()->host());
    }
    return hosts;
  }

  TestLoop test_;
  Diary diary_;
  const std::shared_ptr<FakeResolver> names_ =
      std::make_shared<FakeResolver>(test_.loop());
};

// SRV-01
TEST_F(CreateServerTest, ItServesWhenItIsGivenBackWhichTakesATurn) {
  const CreateTaskResult task = Begin("127.0.0.1", 0);
  bool done_in_second_turn = true;
  test_->CallSoon([&] { done_in_second_turn = task.done(); });
  RunUntilIdle();
  EXPECT_FALSE(done_in_second_turn);
  const std::shared_ptr<Server> server = *task.Result();
  EXPECT_TRUE(server->IsServing());
  EXPECT_EQ(&server->loop(), &test_.loop());
  Socket client = NewClient(*server->Sockets()[0].LocalAddress());
  ASSERT_TRUE(client.Send("x").ok());
  RunUntilIdle();
  EXPECT_EQ(Received(client), "x");
}

// SRV-10
TEST_F(CreateServerTest, OrNotIfItIsToldNotTo) {
  ServerOptions options;
  options.start_serving = false;
  const std::shared_ptr<Server> server = *Create("127.0.0.1", 0, options);
  EXPECT_FALSE(server->IsServing());
  EXPECT_TRUE(IsRefused(*server->Sockets()[0].LocalAddress()));
}

// SRV-03
TEST_F(CreateServerTest, ANameIsEveryAddressThatItStandsFor) {
  names_->Answer("two.test", {*SocketAddress::FromIp("127.0.0.2", 0),
                              SocketAddress::LoopbackIPv6(0)});
  EXPECT_THAT(Hosts(*Create("two.test", 0)), ElementsAre("127.0.0.2", "::1"));
}

// SRV-03
TEST_F(CreateServerTest, SeveralNamesAreResolvedAtTheSameTime) {
  const SocketAddress first = *SocketAddress::FromIp("127.0.0.2", 0);
  const SocketAddress second = *SocketAddress::FromIp("127.0.0.3", 0);
  names_->Answer("a.test", {first}, absl::Seconds(2));
  names_->Answer("b.test", {second, first}, absl::Seconds(3));
  const CreateTaskResult task =
      Begin(std::vector<std::string>{"a.test", "b.test"}, 0);
  RunUntilIdle();
  EXPECT_THAT(names_->questions(),
              UnorderedElementsAre("a.test:0", "b.test:0"));
  ASSERT_TRUE(test_.FastForwardBy(absl::Seconds(3)).ok());
  EXPECT_THAT(Hosts(*task.Result()), ElementsAre("127.0.0.2", "127.0.0.3"));
}

TEST_F(CreateServerTest, NoNameIsAnError) {
  EXPECT_EQ(Create(std::vector<std::string>(), 0).status().code(),
            absl::StatusCode::kInvalidArgument);
}

// SRV-03: asks the system's resolver for the wildcard addresses.
TEST_F(CreateServerTest, AnEmptyNameIsAllInterfaces) {
  names_->Answer("", {SocketAddress::AnyIPv4(0), SocketAddress::AnyIPv6(0)});
  EXPECT_THAT(Hosts(*Create("", 0)), ElementsAre("0.0.0.0", "::"));
}

TEST_F(CreateServerTest, TheFamilyChoosesAmongTheAddresses) {
  names_->Answer("two.test", {SocketAddress::LoopbackIPv4(0),
                              SocketAddress::LoopbackIPv6(0)});
  ServerOptions options;
  options.family = AF_INET6;
  EXPECT_THAT(Hosts(*Create("two.test", 0, options)), ElementsAre("::1"));
}

TEST_F(CreateServerTest, ANameThatThereIsNotIsAnError) {
  EXPECT_EQ(Create("no.test", 80).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(CreateServerTest, APortThatThereIsNotIsAnError) {
  SetResolver(test_.loop(), nullptr);  // The real one, which starts no thread.
  for (const int port : {-1, 65536}) {
    EXPECT_EQ(Create("127.0.0.1", port).status().code(),
              absl::StatusCode::kInvalidArgument)
        << port;
  }
}

// SRV-07
TEST_F(CreateServerTest, AnAddressThatIsTakenIsAnError) {
  const std::shared_ptr<Server> server = *Create("127.0.0.1", 0);
  const int port = server->Sockets()[0].LocalAddress()->port();
  EXPECT_EQ(ErrnoFromStatus(Create("127.0.0.1", port).status()), EADDRINUSE);
}

TEST_F(CreateServerTest, CancellingItWhileItResolvesTakesTheQuestionBack) {
  names_->Answer("slow.test", {SocketAddress::LoopbackIPv4(0)},
                 absl::InfiniteDuration());
  const CreateTaskResult one = Begin("slow.test", 0);
  const CreateTaskResult several =
      Begin(std::vector<std::string>{"slow.test", "slow.test"}, 0);
  RunUntilIdle();
  EXPECT_EQ(names_->pending(), 3);
  one.Cancel();
  several.Cancel();
  RunUntilIdle();
  EXPECT_EQ(one.Error().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(several.Error().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(names_->pending(), 0);
}

TEST_F(CreateServerTest, CancellingItInItsLastTurnClosesTheServer) {
  Socket socket = *Socket::Create(AF_INET, SOCK_STREAM);
  ASSERT_TRUE(socket.Bind(SocketAddress::LoopbackIPv4(0)).ok());
  const SocketAddress address = *socket.LocalAddress();
  const CreateTaskResult task = Begin(std::move(socket));
  bool served = false;
  test_->CallSoon([&] {
    served = !IsRefused(address);
    task.Cancel();
  });
  RunUntilIdle();
  EXPECT_TRUE(served);
  EXPECT_TRUE(task.cancelled());
  EXPECT_TRUE(IsRefused(address));
}

// SRV-02
TEST_F(CreateServerTest, ABoundSocketWillDoIfItIsAStream) {
  Socket socket = *Socket::Create(AF_INET, SOCK_STREAM);
  ASSERT_TRUE(socket.Bind(SocketAddress::LoopbackIPv4(0)).ok());
  const SocketAddress address = *socket.LocalAddress();
  const std::shared_ptr<Server> server = *Create(std::move(socket));
  EXPECT_FALSE(IsRefused(address));
  EXPECT_EQ(Create(*Socket::Create(AF_INET, SOCK_DGRAM)).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(CreateServerTest, ErrorsOfListenAreReturned) {
  FaultInjection faults;
  faults.Fail("listen", EADDRINUSE);
  EXPECT_EQ(ErrnoFromStatus(Create("127.0.0.1", 0).status()), EADDRINUSE);
  EXPECT_EQ(
      ErrnoFromStatus(Create(*Socket::Create(AF_INET, SOCK_STREAM)).status()),
      EADDRINUSE);
}

}  // namespace
}  // namespace evkit
