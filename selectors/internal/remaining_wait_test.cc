// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/selectors/internal/remaining_wait.h"

#include <cerrno>
#include <climits>

#include "absl/time/time.h"
#include "evkit/base/fault_injection.h"
#include "gtest/gtest.h"

namespace evkit::selectors_internal {
namespace {

absl::Duration AsTimespec(absl::Duration timeout) {
  timespec storage;
  const RemainingWait wait(timeout);
  const timespec* const result = wait.ToTimespec(storage);
  return result == nullptr ? absl::InfiniteDuration()
                           : absl::DurationFromTimespec(*result);
}

TEST(RemainingWaitTest, InfiniteTimeoutWaitsForEver) {
  RemainingWait wait(absl::InfiniteDuration());
  timespec storage;
  EXPECT_EQ(wait.ToTimespec(storage), nullptr);
  EXPECT_EQ(wait.ToMillis(), -1);
  EXPECT_TRUE(wait.IsWholeMillis());
  EXPECT_TRUE(wait.Continue());
}

TEST(RemainingWaitTest, ZeroAndLessDoNotWait) {
  for (const absl::Duration timeout :
       {absl::ZeroDuration(), -absl::Nanoseconds(1), -absl::Hours(1),
        -absl::InfiniteDuration()}) {
    RemainingWait wait(timeout);
    EXPECT_EQ(AsTimespec(timeout), absl::ZeroDuration());
    EXPECT_EQ(wait.ToMillis(), 0);
    EXPECT_TRUE(wait.IsWholeMillis());
    EXPECT_FALSE(wait.Continue());
  }
}

TEST(RemainingWaitTest, bug_B4_PartsOfANanosecondAreRoundedUp) {
  EXPECT_EQ(AsTimespec(absl::Nanoseconds(1) / 4), absl::Nanoseconds(1));
  EXPECT_EQ(AsTimespec(absl::Nanoseconds(1)), absl::Nanoseconds(1));
  EXPECT_EQ(AsTimespec(absl::Nanoseconds(2.25)), absl::Nanoseconds(3));
  EXPECT_EQ(AsTimespec(absl::Nanoseconds(1'999'999'999.5)), absl::Seconds(2));
}

TEST(RemainingWaitTest, bug_B4_PartsOfAMillisecondAreRoundedUp) {
  EXPECT_EQ(RemainingWait(absl::Nanoseconds(1)).ToMillis(), 1);
  EXPECT_EQ(RemainingWait(absl::Microseconds(400)).ToMillis(), 1);
  EXPECT_EQ(RemainingWait(absl::Milliseconds(1)).ToMillis(), 1);
  EXPECT_EQ(RemainingWait(absl::Nanoseconds(1'000'100)).ToMillis(), 2);
  EXPECT_TRUE(RemainingWait(absl::Milliseconds(5)).IsWholeMillis());
  EXPECT_FALSE(RemainingWait(absl::Microseconds(5)).IsWholeMillis());
}

TEST(RemainingWaitTest, bug_B3_LongWaitsAreCutToAnIntAndGoOn) {
  for (const absl::Duration timeout :
       {absl::Milliseconds(INT64_C(2147483648)), absl::Seconds(1e12),
        absl::Seconds(INT64_MAX)}) {
    RemainingWait wait(timeout);
    EXPECT_EQ(wait.ToMillis() == -1 ? INT_MAX : wait.ToMillis(), INT_MAX);
    EXPECT_TRUE(wait.Continue());
  }
  EXPECT_EQ(RemainingWait(absl::Milliseconds(INT_MAX)).ToMillis(), INT_MAX);
  EXPECT_EQ(RemainingWait(absl::Milliseconds(INT_MAX - 1)).ToMillis(),
            INT_MAX - 1);
}

TEST(RemainingWaitTest, ReadsTheClockOnlyIfThereIsAnEndToWaitFor) {
  FaultInjection faults;
  RemainingWait(absl::ZeroDuration()).Continue();
  RemainingWait(absl::InfiniteDuration()).Continue();
  EXPECT_EQ(faults.Count("clock_gettime"), 0);
  RemainingWait wait(absl::Hours(1));
  EXPECT_EQ(faults.Count("clock_gettime"), 1);
}

TEST(RemainingWaitTest, GetsShorterByTheTimeThatHasPassed) {
  RemainingWait wait(absl::Hours(1));
  ASSERT_TRUE(wait.Continue());
  timespec storage;
  EXPECT_LT(absl::DurationFromTimespec(*wait.ToTimespec(storage)),
            absl::Hours(1));
  RemainingWait tiny(absl::Nanoseconds(1));
  while (tiny.Continue()) {
  }
  EXPECT_EQ(tiny.ToMillis(), 0);
}

TEST(RemainingWaitTest, WithoutAClockIsOverAfterOneWait) {
  FaultInjection faults;
  faults.Fail("clock_gettime", EINVAL);
  RemainingWait wait(absl::Hours(1));
  EXPECT_EQ(wait.ToMillis(), 3'600'000);
  EXPECT_FALSE(wait.Continue());

  faults.Clear();
  faults.Fail("clock_gettime", EINVAL, 1);
  RemainingWait without_start(absl::Hours(1));
  EXPECT_FALSE(without_start.Continue());
}

}  // namespace
}  // namespace evkit::selectors_internal
