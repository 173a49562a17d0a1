// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/connections/server.h"

#include <fcntl.h>
#include <poll.h>

#include <cerrno>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "evkit/base/errno_status.h"
#include "evkit/base/fault_injection.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/loop/coro/task.h"
#include "evkit/loop/fatal_exception.h"
#include "evkit/loop/testing/test_loop.h"
#include "evkit/net/connections/server_testing.h"
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
using ::testing::IsEmpty;

Socket BoundSocket() {
  Socket socket = *Socket::Create(AF_INET, SOCK_STREAM);
  EXPECT_TRUE(socket.Bind(SocketAddress::LoopbackIPv4(0)).ok());
  return socket;
}

// A server on two ports.
class ServerTest : public ::testing::Test {
 protected:
  ServerTest() { MakeServer(diary_.NewFactory()); }

  void MakeServer(ProtocolFactory factory) {
    std::vector<Socket> sockets;
    sockets.push_back(BoundSocket());
    sockets.push_back(BoundSocket());
    address_ = *sockets[0].LocalAddress();
    other_address_ = *sockets[1].LocalAddress();
    server_ = *NewServer(test_.loop(), std::move(sockets), std::move(factory));
  }
  void Start() { ASSERT_TRUE(server_->StartServing().ok()); }
  void Connect(int count = 1) {
    for (int i = 0; i < count; ++i) clients_.push_back(NewClient(address_));
  }
  void StartWithClients(int count) {
    Start();
    Connect(count);
    RunUntilIdle();
    ASSERT_EQ(server_->client_count(), static_cast<size_t>(count));
    diary_.entries.clear();
  }
  void RunUntilIdle() { ASSERT_TRUE(test_.RunUntilIdle().ok()); }
  // Lets the loop run until there is something to receive; false if the kernel
  // has brought nothing in a long time.
  bool AwaitData(Socket& client) {
    pollfd readable = {client.fd(), POLLIN, 0};
    for (int i = 0; i < 1000; ++i) {
      RunUntilIdle();
      if (poll(&readable, 1, /*timeout=*/10) > 0) return true;
    }
    return false;
  }
  void RunOneTurn() {
    test_->Stop();
    ASSERT_TRUE(test_->RunForever().ok());
  }

  TestLoop test_;
  Diary diary_;
  SocketAddress address_;
  SocketAddress other_address_;
  std::shared_ptr<Server> server_;
  std::vector<Socket> clients_;
};

// SRV-10, SRV-27
TEST_F(ServerTest, ItListensFromStartServingToClose) {
  EXPECT_FALSE(server_->IsServing());
  EXPECT_EQ(&server_->loop(), &test_.loop());
  EXPECT_TRUE(IsRefused(address_));
  EXPECT_TRUE(IsRefused(other_address_));
  Start();
  EXPECT_TRUE(server_->IsServing());
  EXPECT_FALSE(IsRefused(address_));
  EXPECT_FALSE(IsRefused(other_address_));
  server_->Close();
  EXPECT_FALSE(server_->IsServing());
  EXPECT_TRUE(IsRefused(address_));
  EXPECT_TRUE(IsRefused(other_address_));
}

TEST_F(ServerTest, ItEchoes) {
  Start();
  Connect();
  RunUntilIdle();
  ASSERT_TRUE(clients_[0].Send("hello").ok());
  RunUntilIdle();
  EXPECT_EQ(Received(clients_[0]), "hello");
  clients_[0].Close();
  RunUntilIdle();
  EXPECT_THAT(diary_.entries, ElementsAre("new", "made", "data hello", "lost"));
  EXPECT_EQ(server_->client_count(), 0u);
}

TEST_F(ServerTest, TheTransportKnowsWhereTheConnectionComesFrom) {
  Start();
  Connect();
  RunUntilIdle();
  EXPECT_EQ(*diary_.transports.at(0)->GetExtraInfo(kPeername),
            *clients_[0].LocalAddress());
  EXPECT_EQ(*diary_.transports.at(0)->GetExtraInfo(kSockname), address_);
}

