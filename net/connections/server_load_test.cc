// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Servers with as many connections as the limit of descriptors allows, up to
// ten thousand: both ends are in this process.

#include <malloc.h>
#include <poll.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstddef>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "evkit/base/allocation_counter.h"
#include "evkit/loop/coro/task.h"
#include "evkit/loop/testing/test_loop.h"
#include "evkit/net/connections/bind_server.h"
#include "evkit/net/connections/server.h"
#include "evkit/net/connections/server_testing.h"
#include "evkit/net/protocol.h"
#include "evkit/net/socket.h"
#include "evkit/net/socket_address.h"
#include "evkit/net/transport.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

// Answers each line with the line.
class LineProtocol final : public Protocol {
 public:
  void ConnectionMade(std::shared_ptr<Transport> transport) override {
    transport_ = std::move(transport);
  }
  void DataReceived(absl::string_view data) override {
    absl::StrAppend(&line_, data);
    if (line_.back() != '\n') return;
    EXPECT_TRUE(transport_->Write(line_).ok());
    line_.clear();
  }
  void ConnectionLost(const absl::Status& status) override {
    EXPECT_TRUE(status.ok()) << status;
    transport_ = nullptr;
  }

 private:
  std::shared_ptr<Transport> transport_;
  std::string line_;
};

// How many connections there can be, at most `wanted`.
size_t Affordable(size_t wanted) {
  rlimit limit;
  EXPECT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  limit.rlim_cur = limit.rlim_max;
  EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  return std::min<size_t>(wanted, (limit.rlim_cur - 200) / 2);
}

// The kernel may take its time to deliver so much.
void AwaitReadable(const Socket& socket) {
  pollfd wanted = {socket.fd(), POLLIN, 0};
  ASSERT_EQ(poll(&wanted, 1, -1), 1);
}

size_t HeapBytes() { return mallinfo2().uordblks; }

class ServerLoadTest : public ::testing::Test {
 protected:
  ServerLoadTest() {
    ServerOptions options;
    options.backlog = kPortion;
    server_ = *BindServer(
        test_.loop(), {SocketAddress::LoopbackIPv4(0)},
        [] { return std::make_shared<LineProtocol>(); }, options);
    address_ = *server_->Sockets()[0].LocalAddress();
  }
  ~ServerLoadTest() override {
    clients_.clear();
    EXPECT_TRUE(test_.RunUntilIdle().ok());
  }

  // In portions that the kernel's queue of connections holds.
  static constexpr int kPortion = 1000;
  void Connect(size_t count) {
    clients_.reserve(count);
    while (clients_.size() < count) {
      const size_t end = std::min(clients_.size() + kPortion, count);
      while (clients_.size() < end) clients_.push_back(NewClient(address_));
      ASSERT_TRUE(test_.RunUntilIdle().ok());
    }
    ASSERT_EQ(server_->client_count(), count);
  }

  TestLoop test_;
  std::shared_ptr<Server> server_;
  SocketAddress address_;
  std::vector<Socket> clients_;
};

// Measured: see the output. The kernel's own share is not in it.
TEST_F(ServerLoadTest, AnIdleConnectionCostsAFewKilobytesAtMost) {
  const size_t count = Affordable(10000);
  clients_.reserve(count);
  const size_t before = HeapBytes();
  Connect(count);
  const size_t each = (HeapBytes() - before) / count;
  std::cout << count << " idle connections, " << each
            << " bytes of heap each, with the protocol\n";
  RecordProperty("heap_bytes_per_idle_connection", static_cast<int>(each));
  if (CountsAllocations()) {
    EXPECT_LE(each, 4096u);
  }

  const Task<void> closed = CreateTask(test_.loop(), server_->WaitClosed());
  server_->Close();
  server_->CloseClients();
  ASSERT_TRUE(test_.RunUntilIdle().ok());
  EXPECT_TRUE(closed.Error().ok());
  EXPECT_EQ(server_->client_count(), 0u);
  for (Socket& client : clients_) {
    AwaitReadable(client);
    ASSERT_EQ(Received(client), "");
  }
}

TEST_F(ServerLoadTest, bug_H18_PeersThatTrickleCostLittleAndDelayNobody) {
  const size_t count = Affordable(5000);
  clients_.reserve(count);
  const size_t before = HeapBytes();
  Connect(count);
  Socket client = NewClient(address_);
  ASSERT_TRUE(test_.RunUntilIdle().ok());
  for (int second = 0; second < 10; ++second) {
    ASSERT_TRUE(test_.FastForwardBy(absl::Seconds(1)).ok());
    for (Socket& slow : clients_) ASSERT_TRUE(slow.Send("x").ok());
    // All of them are ready at once, and this one too.
    ASSERT_TRUE(client.Send("ping\n").ok());
    std::optional<std::string> answer;
    int turns = 0;
    for (; !answer.has_value() && turns < 10; ++turns) {
      test_->Stop();
      ASSERT_TRUE(test_->RunForever().ok());
      answer = Received(client);
    }
    EXPECT_EQ(answer, "ping\n");
    EXPECT_LE(turns, 2);
  }
  const size_t each = (HeapBytes() - before) / count;
  std::cout << count << " slow connections, " << each
            << " bytes of heap each\n";
  if (CountsAllocations()) {
    EXPECT_LE(each, 16384u);
  }
}

}  // namespace
}  // namespace evkit
