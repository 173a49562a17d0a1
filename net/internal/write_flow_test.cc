// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/internal/write_flow.h"

#include <limits>
#include <optional>

#include "absl/status/status.h"
#include "gtest/gtest.h"

namespace evkit::net_internal {
namespace {

TEST(WriteFlowTest, WhatIsNotGivenFollowsFromWhatIs) {
  WriteFlow flow;
  EXPECT_EQ(flow.limits().high, 65536u);
  EXPECT_EQ(flow.limits().low, 16384u);

  ASSERT_TRUE(flow.SetLimits(1001, std::nullopt).ok());
  EXPECT_EQ(flow.limits().high, 1001u);
  EXPECT_EQ(flow.limits().low, 250u);

  ASSERT_TRUE(flow.SetLimits(std::nullopt, 25).ok());
  EXPECT_EQ(flow.limits().high, 100u);
  EXPECT_EQ(flow.limits().low, 25u);

  ASSERT_TRUE(flow.SetLimits(std::nullopt, std::nullopt).ok());
  EXPECT_EQ(flow.limits().high, 65536u);
  EXPECT_EQ(flow.limits().low, 16384u);
}

TEST(WriteFlowTest, FourTimesTheLargestNumberIsTheLargestNumber) {
  constexpr size_t kMax = std::numeric_limits<size_t>::max();
  WriteFlow flow;
  ASSERT_TRUE(flow.SetLimits(std::nullopt, kMax).ok());
  EXPECT_EQ(flow.limits().high, kMax);
  EXPECT_EQ(flow.limits().low, kMax);
}

TEST(WriteFlowTest, LowAboveHighIsRefusedAndChangesNothing) {
  WriteFlow flow;
  EXPECT_EQ(flow.SetLimits(10, 11).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(flow.limits().high, 65536u);
  EXPECT_TRUE(flow.SetLimits(11, 11).ok());
}

TEST(WriteFlowTest, PausingAndResumingAlternate) {
  WriteFlow flow;
  ASSERT_TRUE(flow.SetLimits(10, 5).ok());
  EXPECT_FALSE(flow.Resumes(0));
  EXPECT_FALSE(flow.Pauses(10));
  EXPECT_TRUE(flow.Pauses(11));
  EXPECT_FALSE(flow.Pauses(12));
  EXPECT_FALSE(flow.Resumes(6));
  EXPECT_TRUE(flow.Resumes(5));
  EXPECT_FALSE(flow.Resumes(0));
  EXPECT_TRUE(flow.Pauses(11));
}

TEST(WriteFlowTest, WithoutRoomAnythingPausesAndOnlyNothingResumes) {
  WriteFlow flow;
  ASSERT_TRUE(flow.SetLimits(0, std::nullopt).ok());
  EXPECT_FALSE(flow.Pauses(0));
  EXPECT_TRUE(flow.Pauses(1));
  EXPECT_FALSE(flow.Resumes(1));
  EXPECT_TRUE(flow.Resumes(0));
}

}  // namespace
}  // namespace evkit::net_internal