// SRV-12
TEST_F(ServerTest, AcceptFactoryAndConnectionMadeTakeATurnEach) {
  Start();
  Connect();
  FaultInjection faults;
  RunOneTurn();
  EXPECT_GT(faults.Count("accept4"), 0);
  EXPECT_THAT(diary_.entries, IsEmpty());
  RunOneTurn();
  EXPECT_THAT(diary_.entries, ElementsAre("new"));
  RunOneTurn();
  EXPECT_THAT(diary_.entries, ElementsAre("new", "made"));
}

// SRV-18
TEST_F(ServerTest, StartingTwiceIsStartingOnce) {
  Start();
  Start();
  Connect(3);
  RunUntilIdle();
  EXPECT_EQ(server_->client_count(), 3u);
}

// SRV-19
TEST_F(ServerTest, AClosedServerDoesNotStart) {
  server_->Close();
  EXPECT_EQ(server_->StartServing(),
            absl::FailedPreconditionError("the server is closed"));
  EXPECT_FALSE(server_->IsServing());
}

TEST_F(ServerTest, WhatFailsToListenIsClosed) {
  FaultInjection faults;
  faults.Fail("listen", EADDRINUSE, 2);
  EXPECT_EQ(ErrnoFromStatus(server_->StartServing()), EADDRINUSE);
  EXPECT_FALSE(server_->IsServing());
  EXPECT_THAT(server_->Sockets(), IsEmpty());
  EXPECT_TRUE(IsRefused(address_));
}

// SRV-16
TEST_F(ServerTest, ClosingLeavesTheConnectionsOpen) {
  StartWithClients(2);
  server_->Close();
  server_->Close();
  RunUntilIdle();
  EXPECT_THAT(diary_.entries, IsEmpty());
  EXPECT_EQ(server_->client_count(), 2u);
  ASSERT_TRUE(clients_[1].Send("still here").ok());
  RunUntilIdle();
  EXPECT_EQ(Received(clients_[1]), "still here");
}

// SRV-17
TEST_F(ServerTest, ItsSocketsAreShownUntilItIsClosed) {
  const std::vector<SocketView> sockets = server_->Sockets();
  ASSERT_EQ(sockets.size(), 2u);
  EXPECT_EQ(*sockets[0].LocalAddress(), address_);
  EXPECT_EQ(*sockets[1].LocalAddress(), other_address_);
  EXPECT_TRUE(sockets[0].SetOption(SOL_SOCKET, SO_RCVBUF, 10000).ok());
  EXPECT_EQ(server_->DebugString(), "<Server sockets=[" + address_.ToString() +
                                        ", " + other_address_.ToString() +
                                        "]>");
  server_->Close();
  EXPECT_THAT(server_->Sockets(), IsEmpty());
  EXPECT_EQ(sockets[0].fd(), -1);
  EXPECT_EQ(server_->DebugString(), "<Server sockets=[]>");
}

// SRV-30
TEST_F(ServerTest, TheNumberOfAClosedSocketMayBeWatchedAfresh) {
  Start();
  const int fd = server_->Sockets()[0].fd();
  Connect();
  bool called = false;
  std::optional<std::pair<Socket, Socket>> pair;
  test_->CallSoon([&] {
    server_->Close();
    pair = *Socket::Pair();
    ASSERT_TRUE(pair->first.fd() == fd || pair->second.fd() == fd);
    Socket& mine = pair->first.fd() == fd ? pair->first : pair->second;
    Socket& peer = pair->first.fd() == fd ? pair->second : pair->first;
    ASSERT_TRUE(test_
                    ->AddReader(fd,
                                [&] {
                                  called = true;
                                  test_->RemoveReader(mine.fd());
                                })
                    .ok());
    ASSERT_TRUE(peer.Send("x").ok());
  });
  RunUntilIdle();
  EXPECT_TRUE(called);
  EXPECT_THAT(diary_.entries, IsEmpty());
}

