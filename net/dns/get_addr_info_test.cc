// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/dns/get_addr_info.h"

#include <netdb.h>

#include <latch>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "evkit/loop/abstract_event_loop.h"
#include "evkit/loop/coro/run_until_complete.h"
#include "evkit/loop/coro/task.h"
#include "evkit/loop/default_event_loop.h"
#include "evkit/loop/testing/test_loop.h"
#include "evkit/net/dns/fake_resolver.h"
#include "evkit/net/dns/gai_status.h"
#include "evkit/net/dns/loop_resolver.h"
#include "evkit/net/dns/resolver.h"
#include "evkit/net/dns/thread_resolver.h"
#include "evkit/net/socket_address.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class GetAddrInfoTest : public ::testing::Test {
 protected:
  GetAddrInfoTest() { SetResolver(test_.loop(), names_); }

  template <typename T>
  absl::StatusOr<T> Run(Coro<T> coro) {
    return RunUntilComplete(test_.loop(), std::move(coro));
  }

  TestLoop test_;
  std::shared_ptr<FakeResolver> names_ =
      std::make_shared<FakeResolver>(test_.loop());
};

SocketAddress V4(int n, int port = 0) {
  return *SocketAddress::FromIp("192.0.2." + std::to_string(n), port);
}
SocketAddress V6(int n, int port = 0) {
  return *SocketAddress::FromIp("2001:db8::" + std::to_string(n), port);
}

// DNS-01
TEST_F(GetAddrInfoTest, WaitsForTheAnswer) {
  names_->Answer("a.test", {V6(1), V4(1)}, absl::Seconds(3));
  AddressHints hints;
  hints.type = SOCK_DGRAM;
  const auto answer = Run(GetAddrInfo("a.test", 53, hints));
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(test_.elapsed(), absl::Seconds(3));
  ASSERT_THAT(*answer, SizeIs(2));
  EXPECT_EQ((*answer)[0].address, V6(1, 53));
  EXPECT_EQ((*answer)[1].address, V4(1, 53));
  EXPECT_EQ((*answer)[1].family, AF_INET);
  EXPECT_EQ((*answer)[1].type, SOCK_DGRAM);
  EXPECT_EQ((*answer)[1].protocol, IPPROTO_UDP);
}

// DNS-02
TEST_F(GetAddrInfoTest, ErrorsArePassedOn) {
  const auto answer = Run(GetAddrInfo("no.such", 80));
  EXPECT_EQ(GaiErrorFromStatus(answer.status()), EAI_NONAME);
  names_->Fail("a.test", absl::UnavailableError("later"));
  EXPECT_EQ(Run(ResolveAddresses("a.test", 80)).status(),
            absl::UnavailableError("later"));
}

// DNS-03
TEST_F(GetAddrInfoTest, NamesOfAddresses) {
  NameInfo name;
  name.host = "a.test";
  name.service = "http";
  names_->AnswerName(V4(1, 80), name, absl::Seconds(1));
  const auto answer = Run(GetNameInfo(V4(1, 80)));
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->host, "a.test");
  EXPECT_EQ(answer->service, "http");
  EXPECT_EQ(GaiErrorFromStatus(Run(GetNameInfo(V4(2, 80))).status()),
            EAI_NONAME);
}

// CONN-08
TEST_F(GetAddrInfoTest, NumbersTakeNoTurnAndAskNobody) {
  TaskOptions eager;
  eager.eager_start = true;
  test_->CallSoon([&] {
    const auto task = CreateTask(ResolveAddresses("127.0.0.1", "80"), eager);
    ASSERT_TRUE(task.done());
    EXPECT_THAT(*task.Result(), ElementsAre(SocketAddress::LoopbackIPv4(80)));
  });
  ASSERT_TRUE(test_.RunUntilIdle().ok());
  EXPECT_THAT(names_->questions(), IsEmpty());
  EXPECT_FALSE(Run(ResolveAddresses("127.0.0.1", "http")).ok());
  EXPECT_THAT(names_->questions(), ElementsAre("127.0.0.1:http"));
}

TEST_F(GetAddrInfoTest, EachAddressComesOnce) {
  names_->Answer("a.test", {V4(1), V4(2), V4(1), V6(1), V4(2)});
  EXPECT_THAT(*Run(ResolveAddresses("a.test", 80)),
              ElementsAre(V4(1, 80), V4(2, 80), V6(1, 80)));
  AddressHints hints;
  hints.family = AF_INET6;
  EXPECT_THAT(*Run(ResolveAddresses("a.test", 80, hints)),
              ElementsAre(V6(1, 80)));
}

// CONN-09
TEST_F(GetAddrInfoTest, AnEmptyAnswerIsAnError) {
  names_->Answer("a.test", {});
  EXPECT_EQ(Run(ResolveAddresses("a.test", 80)).status(),
            absl::NotFoundError("getaddrinfo() returned empty list"));
  EXPECT_THAT(*Run(GetAddrInfo("a.test", 80)), IsEmpty());
}

