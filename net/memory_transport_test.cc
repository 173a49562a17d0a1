// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/memory_transport.h"

#include <cerrno>
#include <cstddef>
#include <memory>
#include <random>
#include <utility>

#include "evkit/base/errno_status.h"
#include "evkit/loop/testing/test_loop.h"
#include "evkit/net/extra_info.h"
#include "evkit/net/protocol.h"
#include "evkit/net/transport_conformance.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using ::testing::ElementsAre;

TransportPair MakePair(TestLoop& test, std::shared_ptr<Protocol> first,
                       std::shared_ptr<Protocol> second,
                       MemoryTransportOptions options) {
  const MemoryTransportPair pair = NewMemoryTransportPair(
      test.loop(), std::move(first), std::move(second), std::move(options));
  return TransportPair(pair.first, pair.second);
}

TransportPair Whole(TestLoop& test, std::shared_ptr<Protocol> first,
                    std::shared_ptr<Protocol> second) {
  return MakePair(test, std::move(first), std::move(second),
                  MemoryTransportOptions());
}

TransportPair Split(TestLoop& test, std::shared_ptr<Protocol> first,
                    std::shared_ptr<Protocol> second) {
  MemoryTransportOptions options;
  options.capacity = 10'000;
  const auto random = std::make_shared<std::mt19937_64>(test.seed());
  options.split = [random](size_t size) { return 1 + (*random)() % size; };
  return MakePair(test, std::move(first), std::move(second),
                  std::move(options));
}

INSTANTIATE_TEST_SUITE_P(
    Memory, TransportConformance,
    ::testing::Values(TransportPairFactory("Whole", 1 << 20, Whole),
                      TransportPairFactory("Split", 1 << 19, Split)),
    TransportPairFactoryName);

TEST(MemoryTransportTest, ABreakEndsBothWithItsError) {
  TestLoop test;
  const auto a = std::make_shared<RecordingProtocol>();
  const auto b = std::make_shared<RecordingProtocol>();
  const MemoryTransportPair pair = NewMemoryTransportPair(test.loop(), a, b);
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_TRUE(pair.first->Write("under way").ok());
  pair.Break(ETIMEDOUT);
  pair.Break(ECONNRESET);
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_THAT(a->events, ElementsAre("made", "lost"));
  EXPECT_THAT(b->events, ElementsAre("made", "data", "lost"));
  EXPECT_EQ(b->received, "under way");
  EXPECT_EQ(ErrnoFromStatus(a->lost), ETIMEDOUT);
  EXPECT_EQ(ErrnoFromStatus(b->lost), ETIMEDOUT);
}

TEST(MemoryTransportTest, ItTakesAsMuchAsItHasRoomFor) {
  TestLoop test;
  const auto a = std::make_shared<RecordingProtocol>();
  const auto b = std::make_shared<RecordingProtocol>();
  MemoryTransportOptions options;
  options.capacity = 3;
  const MemoryTransportPair pair =
      NewMemoryTransportPair(test.loop(), a, b, options);
  pair.second->PauseReading();
  EXPECT_TRUE(pair.first->Write("12345").ok());
  EXPECT_EQ(pair.first->GetWriteBufferSize(), 2u);
  EXPECT_EQ(pair.first->GetExtraInfo(kSocket), nullptr);
  EXPECT_EQ(pair.first->GetExtraInfo(kPeername), nullptr);
  EXPECT_EQ(pair.first->GetExtraInfo(kSockname), nullptr);
  pair.second->ResumeReading();
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_EQ(b->received, "12345");
}

}  // namespace
}  // namespace evkit
