// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/testing/test_loop.h"

#include <functional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr int kInventedFd = 20'000;

TEST(TestLoopTest, RunUntilIdleRunsWhatIsReadyAndLeavesTimeAlone) {
  TestLoop test;
  std::vector<std::string> trace;
  test->CallSoon([&] {
    trace.push_back("soon");
    test->CallSoon([&] { trace.push_back("then"); });
  });
  test->CallLater(absl::Nanoseconds(1), [&] { trace.push_back("later"); });
  EXPECT_TRUE(test.RunUntilIdle().ok());
  EXPECT_THAT(trace, ElementsAre("soon", "then"));
  EXPECT_EQ(test.elapsed(), absl::ZeroDuration());
}

TEST(TestLoopTest, FastForwardRunsWhatIsDueUpToAndIncludingTheEnd) {
  TestLoop test;
  std::vector<std::string> trace;
  test->CallLater(absl::Hours(2), [&] { trace.push_back("2h"); });
  test->CallLater(absl::Hours(1), [&] {
    trace.push_back("1h");
    EXPECT_EQ(test.elapsed(), absl::Hours(1));
    test->CallSoon([&] { trace.push_back("1h+"); });
  });
  EXPECT_TRUE(test.FastForwardBy(absl::Hours(1)).ok());
  EXPECT_THAT(trace, ElementsAre("1h", "1h+"));
  EXPECT_TRUE(test.FastForwardBy(absl::Hours(1) - absl::Nanoseconds(1)).ok());
  EXPECT_THAT(trace, ElementsAre("1h", "1h+"));
  EXPECT_TRUE(test.FastForwardBy(absl::Nanoseconds(1)).ok());
  EXPECT_THAT(trace, ElementsAre("1h", "1h+", "2h"));
  EXPECT_EQ(test.elapsed(), absl::Hours(2));
}

TEST(TestLoopTest, AYearOfRetriesTakesNoTime) {
  TestLoop test;
  int tries = 0;
  absl::Duration delay = absl::Seconds(1);
  std::function<void()> retry = [&] {
    ++tries;
    delay = std::min(2 * delay, absl::Hours(1));
    if (test.elapsed() < absl::Hours(24 * 365)) test->CallLater(delay, retry);
  };
  test->CallSoon(retry);
  EXPECT_TRUE(test.RunUntilNothingIsLeft().ok());
  EXPECT_GT(tries, 8700);
  EXPECT_GE(test.elapsed(), absl::Hours(24 * 365));
}

TEST(TestLoopTest, RunForeverInTheCodeUnderTestJumpsAndEndsWhenNothingIsLeft) {
  TestLoop test;
  bool done = false;
  test->CallLater(absl::Hours(1), [&] { done = true; });
  EXPECT_TRUE(test->RunForever().ok());
  EXPECT_TRUE(done);
  EXPECT_EQ(test.elapsed(), absl::Hours(1));
}

TEST(TestLoopTest, DescriptorsAreReadyWhenTheTestSaysSo) {
  TestLoop test;
  int reads = 0;
  ASSERT_TRUE(test->AddReader(kInventedFd,
                              [&] {
                                ++reads;
                                test.selector().ClearReady(kInventedFd);
                              })
                  .ok());
  EXPECT_TRUE(test.RunUntilIdle().ok());
  EXPECT_EQ(reads, 0);
  test.selector().SetReady(kInventedFd, Interest::kRead);
  EXPECT_TRUE(test.RunUntilIdle().ok());
  EXPECT_EQ(reads, 1);
}

TEST(TestLoopTest, ChildrenExitWhenTheTestSaysSo) {
  TestLoop test;
  std::vector<int> codes;
  ASSERT_TRUE(test->WatchChild(4711,
                               [&](pid_t, ExitStatus status) {
                                 codes.push_back(status.returncode());
                               })
                  .ok());
  EXPECT_TRUE(test.RunUntilIdle().ok());
  EXPECT_THAT(codes, IsEmpty());
  test.children().Exit(4711, ExitStatus::Exited(3));
  EXPECT_TRUE(test.RunUntilIdle().ok());
  EXPECT_THAT(codes, ElementsAre(3));
}

TEST(TestLoopTest, ReportsAreKeptForTheTest) {
  TestLoop test;
  test->CallExceptionHandler(ErrorContext("it is raining"));
  EXPECT_THAT(test.log(), ElementsAre(HasSubstr("it is raining")));
}

// A program with every kind of choice that is left open, as text.
std::string TraceOfARandomProgram(uint64_t seed) {
  TestLoopOptions options;
  options.seed = seed;
  TestLoop test(options);
  std::string trace;
  for (int i = 0; i < 20; ++i) {
    const int fd = kInventedFd + i;
    EXPECT_TRUE(test->AddReader(fd,
                                [&, fd, i] {
                                  absl::StrAppend(&trace, "fd", i, " ");
                                  test.selector().ClearReady(fd);
                                  test->CallLater(
                                      absl::Milliseconds(test->Random() % 100),
                                      [&, fd] {
                                        test.selector().SetReady(
                                            fd, Interest::kRead);
                                        test->CallSoon([] {});
                                      });
                                })
                    .ok());
    test.selector().SetReady(fd, Interest::kRead);
  }
  EXPECT_TRUE(test.FastForwardBy(absl::Seconds(1)).ok());
  return trace;
}

TEST(TestLoopTest, TheSameSeedGivesTheSameTrace) {
  const std::string trace = TraceOfARandomProgram(7);
  EXPECT_FALSE(trace.empty());
  for (int i = 0; i < 100; ++i) EXPECT_EQ(TraceOfARandomProgram(7), trace);
}

TEST(TestLoopTest, AnotherSeedGivesAnotherTrace) {
  EXPECT_NE(TraceOfARandomProgram(7), TraceOfARandomProgram(8));
}

}  // namespace
}  // namespace evkit
