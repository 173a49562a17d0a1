// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/bench/net/histogram.h"

#include <cstdint>

#include "gtest/gtest.h"

namespace evkit {
namespace {

TEST(Histogram, OfNothingIsZero) {
  const Histogram histogram;
  EXPECT_EQ(histogram.Quantile(0.5), 0u);
  EXPECT_EQ(histogram.Max(), 0u);
}

TEST(Histogram, QuantilesAreAtMostABucketTooLow) {
  Histogram histogram;
  for (uint64_t i = 1; i <= 100'000; ++i) {
    histogram.Add(i);
  }
  for (const double fraction : {0.001, 0.5, 0.99, 0.999}) {
    const double exact = fraction * 100'000;
    const auto found = static_cast<double>(histogram.Quantile(fraction));
    EXPECT_LE(found, exact + 1);
    EXPECT_GE(found, exact * (1 - 1.0 / 64)) << fraction;
  }
}

TEST(Histogram, EveryValueHasABucket) {
  for (int bit = 0; bit < 64; ++bit) {
    for (const int offset : {-1, 0, 1}) {
      const uint64_t value =
          (uint64_t{1} << bit) + static_cast<uint64_t>(offset);
      Histogram histogram;
      histogram.Add(value);
      EXPECT_LE(histogram.Max(), value);
      EXPECT_GE(histogram.Max(), value - value / 64);
    }
  }
}

TEST(Histogram, ForgetsWhenCleared) {
  Histogram histogram;
  histogram.Add(5);
  histogram.Clear();
  EXPECT_EQ(histogram.total(), 0u);
  EXPECT_EQ(histogram.Max(), 0u);
}

}  // namespace
}  // namespace evkit