// DNS-06
TEST_F(GetAddrInfoTest, CancellingTakesTheQuestionBack) {
  names_->Answer("a.test", {V4(1)}, absl::Seconds(3));
  const auto a = CreateTask(test_.loop(), ResolveAddresses("a.test", 80));
  const auto b = CreateTask(test_.loop(), GetAddrInfo("a.test", 80));
  ASSERT_TRUE(test_.RunUntilIdle().ok());
  EXPECT_EQ(names_->pending(), 2);
  a.Cancel("enough");
  ASSERT_TRUE(test_.RunUntilIdle().ok());
  EXPECT_EQ(names_->pending(), 1);
  EXPECT_TRUE(a.cancelled());
  EXPECT_EQ(a.Error(), absl::CancelledError("enough"));
  ASSERT_TRUE(test_.FastForwardBy(absl::Seconds(3)).ok());
  EXPECT_TRUE(b.Result().ok());
}

TEST_F(GetAddrInfoTest, CancellingTogetherWithTheAnswerIsCancelling) {
  names_->Answer("a.test", {V4(1)}, absl::Seconds(3));
  const auto task = CreateTask(test_.loop(), GetAddrInfo("a.test", 80));
  ASSERT_TRUE(test_.RunUntilIdle().ok());
  test_->CallLater(absl::Seconds(3), [&] { task.Cancel(); });
  ASSERT_TRUE(test_.FastForwardBy(absl::Seconds(3)).ok());
  EXPECT_TRUE(task.cancelled());
}

TEST_F(GetAddrInfoTest, WhoWasAskedAnswersThoughAnotherWasSet) {
  names_->Answer("a.test", {V4(1)}, absl::Seconds(3));
  const auto task = CreateTask(test_.loop(), ResolveAddresses("a.test", 80));
  ASSERT_TRUE(test_.RunUntilIdle().ok());
  names_.reset();
  SetResolver(test_.loop(), std::make_shared<FakeResolver>(test_.loop()));
  ASSERT_TRUE(test_.FastForwardBy(absl::Seconds(3)).ok());
  EXPECT_THAT(*task.Result(), ElementsAre(V4(1, 80)));
  EXPECT_FALSE(Run(ResolveAddresses("a.test", 80)).ok());
}

TEST_F(GetAddrInfoTest, ALoopHasOneResolverAndNullMeansANewOne) {
  EXPECT_EQ(GetResolver(test_.loop()), names_);
  SetResolver(test_.loop(), nullptr);
  const auto own = GetResolver(test_.loop());
  EXPECT_NE(own, nullptr);
  EXPECT_NE(own, names_);
  EXPECT_EQ(GetResolver(test_.loop()), own);
  TestLoop other;
  EXPECT_NE(GetResolver(other.loop()), own);
}

TEST_F(GetAddrInfoTest, TheLoopMayCloseWhileAnAnswerIsAwaited) {
  names_->Answer("a.test", {V4(1)}, absl::InfiniteDuration());
  const auto a = CreateTask(test_.loop(), ResolveAddresses("a.test", 80));
  const auto b = CreateTask(test_.loop(), GetNameInfo(V4(1)));
  ASSERT_TRUE(test_.RunUntilIdle().ok());
  EXPECT_EQ(names_->pending(), 1);
  names_.reset();
  EXPECT_TRUE(test_->Close().ok());
  EXPECT_TRUE(a.done());
}

// DNS-01
TEST(GetAddrInfoOfTheSystemTest, AsksTheSystem) {
  const std::unique_ptr<AbstractEventLoop> loop = *NewDefaultEventLoop();
  AddressHints hints;
  hints.family = AF_INET;
  const auto addresses =
      RunUntilComplete(*loop, ResolveAddresses("localhost", 80, hints));
  ASSERT_TRUE(addresses.ok()) << addresses.status();
  EXPECT_THAT(*addresses, ElementsAre(SocketAddress::LoopbackIPv4(80)));
}

TEST(GetAddrInfoOfTheSystemTest, TheLoopClosesWhileAThreadIsStuck) {
  // Shared with the thread, which nobody waits for.
  const auto asked = std::make_shared<std::latch>(1);
  const auto answer = std::make_shared<std::latch>(1);
  ThreadResolverOptions options;
  options.functions.getaddrinfo = [asked, answer](const char*, const char*,
                                                  const addrinfo*, addrinfo**) {
    asked->count_down();
    answer->wait();
    return EAI_AGAIN;
  };
  const std::unique_ptr<AbstractEventLoop> loop = *NewDefaultEventLoop();
  SetResolver(*loop, std::make_shared<ThreadResolver>(*loop, options));
  const auto task = CreateTask(*loop, ResolveAddresses("a.test", 80));
  loop->CallSoon([&] {
    loop->CallSoon([&] {
      asked->wait();
      loop->Stop();
    });
  });
  ASSERT_TRUE(loop->RunForever().ok());
  EXPECT_TRUE(loop->Close().ok());
  EXPECT_TRUE(task.done());
  answer->count_down();
}

}  // namespace
}  // namespace evkit
