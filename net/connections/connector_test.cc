// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/connections/connector.h"

#include <cerrno>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "evkit/base/errno_status.h"
#include "evkit/base/fault_injection.h"
#include "evkit/loop/coro/error_group.h"
#include "evkit/loop/testing/test_loop.h"
#include "evkit/net/connections/local_port.h"
#include "evkit/net/socket.h"
#include "evkit/net/socket_address.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

class ConnectorTest : public ::testing::Test {
 protected:
  void Connect(std::vector<SocketAddress> addresses,
               ConnectorOptions options = ConnectorOptions()) {
    connector_.emplace(test_.loop(), std::move(addresses), std::move(options),
                       [this](absl::StatusOr<Socket> result) {
                         result_.emplace(std::move(result));
                       });
    connector_->Start();
    EXPECT_FALSE(result_.has_value());
  }
  void RunUntilIdle() { ASSERT_TRUE(test_.RunUntilIdle().ok()); }

  bool ConnectedTo(const LocalPort& port) {
    return result_.has_value() && result_->ok() &&
           *(*result_)->PeerAddress() == port.address();
  }
  absl::Status Error() {
    if (!result_.has_value()) return absl::UnknownError("no result");
    return result_->status();
  }

  TestLoop test_;
  std::optional<Connector> connector_;
  std::optional<absl::StatusOr<Socket>> result_;
};

SocketAddress V4(int n) {
  return *SocketAddress::FromIp("10.0.0." + std::to_string(n), 80);
}
SocketAddress V6(int n) {
  return *SocketAddress::FromIp("2001:db8::" + std::to_string(n), 80);
}

// HAPPY-02
TEST(InterleaveFamiliesTest, TakesTurnsStartingWithTheFirstFamily) {
  const std::vector<SocketAddress> addresses = {V6(1), V6(2), V6(3), V4(1),
                                                V4(2)};
  EXPECT_EQ(InterleaveFamilies(addresses, 0), addresses);
  EXPECT_THAT(InterleaveFamilies(addresses, 1),
              ElementsAre(V6(1), V4(1), V6(2), V4(2), V6(3)));
  EXPECT_THAT(InterleaveFamilies(addresses, 2),
              ElementsAre(V6(1), V6(2), V4(1), V6(3), V4(2)));
  EXPECT_THAT(InterleaveFamilies(addresses, 9),
              ElementsAre(V6(1), V6(2), V6(3), V4(1), V4(2)));
  EXPECT_THAT(InterleaveFamilies({}, 1), IsEmpty());
}

// CONN-12
TEST_F(ConnectorTest, TheFirstAddressThatAnswersWins) {
  LocalPort refusing, first, second;
  first.Listen();
  second.Listen();
  FaultInjection faults;
  Connect({refusing.address(), first.address(), second.address()});
  RunUntilIdle();
  EXPECT_TRUE(ConnectedTo(first));
  EXPECT_EQ(faults.Count("connect"), 2);
}

// CONN-13
TEST_F(ConnectorTest, TheErrorOfTheOnlyAddressIsReported) {
  LocalPort refusing;
  Connect({refusing.address()});
  RunUntilIdle();
  EXPECT_EQ(ErrnoFromStatus(Error()), ECONNREFUSED);
  EXPECT_EQ(Error().message(), "Connect call failed " +
                                   refusing.address().ToString() +
                                   ": Connection refused");
}

// CONN-13
TEST_F(ConnectorTest, DifferentErrorsAreListed) {
  LocalPort a, b;
  Connect({a.address(), b.address()});
  RunUntilIdle();
  EXPECT_EQ(Error().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ErrnoFromStatus(Error()), 0);
  EXPECT_THAT(std::string(Error().message()),
              StartsWith("Multiple exceptions: Connect call failed " +
                         a.address().ToString()));
  EXPECT_THAT(std::string(Error().message()),
              HasSubstr(", Connect call failed " + b.address().ToString()));
}

// CONN-13
TEST_F(ConnectorTest, EqualErrorsAreReportedOnce) {
  LocalPort refusing;
  Connect({refusing.address(), refusing.address()});
  RunUntilIdle();
  EXPECT_EQ(ErrnoFromStatus(Error()), ECONNREFUSED);
}