// SRV-15, SRV-23
TEST_F(ServerTest, AConnectionBelongsToItUntilConnectionLostHasReturned) {
  StartWithClients(1);
  server_->Close();
  const Task<void> closed = CreateTask(test_.loop(), server_->WaitClosed());
  size_t clients_while_lost = 0;
  bool closed_while_lost = true;
  diary_.on_lost = [&] {
    clients_while_lost = server_->client_count();
    closed_while_lost = closed.done();
  };
  RunUntilIdle();
  EXPECT_FALSE(closed.done());
  clients_[0].Close();
  RunUntilIdle();
  EXPECT_EQ(clients_while_lost, 1u);
  EXPECT_FALSE(closed_while_lost);
  EXPECT_EQ(server_->client_count(), 0u);
  EXPECT_TRUE(closed.Error().ok());
}

// The table: what WaitClosed() waits for.
// SRV-23, SRV-24
TEST_F(ServerTest, bug_H16_WaitClosedReturnsNeitherEarlyNorNever) {
  Start();
  // Neither closed nor with a connection.
  const Task<void> first = CreateTask(test_.loop(), server_->WaitClosed());
  RunUntilIdle();
  EXPECT_FALSE(first.done());
  // Connections, one of them idle, one active.
  Connect(2);
  RunUntilIdle();
  ASSERT_TRUE(clients_[1].Send("x").ok());
  const Task<void> second = CreateTask(test_.loop(), server_->WaitClosed());
  RunUntilIdle();
  EXPECT_FALSE(second.done());
  // All connections gone, but not closed.
  clients_.clear();
  RunUntilIdle();
  EXPECT_EQ(server_->client_count(), 0u);
  EXPECT_FALSE(second.done());
  // Closed with a connection.
  Connect(1);
  RunUntilIdle();
  server_->Close();
  const Task<void> third = CreateTask(test_.loop(), server_->WaitClosed());
  RunUntilIdle();
  EXPECT_FALSE(first.done());
  EXPECT_FALSE(third.done());
  // Closed twice makes no difference.
  server_->Close();
  RunUntilIdle();
  EXPECT_FALSE(third.done());
  // The last one gone.
  server_->AbortClients();
  RunUntilIdle();
  EXPECT_TRUE(first.Error().ok());
  EXPECT_TRUE(second.Error().ok());
  EXPECT_TRUE(third.Error().ok());
  // From now on at once.
  for (int i = 0; i < 3; ++i) {
    const Task<void> late = CreateTask(test_.loop(), server_->WaitClosed());
    RunUntilIdle();
    EXPECT_TRUE(late.Error().ok());
  }
}

TEST_F(ServerTest, bug_H16_WithoutConnectionsClosingIsAllItWaitsFor) {
  Start();
  const Task<void> closed = CreateTask(test_.loop(), server_->WaitClosed());
  test_->CallSoon([&] { server_->Close(); });
  RunUntilIdle();
  EXPECT_TRUE(closed.Error().ok());
}

TEST_F(ServerTest, bug_H16_AServerThatNeverServedCanBeWaitedFor) {
  server_->Close();
  const Task<void> closed = CreateTask(test_.loop(), server_->WaitClosed());
  RunUntilIdle();
  EXPECT_TRUE(closed.Error().ok());
}

TEST_F(ServerTest, ACancelledWaitDoesNotDisturbTheOthers) {
  StartWithClients(1);
  const Task<void> cancelled = CreateTask(test_.loop(), server_->WaitClosed());
  const Task<void> waits = CreateTask(test_.loop(), server_->WaitClosed());
  RunUntilIdle();
  cancelled.Cancel();
  RunUntilIdle();
  EXPECT_TRUE(cancelled.cancelled());
  server_->Close();
  server_->CloseClients();
  RunUntilIdle();
  EXPECT_TRUE(waits.Error().ok());
}

