// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Two endpoints that talk at random, over sockets that fail at random: what is
// sent arrives, once and in order, or its sender was told; flow control
// alternates; and the end is the end.

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "evkit/base/fault_injection.h"
#include "evkit/loop/testing/test_loop.h"
#include "evkit/net/datagrams/datagram_testing.h"
#include "evkit/net/datagrams/datagram_transport.h"
#include "evkit/net/protocol.h"
#include "evkit/net/socket.h"
#include "evkit/net/socket_address.h"
#include "evkit/net/transport.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

// A number, and that many letters or so.
std::string Datagram(int number, size_t size) {
  std::string data = absl::StrCat(number, ":");
  data.append(size, static_cast<char>('a' + number % 26));
  return data;
}

class Talker : public DatagramProtocol {
 public:
  explicit Talker(std::mt19937_64& random) : random_(random) {}

  void ConnectionMade(std::shared_ptr<DatagramTransport> transport) override {
    transport_ = std::move(transport);
  }
  void DatagramReceived(absl::string_view data, const SocketAddress&) override {
    received.emplace_back(data);
    if (random_() % 4 == 0) Send();
  }
  void ErrorReceived(const absl::Status&) override { ++errors; }
  void PauseWriting() override {
    EXPECT_FALSE(paused);
    paused = true;
  }
  void ResumeWriting() override {
    EXPECT_TRUE(paused);
    paused = false;
  }
  void ConnectionLost(const absl::Status& status) override {
    EXPECT_TRUE(status.ok()) << status;
    EXPECT_FALSE(lost);
    lost = true;
    transport_ = nullptr;
  }

  void Send() {
    const std::string data =
        Datagram(static_cast<int>(sent.size()),
                 random_() % 8 == 0 ? random_() % 3000 : random_() % 10);
    sent.push_back(data);
    EXPECT_TRUE(transport_->SendTo(data).ok());
  }

  DatagramTransport& transport() { return *transport_; }

  std::vector<std::string> sent;
  std::vector<std::string> received;
  size_t errors = 0;
  bool paused = false;
  bool lost = false;

 private:
  std::mt19937_64& random_;
  std::shared_ptr<DatagramTransport> transport_;
};

// How many of `all` are missing in `some`, which must be a part of it in the
// same order.
size_t Missing(const std::vector<std::string>& all,
               const std::vector<std::string>& some) {
  size_t found = 0;
  for (const std::string& one : all) {
    if (found < some.size() && some[found] == one) ++found;
  }
  EXPECT_EQ(found, some.size()) << "what came was not sent, or out of order";
  return all.size() - found;
}

void FailAtRandom(FaultInjection& faults, std::mt19937_64& random) {
  faults.Clear();
  for (const char* const call : {"send", "sendmmsg", "recvfrom", "recvmmsg"}) {
    constexpr int kSendErrors[] = {EAGAIN, EAGAIN, ENOBUFS, ECONNREFUSED};
    constexpr int kReceiveErrors[] = {EAGAIN, EINTR};
    const int error = call[0] == 's' ? kSendErrors[random() % 4]
                                     : kReceiveErrors[random() % 2];
    faults.Fail(call, error, 1 + static_cast<int>(random() % 3),
                1 + static_cast<int>(random() % 4));
  }
}

void Talk(int family, size_t batch, uint64_t seed) {
  SCOPED_TRACE(
      absl::StrCat("family ", family, " batch ", batch, " seed ", seed));
  std::mt19937_64 random(seed);
  TestLoop test;
  Socket sockets[2] = {BoundDatagramSocket(family),
                       BoundDatagramSocket(family)};
  ASSERT_TRUE(sockets[0].Connect(*sockets[1].LocalAddress()).ok());
  ASSERT_TRUE(sockets[1].Connect(*sockets[0].LocalAddress()).ok());
  std::shared_ptr<Talker> talkers[2];
  for (int i = 0; i < 2; ++i) {
    talkers[i] = std::make_shared<Talker>(random);
    DatagramTransportOptions options;
    options.batch = batch;
    NewDatagramTransport(test.loop(), std::move(sockets[i]), talkers[i],
                         std::move(options));
  }
  ASSERT_TRUE(test.RunUntilIdle().ok());
  for (const auto& talker : talkers) {
    ASSERT_TRUE(talker->transport().SetWriteBufferLimits(2000).ok());
  }

  FaultInjection faults;
  for (int step = 0; step < 300; ++step) {
    if (random() % 3 == 0) FailAtRandom(faults, random);
    Talker& talker = *talkers[random() % 2];
    for (uint64_t i = random() % 8; i > 0 && !talker.paused; --i) talker.Send();
    if (random() % 2 == 0) {
      ASSERT_TRUE(test.RunUntilIdle().ok());
    }
  }
  faults.Clear();
  ASSERT_TRUE(test.RunUntilIdle().ok());
  for (int i = 0; i < 2; ++i) {
    EXPECT_GT(talkers[i]->received.size(), 50u);
    EXPECT_FALSE(talkers[i]->paused);
    EXPECT_EQ(Missing(talkers[i]->sent, talkers[1 - i]->received),
              talkers[i]->errors);
  }

  for (const auto& talker : talkers) talker->transport().Close();
  ASSERT_TRUE(test.RunUntilIdle().ok());
  for (const auto& talker : talkers) EXPECT_TRUE(talker->lost);
}

uint64_t FirstSeed() {
  uint64_t seed = 1;
  const char* const text = std::getenv("EVKIT_TEST_SEED");
  if (text != nullptr) (void)absl::SimpleAtoi(text, &seed);
  return seed;
}

TEST(DatagramTransportRandomTest, WhatIsSentArrivesInOrderOrIsReported) {
  for (uint64_t seed = FirstSeed(); seed < FirstSeed() + 20; ++seed) {
    for (const size_t batch : {1, 8}) {
      Talk(AF_INET, batch, seed);
      Talk(AF_UNIX, batch, seed);
      if (::testing::Test::HasFailure()) return;
    }
  }
}

}  // namespace
}  // namespace evkit
