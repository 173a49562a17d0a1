// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/connections/listener.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <cerrno>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "evkit/base/errno_status.h"
#include "evkit/base/fault_injection.h"
#include "evkit/loop/abstract_event_loop.h"
#include "evkit/loop/default_event_loop.h"
#include "evkit/loop/error_context.h"
#include "evkit/loop/event_loop.h"
#include "evkit/loop/testing/test_loop.h"
#include "evkit/net/socket.h"
#include "evkit/net/socket_address.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ListenerTest : public ::testing::Test {
 protected:
  explicit ListenerTest(ListenerOptions options = ListenerOptions()) {
    Socket socket = *Socket::Create(AF_INET, SOCK_STREAM);
    EXPECT_TRUE(socket.Bind(SocketAddress::LoopbackIPv4(0)).ok());
    address_ = *socket.LocalAddress();
    listener_.emplace(test_.loop(), std::move(socket), options,
                      [this](Socket peer, SocketAddress from) {
                        EXPECT_EQ(*peer.PeerAddress(), from);
                        accepted_.push_back(std::move(peer));
                        if (on_accept_) on_accept_();
                      });
  }

  void Start() { ASSERT_TRUE(listener_->Start().ok()); }
  void AddClients(int count) {
    for (int i = 0; i < count; ++i) {
      clients_.push_back(*Socket::Create(AF_INET, SOCK_STREAM));
      ASSERT_TRUE(clients_.back().Connect(address_).ok());
    }
  }
  void RunUntilIdle() { ASSERT_TRUE(test_.RunUntilIdle().ok()); }

  TestLoop test_;
  SocketAddress address_;
  std::optional<Listener> listener_;
  std::vector<Socket> accepted_;
  std::vector<Socket> clients_;
  absl::AnyInvocable<void()> on_accept_;
};

TEST_F(ListenerTest, BeforeItIsStartedClientsAreRefused) {
  Socket client = *Socket::Create(AF_INET, SOCK_STREAM);
  const auto connected = client.Connect(address_);
  const absl::Status error =
      connected.ok() ? client.TakeError("connect") : connected.status();
  EXPECT_EQ(error.code(), absl::StatusCode::kUnavailable);

  Start();
  AddClients(1);
  RunUntilIdle();
  EXPECT_EQ(accepted_.size(), 1u);
}

TEST_F(ListenerTest, StartingTwiceIsStartingOnce) {
  Start();
  Start();
  AddClients(3);
  RunUntilIdle();
  EXPECT_EQ(accepted_.size(), 3u);
}