// SRV-25
TEST_F(ServerTest, CloseClientsLetsThemFinish) {
  StartWithClients(2);
  // More than the kernel takes at once.
  const std::string much(8 << 20, 'x');
  ASSERT_TRUE(diary_.transports[0]->Write(much).ok());
  server_->CloseClients();
  RunUntilIdle();
  EXPECT_THAT(diary_.entries, ElementsAre("lost"));
  EXPECT_EQ(Received(clients_[1]), "");
  size_t received = 0;
  while (received < much.size() && AwaitData(clients_[0])) {
    received += Received(clients_[0])->size();
  }
  EXPECT_EQ(received, much.size());
  ASSERT_TRUE(AwaitData(clients_[0]));
  EXPECT_EQ(Received(clients_[0]), "");
  EXPECT_THAT(diary_.entries, ElementsAre("lost", "lost"));
  // It goes on serving.
  Connect();
  RunUntilIdle();
  EXPECT_EQ(server_->client_count(), 1u);
}

// SRV-25
TEST_F(ServerTest, AbortClientsDoesNotLetThemFinish) {
  StartWithClients(2);
  ASSERT_TRUE(diary_.transports[0]->Write(std::string(8 << 20, 'x')).ok());
  server_->AbortClients();
  RunUntilIdle();
  EXPECT_THAT(diary_.entries, ElementsAre("lost", "lost"));
  EXPECT_EQ(server_->client_count(), 0u);
}

// SRV-20
TEST_F(ServerTest, ServeForeverStartsServing) {
  const Task<void> forever = CreateTask(test_.loop(), server_->ServeForever());
  RunUntilIdle();
  EXPECT_TRUE(server_->IsServing());
  EXPECT_FALSE(forever.done());

  const Task<void> second = CreateTask(test_.loop(), server_->ServeForever());
  RunUntilIdle();
  EXPECT_EQ(second.Error().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(second.Error().message()),
              HasSubstr("is already being awaited on ServeForever()"));
  EXPECT_FALSE(forever.done());
  forever.Cancel();
  RunUntilIdle();

  const Task<void> late = CreateTask(test_.loop(), server_->ServeForever());
  RunUntilIdle();
  EXPECT_EQ(late.Error(),
            absl::FailedPreconditionError("the server is closed"));
}

TEST_F(ServerTest, ServeForeverFailsIfItCannotStart) {
  FaultInjection faults;
  faults.Fail("listen", EADDRINUSE);
  const Task<void> forever = CreateTask(test_.loop(), server_->ServeForever());
  RunUntilIdle();
  EXPECT_EQ(ErrnoFromStatus(forever.Error()), EADDRINUSE);
}

// SRV-21
TEST_F(ServerTest, CancellingServeForeverClosesServerAndConnections) {
  const Task<void> forever = CreateTask(test_.loop(), server_->ServeForever());
  RunUntilIdle();
  Connect(2);
  RunUntilIdle();
  bool ended_too_early = false;
  diary_.on_lost = [&] { ended_too_early |= forever.done(); };
  forever.Cancel("enough");
  RunUntilIdle();
  EXPECT_TRUE(forever.cancelled());
  EXPECT_EQ(forever.Error().message(), "enough");
  EXPECT_FALSE(ended_too_early);
  EXPECT_FALSE(server_->IsServing());
  EXPECT_EQ(server_->client_count(), 0u);
  EXPECT_EQ(Received(clients_[0]), "");
  EXPECT_TRUE(IsRefused(address_));
}

TEST_F(ServerTest, ASecondCancellationEndsTheWaitForTheConnections) {
  const Task<void> forever = CreateTask(test_.loop(), server_->ServeForever());
  RunUntilIdle();
  Connect();
  RunUntilIdle();
  // A peer that does not read keeps the connection from closing.
  ASSERT_TRUE(diary_.transports[0]->Write(std::string(8 << 20, 'x')).ok());
  forever.Cancel("first");
  RunUntilIdle();
  EXPECT_FALSE(forever.done());
  forever.Cancel("second");
  RunUntilIdle();
  EXPECT_TRUE(forever.cancelled());
  EXPECT_EQ(forever.Error().message(), "first");
  EXPECT_EQ(server_->client_count(), 1u);
  server_->AbortClients();
  RunUntilIdle();
}

