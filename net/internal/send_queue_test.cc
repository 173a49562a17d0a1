// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/internal/send_queue.h"

#include <sys/uio.h>

#include <cstddef>
#include <random>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "gtest/gtest.h"

namespace evkit::net_internal {
namespace {

std::string All(const SendQueue& queue, size_t most = 1024) {
  iovec pieces[1024];
  const size_t count = queue.Gather(absl::MakeSpan(pieces, most));
  std::string all;
  for (size_t i = 0; i < count; ++i) {
    EXPECT_GT(pieces[i].iov_len, 0u);
    all.append(static_cast<const char*>(pieces[i].iov_base), pieces[i].iov_len);
  }
  return all;
}

TEST(SendQueueTest, EmptyPiecesTakeNoPlace) {
  SendQueue queue;
  queue.Append("");
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(All(queue), "");
  queue.Append("a");
  queue.Append("");
  EXPECT_EQ(queue.size(), 1u);
  queue.Consume(1);
  EXPECT_TRUE(queue.empty());
}

TEST(SendQueueTest, SmallPiecesShareAChunk) {
  SendQueue queue;
  for (int i = 0; i < 100; ++i) queue.Append("0123456789");
  iovec pieces[8];
  EXPECT_EQ(queue.Gather(absl::MakeSpan(pieces)), 1u);
  EXPECT_EQ(pieces[0].iov_len, 1000u);
}

TEST(SendQueueTest, ItGathersNoMoreThanThereIsRoomFor) {
  SendQueue queue;
  const std::string large(100'000, 'x');
  for (int i = 0; i < 5; ++i) queue.Append(large);
  EXPECT_EQ(All(queue, 2).size(), 200'000u);
  EXPECT_EQ(All(queue).size(), 500'000u);
}

TEST(SendQueueTest, ClearingForgetsAll) {
  SendQueue queue;
  queue.Append(std::string(100'000, 'x'));
  queue.Consume(10);
  queue.Clear();
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.size(), 0u);
  queue.Append("new");
  EXPECT_EQ(All(queue), "new");
}

TEST(SendQueueTest, BytesKeepTheirOrderHoweverTheyArePutInAndTakenOut) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 50; ++round) {
    SendQueue queue;
    std::string model;
    for (int step = 0; step < 200; ++step) {
      if (random() % 2 == 0) {
        const size_t size = random() % (random() % 4 == 0 ? 50'000 : 100);
        std::string piece(size, '\0');
        for (char& byte : piece) byte = static_cast<char>(random());
        queue.Append(piece);
        model += piece;
      } else {
        const size_t size = random() % (model.size() + 1);
        queue.Consume(size);
        model.erase(0, size);
      }
      ASSERT_EQ(queue.size(), model.size());
      ASSERT_EQ(queue.empty(), model.empty());
      ASSERT_EQ(All(queue), model);
    }
  }
}

}  // namespace
}  // namespace evkit::net_internal