// CONN-14
TEST_F(ConnectorTest, AllErrorsAreAGroupEvenIfThereIsOne) {
  LocalPort refusing;
  ConnectorOptions options;
  options.all_errors = true;
  Connect({refusing.address()}, options);
  RunUntilIdle();
  ASSERT_TRUE(IsErrorGroup(Error()));
  EXPECT_THAT(std::string(Error().message()),
              StartsWith("create_connection failed"));
  ASSERT_EQ(ErrorGroupMembers(Error()).size(), 1u);
  EXPECT_EQ(ErrnoFromStatus(ErrorGroupMembers(Error())[0]), ECONNREFUSED);
}

// CONN-10
TEST_F(ConnectorTest, ConnectsFromTheFirstLocalAddressThatFits) {
  LocalPort listening, local;
  listening.Listen();
  const SocketAddress taken = listening.address();
  const SocketAddress free = local.address();
  local.socket().Close();
  ConnectorOptions options;
  options.local_addresses = {SocketAddress::LoopbackIPv6(0), taken, free};
  Connect({listening.address()}, options);
  RunUntilIdle();
  ASSERT_TRUE(ConnectedTo(listening));
  EXPECT_EQ(*(*result_)->LocalAddress(), free);
}

// CONN-11
TEST_F(ConnectorTest, WithoutALocalAddressOfTheFamilyItFails) {
  LocalPort listening;
  ConnectorOptions options;
  options.local_addresses = {SocketAddress::LoopbackIPv6(0)};
  Connect({listening.address()}, options);
  RunUntilIdle();
  EXPECT_EQ(Error(), absl::NotFoundError(
                         "no matching local address with family=2 found"));
}

// CONN-11
TEST_F(ConnectorTest, TheLastErrorOfBindingIsReported) {
  LocalPort listening, taken;
  listening.Listen();
  taken.Listen();
  ConnectorOptions options;
  options.local_addresses = {listening.address(), taken.address()};
  Connect({listening.address()}, options);
  RunUntilIdle();
  EXPECT_EQ(ErrnoFromStatus(Error()), EADDRINUSE);
  EXPECT_EQ(Error().message(), "error while attempting to bind on address " +
                                   taken.address().ToString() +
                                   ": Address already in use");
}

// HAPPY-01, HAPPY-03: a slow address is not waited for longer than the delay.
TEST_F(ConnectorTest, TheNextAddressIsTriedAfterTheDelay) {
  LocalPort slow, listening;
  slow.ListenAndAnswerNobody();
  listening.Listen();
  ConnectorOptions options;
  options.happy_eyeballs_delay = absl::Milliseconds(250);
  FaultInjection faults;
  Connect({slow.address(), listening.address()}, options);
  ASSERT_TRUE(test_.FastForwardBy(absl::Milliseconds(249)).ok());
  EXPECT_EQ(faults.Count("connect"), 1);
  ASSERT_TRUE(test_.FastForwardBy(absl::Milliseconds(1)).ok());
  EXPECT_EQ(faults.Count("connect"), 2);
  RunUntilIdle();
  EXPECT_TRUE(ConnectedTo(listening));
}

// HAPPY-03
TEST_F(ConnectorTest, TheNextAddressIsTriedAtOnceWhenTheLatestFails) {
  LocalPort refusing, listening;
  listening.Listen();
  ConnectorOptions options;
  options.happy_eyeballs_delay = absl::Hours(1);
  Connect({refusing.address(), listening.address()}, options);
  RunUntilIdle();
  EXPECT_TRUE(ConnectedTo(listening));
  EXPECT_EQ(test_.elapsed(), absl::ZeroDuration());
}

// CONN-12: without a delay an address that does not answer is waited for.
TEST_F(ConnectorTest, WithoutADelayASlowAddressHoldsUpTheOthers) {
  LocalPort slow, listening;
  slow.ListenAndAnswerNobody();
  listening.Listen();
  Connect({slow.address(), listening.address()});
  ASSERT_TRUE(test_.FastForwardBy(absl::Hours(1)).ok());
  EXPECT_FALSE(result_.has_value());
}

// HAPPY-04, HAPPY-05
TEST_F(ConnectorTest, bug_H15_TheLosersSocketsAreClosed) {
  LocalPort slow, slower, listening;
  slow.ListenAndAnswerNobody();
  slower.ListenAndAnswerNobody();
  listening.Listen();
  ConnectorOptions options;
  options.happy_eyeballs_delay = absl::Milliseconds(1);
  FaultInjection faults;
  Connect({slow.address(), slower.address(), listening.address()}, options);
  ASSERT_TRUE(test_.FastForwardBy(absl::Milliseconds(10)).ok());
  ASSERT_TRUE(ConnectedTo(listening));
  EXPECT_EQ(faults.Count("socket"), 3);
  EXPECT_EQ(faults.Count("close"), 2);
  EXPECT_EQ(test_.selector().size(), 1u) << "the loop's own";
}