// SRV-22
TEST_F(ServerTest, CloseEndsServeForever) {
  const Task<void> forever = CreateTask(test_.loop(), server_->ServeForever());
  RunUntilIdle();
  Connect();
  RunUntilIdle();
  server_->Close();
  const Task<void> again = CreateTask(test_.loop(), server_->ServeForever());
  RunUntilIdle();
  EXPECT_TRUE(forever.cancelled());
  EXPECT_EQ(server_->client_count(), 0u);
  EXPECT_EQ(again.Error(),
            absl::FailedPreconditionError("the server is closed"));
}

Coro<int> UseServer(std::shared_ptr<Server> server, bool* was_serving) {
  *was_serving = server->IsServing();
  server->Close();
  const absl::Status closed = co_await server->WaitClosed();
  if (!closed.ok()) co_return closed;
  co_return 7;
}

// SRV-26
TEST_F(ServerTest, ItIsNotStartedByWhoUsesItAndClosedInTheEnd) {
  bool was_serving = true;
  const Task<int> task =
      CreateTask(test_.loop(), UseServer(server_, &was_serving));
  RunUntilIdle();
  EXPECT_FALSE(was_serving);
  EXPECT_EQ(*task.Result(), 7);
}

// SRV-28
TEST_F(ServerTest, AConnectionWithoutAProtocolIsClosedWithTheServer) {
  Start();
  Connect();
  RunOneTurn();  // Accepts it.
  server_->Close();
  EXPECT_EQ(Received(clients_[0]), "");
  RunUntilIdle();
  EXPECT_THAT(diary_.entries, IsEmpty());
  EXPECT_EQ(server_->client_count(), 0u);
  EXPECT_THAT(test_.log(), IsEmpty());
}

// SRV-28
TEST_F(ServerTest, ClosingItInTheFactoryClosesThatConnectionAndTheRest) {
  Start();
  Connect(3);
  diary_.on_new = [&] { server_->Close(); };
  RunUntilIdle();
  EXPECT_THAT(diary_.entries, ElementsAre("new"));
  for (Socket& client : clients_) EXPECT_EQ(Received(client), "");
  EXPECT_EQ(server_->client_count(), 0u);
}

TEST_F(ServerTest, ItMayBeClosedInConnectionMade) {
  Start();
  Connect(2);
  diary_.on_made = [&] {
    server_->Close();
    server_->CloseClients();
  };
  RunUntilIdle();
  EXPECT_THAT(diary_.entries,
              ElementsAre("new", "new", "made", "made", "lost", "lost"));
  EXPECT_EQ(server_->client_count(), 0u);
}

TEST_F(ServerTest, DroppingTheHandleOfAServingOneDoesNotEndIt) {
  Start();
  server_ = nullptr;
  Connect();
  RunUntilIdle();
  ASSERT_TRUE(clients_[0].Send("x").ok());
  RunUntilIdle();
  EXPECT_EQ(Received(clients_[0]), "x");
}

TEST_F(ServerTest, DroppingTheHandleOfOneThatDoesNotServeClosesIt) {
  const int fd = server_->Sockets()[0].fd();
  server_ = nullptr;
  EXPECT_EQ(fcntl(fd, F_GETFD), -1);
}

TEST_F(ServerTest, TheLastHandleMayBeDroppedInTheFactoryAfterClose) {
  Start();
  Connect(2);
  diary_.on_new = [&] {
    if (server_ == nullptr) return;
    server_->Close();
    server_ = nullptr;
  };
  RunUntilIdle();
  EXPECT_THAT(diary_.entries, ElementsAre("new"));
}

TEST_F(ServerTest, ItLivesUntilItsLastConnectionIsGone) {
  StartWithClients(1);
  const std::weak_ptr<Server> server = server_;
  server_->Close();
  server_ = nullptr;
  RunUntilIdle();
  EXPECT_FALSE(server.expired());
  clients_.clear();
  RunUntilIdle();
  EXPECT_TRUE(server.expired());
}