TEST_F(ListenerTest, ItAcceptsWithoutBlockingAndClosedOnExec) {
  Start();
  AddClients(1);
  RunUntilIdle();
  ASSERT_EQ(accepted_.size(), 1u);
  EXPECT_NE(fcntl(accepted_[0].fd(), F_GETFL) & O_NONBLOCK, 0);
  EXPECT_NE(fcntl(accepted_[0].fd(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST_F(ListenerTest, StoppingClosesTheSocketAtOnce) {
  Start();
  const int fd = listener_->socket().fd();
  listener_->Stop();
  EXPECT_FALSE(listener_->socket());
  EXPECT_EQ(fcntl(fd, F_GETFD), -1);
  EXPECT_EQ(listener_->Start(),
            absl::FailedPreconditionError("the listener has been stopped"));
  listener_->Stop();
}

TEST_F(ListenerTest, ItMayBeStoppedByTheOneItCalls) {
  Start();
  AddClients(3);
  on_accept_ = [this] { listener_->Stop(); };
  RunUntilIdle();
  EXPECT_EQ(accepted_.size(), 1u);
}

TEST_F(ListenerTest, ItMayBeDestroyedByTheOneItCalls) {
  Start();
  AddClients(3);
  on_accept_ = [this] { listener_.reset(); };
  RunUntilIdle();
  EXPECT_EQ(accepted_.size(), 1u);
}

class SmallListenerTest : public ListenerTest {
 protected:
  SmallListenerTest() : ListenerTest(Small()) {}
  static ListenerOptions Small() {
    ListenerOptions options;
    options.backlog = 4;
    return options;
  }
};

// SRV-11: backlog + 1.
TEST_F(SmallListenerTest, bug_H3_AFloodIsAcceptedInBoundedPortions) {
  Start();
  AddClients(1);
  size_t accepted_in_first_turn = 0;
  on_accept_ = [&] {
    if (accepted_.size() == 1) {
      test_->CallSoon([&] { accepted_in_first_turn = accepted_.size(); });
    }
    if (accepted_.size() < 20) AddClients(1);
  };
  RunUntilIdle();
  EXPECT_EQ(accepted_in_first_turn, 5u);
  EXPECT_EQ(accepted_.size(), 20u);
}

// SRV-13
TEST_F(ListenerTest, bug_H2_ErrorsOfThePeerArePassedOver) {
  Start();
  for (const int error :
       {ECONNABORTED, EPROTO, ENETDOWN, ENOPROTOOPT, EHOSTDOWN, ENONET,
        EHOSTUNREACH, EOPNOTSUPP, ENETUNREACH, EPERM, EAGAIN, EINTR}) {
    accepted_.clear();
    AddClients(2);
    FaultInjection faults;
    faults.Fail("accept4", error, 1);
    RunUntilIdle();
    EXPECT_EQ(accepted_.size(), 2u) << error;
  }
  EXPECT_THAT(test_.log(), IsEmpty());
}

// SRV-13
TEST_F(ListenerTest, OtherErrorsAreReportedAndListeningGoesOn) {
  Start();
  AddClients(2);
  FaultInjection faults;
  faults.Fail("accept4", EFAULT, 1);
  RunUntilIdle();
  EXPECT_EQ(accepted_.size(), 2u);
  ASSERT_EQ(test_.log().size(), 1u);
  EXPECT_THAT(test_.log()[0], HasSubstr("Exception in accept callback"));
}

// SRV-13
TEST_F(ListenerTest, bug_H1_WithoutDescriptorsItPausesForASecond) {
  Start();
  for (const int error : {EMFILE, ENFILE, ENOBUFS, ENOMEM}) {
    accepted_.clear();
    AddClients(2);
    const size_t reports = test_.log().size();
    FaultInjection faults;
    faults.Fail("accept4", error);
    RunUntilIdle();
    EXPECT_EQ(faults.Count("accept4"), 1);
    ASSERT_EQ(test_.log().size(), reports + 1);
    EXPECT_THAT(test_.log().back(),
                HasSubstr("socket.accept() out of system resource"));
    EXPECT_THAT(test_.log().back(), HasSubstr(address_.ToString()));

    faults.Clear();
    ASSERT_TRUE(test_.FastForwardBy(absl::Milliseconds(999)).ok());
    EXPECT_EQ(faults.Count("accept4"), 1);
    ASSERT_TRUE(test_.FastForwardBy(absl::Milliseconds(1)).ok());
    RunUntilIdle();
    EXPECT_EQ(accepted_.size(), 2u);
  }
}

// CONN-16
TEST_F(ListenerTest, WhatItAcceptsDoesNotWaitForMoreToSend) {
  Start();
  AddClients(2);
  FaultInjection faults;
  RunUntilIdle();
  ASSERT_EQ(accepted_.size(), 2u);
  for (Socket& peer : accepted_) {
    EXPECT_TRUE(peer.SetNoDelay().ok());
    EXPECT_EQ(*peer.GetOption(IPPROTO_TCP, TCP_NODELAY), 1);
  }
  EXPECT_EQ(faults.Count("setsockopt"), 0);
}

TEST_F(ListenerTest, bug_H1_StoppingDuringThePauseCancelsTheRetry) {
  Start();
  AddClients(1);
  FaultInjection faults;
  faults.Fail("accept4", EMFILE, 1);
  RunUntilIdle();
  listener_->Stop();
  ASSERT_TRUE(test_.RunUntilNothingIsLeft().ok());
  EXPECT_EQ(test_.elapsed(), absl::ZeroDuration());
  EXPECT_EQ(faults.Count("accept4"), 1);
}

TEST_F(ListenerTest, ErrorsOfListenAreReturnedAndItMayBeTriedAgain) {
  FaultInjection faults;
  faults.Fail("listen", EADDRINUSE, 1);
  EXPECT_EQ(ErrnoFromStatus(listener_->Start()), EADDRINUSE);
  EXPECT_FALSE(listener_->is_started());
  Start();
}

// On a loop with a real selector, which can fail; it pauses for no time at all.
class ListenerFaultsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    Socket socket = *Socket::Create(AF_INET, SOCK_STREAM);
    ASSERT_TRUE(socket.Bind(SocketAddress::LoopbackIPv4(0)).ok());
    const SocketAddress address = *socket.LocalAddress();
    ListenerOptions options;
    options.retry_delay = absl::ZeroDuration();
    listener_.emplace(*loop_, std::move(socket), options,
                      [this](Socket, SocketAddress) {
                        ++accepted_;
                        loop_->Stop();
                      });
    ASSERT_TRUE(listener_->Start().ok());
    ASSERT_TRUE(client_.Connect(address).ok());
    loop_->SetExceptionHandler(
        [this](AbstractEventLoop&, const ErrorContext& error) {
          reports_.push_back(error.message);
          if (on_report_) on_report_();
        });
  }

  const std::unique_ptr<EventLoop> loop_ = *NewDefaultEventLoop();
  std::optional<Listener> listener_;
  Socket client_ = *Socket::Create(AF_INET, SOCK_STREAM);
  int accepted_ = 0;
  std::vector<std::string> reports_;
  absl::AnyInvocable<void()> on_report_;
};

// SRV-13
TEST_F(ListenerFaultsTest, bug_H1_AfterAPauseItTriesUntilItCanGoOn) {
  FaultInjection faults;
  faults.Fail("accept4", EMFILE, 1);
  on_report_ = [&] {
    if (reports_.size() == 1) faults.Fail("epoll_ctl", ENOSPC);
    if (reports_.size() == 4) faults.Clear();
  };
  ASSERT_TRUE(loop_->RunForever().ok());
  EXPECT_EQ(accepted_, 1);
  const std::string again = "A listener could not go on after a pause";
  EXPECT_THAT(reports_, ElementsAre("socket.accept() out of system resource",
                                    again, again, again));
}

TEST_F(ListenerFaultsTest, bug_H1_WhoHearsThatItCannotGoOnMayDestroyIt) {
  FaultInjection faults;
  faults.Fail("accept4", EMFILE, 1);
  on_report_ = [&] {
    faults.Fail("epoll_ctl", ENOSPC);
    if (reports_.size() < 2) return;
    listener_.reset();
    loop_->CallLater(absl::Milliseconds(1), [this] { loop_->Stop(); });
  };
  ASSERT_TRUE(loop_->RunForever().ok());
  EXPECT_EQ(reports_.size(), 2u);
}

}  // namespace
}  // namespace evkit
