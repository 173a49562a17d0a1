// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/coro/coro.h"

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "evkit/loop/coro/or_return.h"
#include "evkit/loop/coro/run_until_complete.h"
#include "evkit/loop/testing/test_loop.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using ::testing::ElementsAre;

// Says when it is destroyed; counts how many are alive.
class Local {
 public:
  Local(std::vector<std::string>& trace, std::string name)
      : trace_(trace), name_(std::move(name)) {}
  Local(const Local&) = delete;
  Local& operator=(const Local&) = delete;
  ~Local() { trace_.push_back("~" + name_); }

 private:
  std::vector<std::string>& trace_;
  const std::string name_;
};

Coro<int> Half(int n) {
  if (n % 2 != 0) co_return absl::InvalidArgumentError("odd");
  co_return n / 2;
}

Coro<std::string> Describe(int n, std::vector<std::string>& trace) {
  const Local first(trace, "first");
  const Local second(trace, "second");
  const int half = co_await OrReturn(Half(n));
  trace.push_back("went on");
  co_return "half is " + std::to_string(half);
}

TEST(CoroTest, AValueIsReturnedAndAwaitedAsAStatusOr) {
  TestLoop test;
  EXPECT_EQ(*RunUntilComplete(test.loop(), Half(8)), 4);
  EXPECT_EQ(RunUntilComplete(test.loop(), Half(7)).status(),
            absl::InvalidArgumentError("odd"));
}

TEST(CoroTest, OrReturnGivesTheValue) {
  TestLoop test;
  std::vector<std::string> trace;
  EXPECT_EQ(*RunUntilComplete(test.loop(), Describe(8, trace)), "half is 4");
  EXPECT_THAT(trace, ElementsAre("went on", "~second", "~first"));
}

Coro<void> DescribeAndGoOn(int n, std::vector<std::string>& trace) {
  const absl::StatusOr<std::string> text = co_await Describe(n, trace);
  trace.push_back(text.status().ToString());
  co_return absl::OkStatus();
}

TEST(CoroTest, OrReturnDestroysTheLocalsBeforeTheCallerGoesOn) {
  TestLoop test;
  std::vector<std::string> trace;
  EXPECT_TRUE(RunUntilComplete(test.loop(), DescribeAndGoOn(7, trace)).ok());
  EXPECT_THAT(trace, ElementsAre("~second", "~first", "INVALID_ARGUMENT: odd"));
}

Coro<int> OrReturnOfReadyResults(absl::Status status, absl::StatusOr<int> n) {
  co_await OrReturn(status);
  const int value = co_await OrReturn(n);
  co_return value + 1;
}

TEST(CoroTest, OrReturnTakesPlainStatuses) {
  TestLoop test;
  EXPECT_EQ(*RunUntilComplete(test.loop(),
                              OrReturnOfReadyResults(absl::OkStatus(), 1)),
            2);
  EXPECT_EQ(RunUntilComplete(test.loop(), OrReturnOfReadyResults(
                                              absl::NotFoundError("no"), 1))
                .status(),
            absl::NotFoundError("no"));
  EXPECT_EQ(RunUntilComplete(test.loop(),
                             OrReturnOfReadyResults(absl::OkStatus(),
                                                    absl::AbortedError("a")))
                .status(),
            absl::AbortedError("a"));
}

Coro<std::unique_ptr<int>> MoveOnly() {
  auto owned = std::make_unique<int>(5);
  co_return owned;
}
Coro<int> UseMoveOnly() {
  const std::unique_ptr<int> owned = co_await OrReturn(MoveOnly());
  const auto again = co_await MoveOnly();
  co_return *owned + **again;
}

TEST(CoroTest, ValuesMayBeMoveOnly) {
  TestLoop test;
  EXPECT_EQ(*RunUntilComplete(test.loop(), UseMoveOnly()), 10);
}

Coro<int> OkStatusInsteadOfAValue() { co_return absl::OkStatus(); }

TEST(CoroTest, AnOkStatusInThePlaceOfAValueIsAnError) {
  TestLoop test;
  EXPECT_EQ(
      RunUntilComplete(test.loop(), OkStatusInsteadOfAValue()).status().code(),
      absl::StatusCode::kInternal);
}

TEST(CoroTest, ACoroThatIsNotAwaitedDestroysItsParameters) {
  auto owned = std::make_shared<int>(1);
  {
    auto coro = [](std::shared_ptr<int> parameter) -> Coro<int> {
      co_return *parameter;
    }(owned);
    EXPECT_EQ(owned.use_count(), 2);
    EXPECT_TRUE(coro.valid());
  }
  EXPECT_EQ(owned.use_count(), 1);
}

#if defined(__cpp_exceptions)

Coro<int> Throws() {
  throw std::runtime_error("thrown");
  co_return 1;
}
Coro<std::string> Catches() {
  try {
    (void)co_await Throws();
  } catch (const std::runtime_error& error) {
    co_return std::string("caught ") + error.what();
  }
  co_return std::string("nothing");
}
Coro<std::string> CatchesThroughOrReturn() {
  try {
    co_await OrReturn(Throws());
  } catch (const std::runtime_error& error) {
    co_return std::string("caught ") + error.what();
  }
  co_return std::string("nothing");
}

TEST(CoroTest, AnExceptionIsRethrownToWhoeverAwaits) {
  TestLoop test;
  EXPECT_EQ(*RunUntilComplete(test.loop(), Catches()), "caught thrown");
  EXPECT_EQ(*RunUntilComplete(test.loop(), CatchesThroughOrReturn()),
            "caught thrown");
  EXPECT_THROW((void)RunUntilComplete(test.loop(), Throws()),
               std::runtime_error);
}

#endif

}  // namespace
}  // namespace evkit