TEST_F(ServerTest, AFactoryThatHoldsTheServerDoesNotKeepItForEver) {
  std::weak_ptr<Server> weak;
  {
    auto slot = std::make_shared<std::shared_ptr<Server>>();
    MakeServer(
        [slot, this] { return std::make_shared<DiaryProtocol>(diary_); });
    *slot = server_;
    weak = server_;
  }
  Start();
  server_->Close();
  server_ = nullptr;
  EXPECT_TRUE(weak.expired());
}

TEST_F(ServerTest, ClosingTheLoopClosesItAndTellsNobody) {
  StartWithClients(1);
  Connect();  // Not accepted yet.
  const int fd = server_->Sockets()[0].fd();
  const std::weak_ptr<Server> weak = server_;
  const Task<void> forever = CreateTask(test_.loop(), server_->ServeForever());
  const Task<void> closed = CreateTask(test_.loop(), server_->WaitClosed());
  RunUntilIdle();
  diary_.entries.clear();
  ASSERT_TRUE(test_->Close().ok());
  EXPECT_EQ(fcntl(fd, F_GETFD), -1);
  EXPECT_FALSE(server_->IsServing());
  EXPECT_THAT(server_->Sockets(), IsEmpty());
  server_->CloseClients();
  server_->AbortClients();
  server_->Close();
  EXPECT_EQ(server_->StartServing(),
            absl::FailedPreconditionError("the server is closed"));
  EXPECT_THAT(diary_.entries, IsEmpty());
  diary_.transports.clear();
  server_ = nullptr;
  EXPECT_TRUE(weak.expired());
}

TEST_F(ServerTest, ClosingTheLoopFreesAServerThatNobodyHolds) {
  Start();
  const std::weak_ptr<Server> weak = server_;
  server_ = nullptr;
  Connect();
  RunUntilIdle();
  EXPECT_FALSE(weak.expired());
  diary_.transports.clear();
  ASSERT_TRUE(test_->Close().ok());
  EXPECT_TRUE(weak.expired());
}

TEST_F(ServerTest, TheLoopMayBeClosedBetweenAcceptAndFactory) {
  Start();
  Connect();
  RunOneTurn();
  EXPECT_EQ(Received(clients_[0]), std::nullopt);
  ASSERT_TRUE(test_->Close().ok());
  EXPECT_EQ(Received(clients_[0]), "");
  EXPECT_THAT(diary_.entries, IsEmpty());
}

// SRV-13: the connections that are there are not affected.
TEST_F(ServerTest, WithoutDescriptorsItServesThoseItHasAndGoesOnLater) {
  StartWithClients(2);
  FaultInjection faults;
  faults.Fail("accept4", EMFILE);
  Connect();
  RunUntilIdle();
  ASSERT_EQ(test_.log().size(), 1u);
  EXPECT_THAT(test_.log()[0],
              HasSubstr("socket.accept() out of system resource"));
  EXPECT_EQ(server_->client_count(), 2u);
  EXPECT_TRUE(server_->IsServing());
  ASSERT_TRUE(clients_[0].Send("x").ok());
  RunUntilIdle();
  EXPECT_EQ(Received(clients_[0]), "x");
  // The other socket has not tried yet, and does not have to wait.
  faults.Clear();
  clients_.push_back(NewClient(other_address_));
  RunUntilIdle();
  EXPECT_EQ(server_->client_count(), 3u);
  ASSERT_TRUE(test_.FastForwardBy(absl::Seconds(1)).ok());
  EXPECT_EQ(server_->client_count(), 4u);
}

