// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "examples/timeouts_and_retries.h"

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/loop/coro/deadline.h"
#include "evkit/loop/coro/or_return.h"
#include "evkit/loop/coro/run_until_complete.h"
#include "evkit/loop/coro/sleep.h"
#include "evkit/loop/testing/test_loop.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

constexpr absl::Duration kYear = absl::Hours(24 * 365);

// Refuses every other call, hangs in the others, and works after `up`.
class Service {
 public:
  Service(TestLoop& test, absl::Duration up) : test_(test), up_(up) {}

  Coro<std::string> Ask() {
    ++calls_;
    if (test_.elapsed() >= up_) co_return std::string("answer");
    if (calls_ % 2 == 0) co_return absl::UnavailableError("down");
    co_await OrReturn(Sleep(absl::InfiniteDuration()));
    co_return absl::InternalError("unreachable");
  }

  int calls() const { return calls_; }

 private:
  TestLoop& test_;
  const absl::Duration up_;
  int calls_ = 0;
};

RetryOptions UpToSixHours() {
  RetryOptions options;
  options.max_delay = absl::Hours(6);
  return options;
}

int CallsInAYear(uint64_t seed) {
  TestLoopOptions loop_options;
  loop_options.seed = seed;
  TestLoop test(loop_options);
  Service service(test, kYear);
  auto ask = [&service] { return service.Ask(); };
  const absl::StatusOr<std::string> answer =
      RunUntilComplete(test.loop(), Retry(test.loop(), ask, UpToSixHours()));
  EXPECT_EQ(*answer, "answer");
  EXPECT_GE(test.elapsed(), kYear);
  EXPECT_LT(test.elapsed(), kYear + absl::Hours(7));
  return service.calls();
}

TEST(TimeoutsAndRetriesTest, AYearOfRetriesEndsSoonAfterTheServiceIsBack) {
  const int calls = CallsInAYear(1);
  // Three hours apart on average.
  EXPECT_GT(calls, 365 * 4);
  EXPECT_LT(calls, 365 * 24);
}

TEST(TimeoutsAndRetriesTest, TheSameSeedGivesTheSameYear) {
  EXPECT_EQ(CallsInAYear(7), CallsInAYear(7));
}

TEST(TimeoutsAndRetriesTest, ADeadlineEndsIt) {
  TestLoop test;
  Service service(test, kYear);
  auto ask = [&service] { return service.Ask(); };
  const absl::StatusOr<std::string> answer = RunUntilComplete(
      test.loop(),
      WithDeadline(absl::Hours(24), Retry(test.loop(), ask, UpToSixHours())));
  EXPECT_TRUE(absl::IsDeadlineExceeded(answer.status())) << answer.status();
  EXPECT_EQ(test.elapsed(), absl::Hours(24));
}

TEST(TimeoutsAndRetriesTest, OtherErrorsAreFinal) {
  TestLoop test;
  auto ask = []() -> Coro<std::string> { co_return absl::NotFoundError("no"); };
  EXPECT_EQ(
      RunUntilComplete(test.loop(), Retry(test.loop(), ask, UpToSixHours()))
          .status(),
      absl::NotFoundError("no"));
  EXPECT_EQ(test.elapsed(), absl::ZeroDuration());
}

}  // namespace
}  // namespace evkit
