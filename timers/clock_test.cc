// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/timers/clock.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cstdint>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/time.h"
#include "evkit/timers/fake_clock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
constexpr MonotonicTime kFuture = MonotonicTime::InfiniteFuture();
constexpr MonotonicTime kPast = MonotonicTime::InfinitePast();

constexpr MonotonicTime At(int64_t nanos) {
  return MonotonicTime::FromNanos(nanos);
}

int64_t ReadClock(clockid_t clock) {
  timespec time;
  clock_gettime(clock, &time);
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

TEST(MonotonicTimeTest, IsAConstantExpression) {
  static_assert(MonotonicTime() == At(0));
  static_assert(At(7).ToNanos() == 7);
  static_assert(At(1) < At(2));
  static_assert(kPast < At(kMin + 1) && At(kMax - 1) < kFuture);
}

TEST(MonotonicTimeTest, AddsAndSubtractsExactly) {
  EXPECT_EQ(At(5) + absl::Nanoseconds(3), At(8));
  EXPECT_EQ(At(5) - absl::Nanoseconds(8), At(-3));
  EXPECT_EQ(At(5) + -absl::Seconds(1), At(5 - 1'000'000'000));
  EXPECT_EQ(At(5) - -absl::Seconds(1), At(5 + 1'000'000'000));
  EXPECT_EQ(At(8) - At(5), absl::Nanoseconds(3));
  EXPECT_EQ(At(5) - At(8), -absl::Nanoseconds(3));
  MonotonicTime time = At(1);
  time += absl::Nanoseconds(9);
  time -= absl::Nanoseconds(2);
  EXPECT_EQ(time, At(8));
}

TEST(MonotonicTimeTest, IsExactNearTheEndsOfTheRange) {
  EXPECT_EQ(At(kMax - 5) + absl::Nanoseconds(4), At(kMax - 1));
  EXPECT_EQ(At(kMin + 5) - absl::Nanoseconds(4), At(kMin + 1));
  EXPECT_EQ(At(kMax - 1) - absl::Nanoseconds(kMax - 1), At(0));
  EXPECT_EQ(At(kMax - 1) - At(kMin + 1),
            absl::Nanoseconds(kMax - 1) + absl::Nanoseconds(kMax));
}

// inf and huge delays overflow in the arithmetic.
TEST(MonotonicTimeTest, bug_C8_SumsAndDifferencesSaturate) {
  for (const MonotonicTime time : {At(0), At(-7), At(7), At(kMax / 2),
                                   At(kMin / 2), At(kMax - 1), At(kMin + 1)}) {
    EXPECT_EQ(time + absl::InfiniteDuration(), kFuture);
    EXPECT_EQ(time - absl::InfiniteDuration(), kPast);
    EXPECT_EQ(time + -absl::InfiniteDuration(), kPast);
    EXPECT_EQ(time - -absl::InfiniteDuration(), kFuture);
    EXPECT_EQ(time + absl::Hours(24 * 365 * 1000), kFuture);
    EXPECT_EQ(time - absl::Hours(24 * 365 * 1000), kPast);
    EXPECT_EQ(kFuture - time, absl::InfiniteDuration());
    EXPECT_EQ(kPast - time, -absl::InfiniteDuration());
    EXPECT_EQ(time - kFuture, -absl::InfiniteDuration());
    EXPECT_EQ(time - kPast, absl::InfiniteDuration());
  }
  EXPECT_EQ(At(kMax - 5) + absl::Nanoseconds(6), kFuture);
  EXPECT_EQ(At(kMin + 5) - absl::Nanoseconds(6), kPast);
}

TEST(MonotonicTimeTest, InfinitiesStayWhatTheyAre) {
  for (const absl::Duration d :
       {absl::ZeroDuration(), absl::Seconds(1), -absl::Seconds(1),
        absl::InfiniteDuration(), -absl::InfiniteDuration()}) {
    EXPECT_EQ(kFuture + d, kFuture);
    EXPECT_EQ(kFuture - d, kFuture);
    EXPECT_EQ(kPast + d, kPast);
    EXPECT_EQ(kPast - d, kPast);
  }
  EXPECT_EQ(kFuture - kPast, absl::InfiniteDuration());
  EXPECT_EQ(kPast - kFuture, -absl::InfiniteDuration());
  EXPECT_EQ(kFuture - kFuture, absl::InfiniteDuration());
  EXPECT_EQ(kPast - kPast, -absl::InfiniteDuration());
}

// Adding one resolution to a large time in floating point changes nothing.
TEST(MonotonicTimeTest, bug_C9_OneNanosecondCountsHoweverLateItIs) {
  for (const int64_t base : {int64_t{1'700'000'000} * 1'000'000'000,
                             int64_t{1} << 53, int64_t{1} << 62}) {
    EXPECT_GT(At(base) + absl::Nanoseconds(1), At(base));
    EXPECT_EQ(At(base + 1) - At(base), absl::Nanoseconds(1));
  }
}

// TIME-01
TEST(RealClockTest, IsTheKernelsMonotonicClock) {
  for (int i = 0; i < 1000; ++i) {
    const int64_t before = ReadClock(CLOCK_MONOTONIC);
    const int64_t now = Clock::Real().Now().ToNanos();
    ASSERT_LE(before, now);
    ASSERT_LE(now, ReadClock(CLOCK_MONOTONIC));
  }
}

// Exits with 0 if, in a time namespace whose monotonic clock is 10^9 s ahead
// and whose wall clock is not, Clock::Real() is ahead as well; with 77 if there
// can be no such namespace here.
[[noreturn]] void CheckInTimeNamespace() {
  const MonotonicTime outside = Clock::Real().Now();
  if (unshare(CLONE_NEWUSER | CLONE_NEWTIME) != 0) _exit(77);
  const int fd = open("/proc/self/timens_offsets", O_WRONLY | O_CLOEXEC);
  const std::string offset = "monotonic 1000000000 0\n";
  if (fd < 0 || write(fd, offset.data(), offset.size()) < 0) _exit(77);
  // The namespace is that of children to come.
  const pid_t pid = fork();
  if (pid < 0) _exit(77);
  if (pid == 0) {
    const absl::Duration ahead = Clock::Real().Now() - outside;
    const bool moved = ahead >= absl::Seconds(1'000'000'000) &&
                       ahead < absl::Seconds(1'000'000'000) + absl::Hours(1);
    _exit(moved ? 0 : 1);
  }
  int status = 0;
  if (waitpid(pid, &status, 0) != pid) _exit(77);
  _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

// Wall clock used: setting it back an hour stops the timers. Here the two
// clocks drift apart by 30 years at once.
TEST(RealClockTest, bug_C10_FollowsTheMonotonicClockAndNotTheWallClock) {
  const pid_t pid = fork();
  ASSERT_GE(pid, 0);
  if (pid == 0) CheckInTimeNamespace();
  int status = 0;
  ASSERT_EQ(waitpid(pid, &status, 0), pid);
  ASSERT_TRUE(WIFEXITED(status));
  if (WEXITSTATUS(status) == 77) GTEST_SKIP() << "no time namespaces here";
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(FakeClockTest, StandsStillUntilMoved) {
  FakeClock clock(At(100));
  EXPECT_EQ(clock.Now(), At(100));
  clock.AdvanceBy(absl::Nanoseconds(5));
  EXPECT_EQ(clock.Now(), At(105));
  clock.SetTo(At(42));
  EXPECT_EQ(clock.Now(), At(42));
  clock.AdvanceBy(absl::InfiniteDuration());
  EXPECT_EQ(clock.Now(), kFuture);
}

TEST(FakeClockTest, MayBeMovedAndReadFromManyThreads) {
  FakeClock clock(At(0));
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&clock] {
      MonotonicTime last = clock.Now();
      for (int j = 0; j < 1000; ++j) {
        clock.AdvanceBy(absl::Nanoseconds(1));
        EXPECT_GT(clock.Now(), last);
        last = clock.Now();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(clock.Now(), At(4000));
}

}  // namespace
}  // namespace evkit
