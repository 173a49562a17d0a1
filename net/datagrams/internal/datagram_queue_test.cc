// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/datagrams/internal/datagram_queue.h"

#include <deque>
#include <random>
#include <string>
#include <utility>

#include "evkit/net/socket_address.h"
#include "gtest/gtest.h"

namespace evkit::net_internal {
namespace {

TEST(DatagramQueueTest, EachCountsForItsBytesAndEight) {
  DatagramQueue queue;
  EXPECT_TRUE(queue.empty());
  queue.Push("", SocketAddress());
  EXPECT_EQ(queue.charge(), 8u);
  queue.Push("abc", SocketAddress());
  EXPECT_EQ(queue.charge(), 19u);
  EXPECT_EQ(queue.size(), 2u);
  queue.Pop();
  EXPECT_EQ(queue.charge(), 11u);
  queue.Clear();
  EXPECT_EQ(queue.charge(), 0u);
  EXPECT_TRUE(queue.empty());
}

TEST(DatagramQueueTest, ItIsTheQueueThatADequeWouldBe) {
  std::mt19937 random(1);
  DatagramQueue queue;
  std::deque<std::pair<std::string, SocketAddress>> model;
  size_t charge = 0;
  for (int step = 0; step < 20'000; ++step) {
    // Long stretches of filling, and of emptying.
    const bool filling = step / 1000 % 2 == 0;
    if (random() % 4 < (filling ? 3 : 1) || model.empty()) {
      const std::string data(random() % 10 == 0 ? random() % 5000 : 0,
                             static_cast<char>('a' + random() % 26));
      const SocketAddress to =
          SocketAddress::LoopbackIPv4(static_cast<uint16_t>(random()));
      queue.Push(data, to);
      model.emplace_back(data, to);
      charge += data.size() + 8;
    } else {
      const size_t count = 1 + random() % std::min<size_t>(5, model.size());
      queue.Pop(count);
      for (size_t i = 0; i < count; ++i) {
        charge -= model.front().first.size() + 8;
        model.pop_front();
      }
    }
    ASSERT_EQ(queue.size(), model.size());
    ASSERT_EQ(queue.charge(), charge);
    for (size_t i = 0; i < model.size(); i += 1 + model.size() / 3) {
      ASSERT_EQ(queue.data(i), model[i].first);
      ASSERT_EQ(queue.to(i), model[i].second);
    }
  }
}

}  // namespace
}  // namespace evkit::net_internal