// Whichever system call of a new connection fails, it does no harm to others.
TEST_F(ServerTest, AConnectionThatCannotBeSetUpDoesNotEndTheListening) {
  StartWithClients(1);
  for (const char* const call : {"epoll_ctl", "setsockopt", "getsockname",
                                 "getpeername", "getsockopt", "fcntl"}) {
    FaultInjection faults;
    faults.Fail(call, ENOMEM);
    Socket client = NewClient(address_);
    RunUntilIdle();
    faults.Clear();
    client.Close();
    RunUntilIdle();
    EXPECT_TRUE(server_->IsServing()) << call;
    EXPECT_EQ(server_->client_count(), 1u) << call;
  }
  ASSERT_TRUE(clients_[0].Send("x").ok());
  Connect();
  RunUntilIdle();
  EXPECT_EQ(Received(clients_[0]), "x");
  EXPECT_EQ(server_->client_count(), 2u);
}

// SRV-02
TEST(NewServerTest, ItWantsStreamSockets) {
  TestLoop test;
  Diary diary;
  std::vector<Socket> sockets;
  EXPECT_EQ(NewServer(test.loop(), {}, diary.NewFactory()).status().code(),
            absl::StatusCode::kInvalidArgument);
  sockets.push_back(*Socket::Create(AF_INET, SOCK_DGRAM));
  EXPECT_EQ(NewServer(test.loop(), std::move(sockets), diary.NewFactory())
                .status()
                .code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(NewServerTest, AClosedLoopHasNoServers) {
  TestLoop test;
  Diary diary;
  ASSERT_TRUE(test->Close().ok());
  std::vector<Socket> sockets;
  sockets.push_back(BoundSocket());
  const int fd = sockets[0].fd();
  bool before_close = false;
  NewServerOptions options;
  options.before_close = [&] {
    before_close = true;
    EXPECT_NE(fcntl(fd, F_GETFD), -1);
  };
  EXPECT_EQ(NewServer(test.loop(), std::move(sockets), diary.NewFactory(),
                      std::move(options))
                .status(),
            absl::FailedPreconditionError("the event loop is closed"));
  EXPECT_TRUE(before_close);
  EXPECT_EQ(fcntl(fd, F_GETFD), -1);
}

#if defined(__cpp_exceptions)

// SRV-14
TEST_F(ServerTest, WhatTheFactoryThrowsEndsThatConnectionOnly) {
  Start();
  bool throws = true;
  diary_.on_new = [&] {
    if (throws) throw std::runtime_error("no protocol today");
  };
  Connect();
  RunUntilIdle();
  EXPECT_THAT(test_.log(), IsEmpty());
  EXPECT_EQ(Received(clients_[0]), "");

  test_->SetDebug(true);
  Connect();
  RunUntilIdle();
  ASSERT_EQ(test_.log().size(), 1u);
  EXPECT_THAT(test_.log()[0],
              HasSubstr("Error on transport creation for incoming connection"));
  EXPECT_THAT(test_.log()[0], HasSubstr("no protocol today"));

  throws = false;
  Connect();
  RunUntilIdle();
  EXPECT_EQ(server_->client_count(), 1u);
  EXPECT_EQ(Received(clients_[2]), std::nullopt);
}

class Emergency : public FatalException {};

TEST_F(ServerTest, AFatalExceptionOfTheFactoryLeavesTheLoop) {
  Start();
  Connect(2);
  bool throws = true;
  diary_.on_new = [&] {
    if (std::exchange(throws, false)) throw Emergency();
  };
  EXPECT_THROW((void)test_.RunUntilIdle(), Emergency);
  EXPECT_EQ(Received(clients_[0]), "");
  RunUntilIdle();
  EXPECT_EQ(server_->client_count(), 1u);
}

TEST_F(ServerTest, WhatConnectionMadeThrowsIsReportedAndTheConnectionStays) {
  Start();
  diary_.on_made = [] { throw std::runtime_error("cannot greet"); };
  Connect();
  RunUntilIdle();
  EXPECT_EQ(test_.log().size(), 1u);
  EXPECT_EQ(server_->client_count(), 1u);
}

#endif  // defined(__cpp_exceptions)

}  // namespace
}  // namespace evkit