// HAPPY-06: destroying it cancels.
TEST_F(ConnectorTest, bug_A4_DestroyingItUnwatchesAndClosesEverySocket) {
  LocalPort slow, slower;
  slow.ListenAndAnswerNobody();
  slower.ListenAndAnswerNobody();
  ConnectorOptions options;
  options.happy_eyeballs_delay = absl::Milliseconds(1);
  FaultInjection faults;
  Connect({slow.address(), slower.address()}, options);
  ASSERT_TRUE(test_.FastForwardBy(absl::Milliseconds(10)).ok());
  connector_.reset();
  EXPECT_EQ(faults.Count("close"), 2);
  EXPECT_EQ(test_.selector().size(), 1u) << "the loop's own";
  ASSERT_TRUE(test_.RunUntilNothingIsLeft().ok());
  EXPECT_FALSE(result_.has_value());
}

TEST_F(ConnectorTest, DestroyingItBeforeTheDeliveryClosesTheConnection) {
  LocalPort listening;
  listening.Listen();
  FaultInjection faults;
  Connect({listening.address()});
  connector_.reset();
  EXPECT_EQ(faults.Count("close"), faults.Count("socket"));
  RunUntilIdle();
  EXPECT_FALSE(result_.has_value());
}

TEST_F(ConnectorTest, DoneMayDestroyTheConnector) {
  LocalPort listening;
  listening.Listen();
  bool done = false;
  connector_.emplace(test_.loop(),
                     std::vector<SocketAddress>{listening.address()},
                     ConnectorOptions(), [&](absl::StatusOr<Socket> result) {
                       connector_.reset();
                       done = result.ok();
                     });
  connector_->Start();
  RunUntilIdle();
  EXPECT_TRUE(done);
}

TEST_F(ConnectorTest, AnErrorOfSocketIsReported) {
  LocalPort listening;
  FaultInjection faults;
  faults.Fail("socket", EMFILE, 1);
  Connect({listening.address()});
  RunUntilIdle();
  EXPECT_EQ(ErrnoFromStatus(Error()), EMFILE);
  EXPECT_THAT(std::string(Error().message()), StartsWith("socket("));
}

TEST_F(ConnectorTest, bug_H14_EveryErrorOfConnectReachesTheCaller) {
  for (const int error : {EADDRNOTAVAIL, ENETUNREACH, EACCES, EAGAIN, EALREADY,
                          EISCONN, ETIMEDOUT}) {
    LocalPort listening;
    FaultInjection faults;
    faults.Fail("connect", error, 1);
    result_.reset();
    Connect({listening.address()});
    RunUntilIdle();
    EXPECT_EQ(ErrnoFromStatus(Error()), error);
    EXPECT_EQ(faults.Count("close"), 1);
  }
}

TEST_F(ConnectorTest, bug_H14_ASocketConnectedToItselfIsRefused) {
  LocalPort port;
  const SocketAddress self = port.address();
  port.socket().Close();
  ConnectorOptions options;
  options.local_addresses = {self};
  Connect({self}, options);
  RunUntilIdle();
  EXPECT_EQ(ErrnoFromStatus(Error()), ECONNREFUSED);
}

TEST_F(ConnectorTest, AUnixSocketConnectsDirectly) {
  const SocketAddress address =
      *SocketAddress::Unix(std::string("\0evkit-connector-test", 21) +
                           std::to_string(test_->Random()));
  Socket listening = *Socket::Create(AF_UNIX, SOCK_STREAM);
  ASSERT_TRUE(listening.Bind(address).ok());
  Connect({address});
  RunUntilIdle();
  EXPECT_EQ(ErrnoFromStatus(Error()), ECONNREFUSED);

  ASSERT_TRUE(listening.Listen(1).ok());
  result_.reset();
  Connect({address});
  RunUntilIdle();
  ASSERT_TRUE(Error().ok());
  EXPECT_EQ(*(*result_)->PeerAddress(), address);
}

}  // namespace
}  // namespace evkit
