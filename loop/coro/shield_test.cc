// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/coro/shield.h"

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "evkit/loop/coro/or_return.h"
#include "evkit/loop/coro/run_until_complete.h"
#include "evkit/loop/coro/sleep.h"
#include "evkit/loop/coro/task.h"
#include "evkit/loop/testing/test_loop.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using Trace = std::vector<std::string>;

absl::Status RunMain(TestLoop& test,
                     const std::function<Coro<void>()>& function) {
  return RunUntilComplete(test.loop(), function());
}

Coro<int> SleepAndReturn(absl::Duration delay, int n) {
  co_await OrReturn(Sleep(delay));
  co_return n;
}

// SHD-01: scenario D19.
TEST(ShieldTest, CancellingTheOuterLeavesTheInnerRunning) {
  TestLoop test;
  Trace trace;
  const auto inner_body = []() -> Coro<std::string> {
    co_await OrReturn(Sleep(absl::Seconds(1)));
    co_return std::string("inner");
  };
  const auto main = [&]() -> Coro<void> {
    const Task<std::string> inner = CreateTask(inner_body);
    const Future<std::string> outer = Shield(inner);
    const auto wait = [&trace, outer]() -> Coro<void> {
      const auto result = co_await outer;
      trace.push_back("outer " +
                      absl::StatusCodeToString(result.status().code()));
      co_return absl::OkStatus();
    };
    const Task<void> waiting = CreateTask(wait);
    (co_await Sleep(absl::ZeroDuration())).IgnoreError();
    EXPECT_TRUE(outer.Cancel());
    EXPECT_TRUE(outer.cancelled());
    co_await OrReturn(waiting);
    trace.push_back(co_await OrReturn(inner));
    EXPECT_EQ(inner.cancelling(), 0);
    co_return absl::OkStatus();
  };
  EXPECT_TRUE(RunMain(test, main).ok());
  EXPECT_THAT(trace, ElementsAre("outer CANCELLED", "inner"));
}

// SHD-01
TEST(ShieldTest, CancellingTheAwaitingTaskLeavesTheInnerRunning) {
  TestLoop test;
  Trace trace;
  const auto save = [&trace]() -> Coro<void> {
    co_await OrReturn(Sleep(absl::Seconds(1)));
    trace.push_back("saved");
    co_return absl::OkStatus();
  };
  const auto main = [&]() -> Coro<void> { co_return co_await Shield(save()); };
  const Task<void> task = CreateTask(test.loop(), main);
  EXPECT_TRUE(test.RunUntilIdle().ok());
  task.Cancel("enough");
  EXPECT_TRUE(test.RunUntilIdle().ok());
  EXPECT_EQ(task.Error(), absl::CancelledError("enough"));
  EXPECT_TRUE(test.RunUntilNothingIsLeft().ok());
  EXPECT_THAT(trace, ElementsAre("saved"));
}

// SHD-01
TEST(ShieldTest, HowTheInnerEndsIsCopied) {
  TestLoop test;
  const Future<int> value = CreateFuture<int>(test.loop());
  const Future<int> error = CreateFuture<int>(test.loop());
  const Future<int> cancelled = CreateFuture<int>(test.loop());
  const Future<void> nothing = CreateFuture<void>(test.loop());
  const Future<int> outer_value = Shield(value);
  const Future<int> outer_error = Shield(error);
  const Future<int> outer_cancelled = Shield(cancelled);
  const Future<void> outer_nothing = Shield(nothing);
  EXPECT_TRUE(value.SetResult(4).ok());
  EXPECT_TRUE(error.SetError(absl::NotFoundError("no")).ok());
  EXPECT_TRUE(nothing.SetResult().ok());
  cancelled.Cancel();
  EXPECT_FALSE(outer_value.done());
  EXPECT_TRUE(test.RunUntilIdle().ok());
  EXPECT_EQ(*outer_value.Result(), 4);
  EXPECT_EQ(*value.Result(), 4);
  EXPECT_EQ(outer_error.Error(), absl::NotFoundError("no"));
  EXPECT_TRUE(outer_cancelled.cancelled());
  EXPECT_TRUE(outer_nothing.Result().ok());
}

// SHD-02
TEST(ShieldTest, OfAFutureThatIsDoneItIsTheSame) {
  TestLoop test;
  const Future<int> inner = CreateFuture<int>(test.loop());
  EXPECT_FALSE(Shield(inner) == inner);
  EXPECT_TRUE(inner.SetResult(1).ok());
  EXPECT_TRUE(Shield(inner) == inner);
}

// SHD-02
TEST(ShieldTest, AnErrorAfterTheOuterWasCancelledIsReported) {
  TestLoop test;
  {
    const Future<int> inner = CreateFuture<int>(test.loop());
    const Future<int> outer = Shield(inner);
    outer.Cancel();
    EXPECT_TRUE(inner.SetError(absl::NotFoundError("nobody looks")).ok());
    EXPECT_TRUE(test.RunUntilIdle().ok());
  }
  ASSERT_EQ(test.log().size(), 1u);
  EXPECT_THAT(test.log()[0], HasSubstr("nobody looks"));
}

// SHD-02: and if somebody does look, not.
TEST(ShieldTest, AnErrorThatIsPassedOnIsNotReportedTwice) {
  TestLoop test;
  const auto main = []() -> Coro<void> {
    const auto fail = []() -> Coro<int> {
      co_await OrReturn(Sleep(absl::Seconds(1)));
      co_return absl::NotFoundError("seen");
    };
    const auto result = co_await Shield(fail());
    EXPECT_EQ(result.status(), absl::NotFoundError("seen"));
    co_return absl::OkStatus();
  };
  EXPECT_TRUE(RunMain(test, main).ok());
  EXPECT_THAT(test.log(), IsEmpty());
}

TEST(ShieldTest, ValuesThatCannotBeCopiedAreMoved) {
  TestLoop test;
  const auto main = []() -> Coro<void> {
    const auto make = []() -> Coro<std::unique_ptr<int>> {
      co_await OrReturn(Sleep(absl::Seconds(1)));
      co_return std::make_unique<int>(6);
    };
    const auto owned = co_await OrReturn(Shield(make()));
    EXPECT_EQ(*owned, 6);
    const Task<std::unique_ptr<int>> task = CreateTask(make);
    EXPECT_EQ(**co_await Shield(task), 6);
    co_return absl::OkStatus();
  };
  EXPECT_TRUE(RunMain(test, main).ok());
}

TEST(ShieldTest, AFunctionObjectIsKeptWhileItRuns) {
  TestLoop test;
  Future<int> outer;
  const auto main = [&]() -> Coro<void> {
    outer = [] {
      auto owned = std::make_unique<int>(5);
      return Shield([owned = std::move(owned)]() -> Coro<int> {
        co_await OrReturn(Sleep(absl::Seconds(1)));
        co_return *owned;
      });
    }();
    EXPECT_EQ(*co_await outer, 5);
    co_return absl::OkStatus();
  };
  EXPECT_TRUE(RunMain(test, main).ok());
}

TEST(ShieldTest, TheInnerKnowsTheOuterThatWaitsForIt) {
  TestLoop test;
  const Future<int> inner = CreateFuture<int>(test.loop());
  const Future<int> outer = Shield(inner);
  ASSERT_NE(inner.state()->first_hook(), nullptr);
  EXPECT_EQ(inner.state()->first_hook()->awaiter(), outer.state());
  outer.Cancel();
  EXPECT_EQ(inner.state()->first_hook(), nullptr);
}

TEST(ShieldTest, ALoopMayBeClosedWhileItWaits) {
  Future<int> outer;
  {
    TestLoop test;
    const auto main = [&]() -> Coro<void> {
      outer = Shield(SleepAndReturn(absl::Seconds(1), 1));
      co_return (co_await Shield(SleepAndReturn(absl::Seconds(1), 1))).status();
    };
    const Task<void> task = CreateTask(test.loop(), main);
    EXPECT_TRUE(test.RunUntilIdle().ok());
    EXPECT_TRUE(test->Close().ok());
    EXPECT_TRUE(task.cancelled());
  }
  EXPECT_FALSE(outer.done());
  EXPECT_TRUE(outer.Cancel());
}

#if defined(__cpp_exceptions)
// SHD-01
TEST(ShieldTest, ExceptionsAreCopied) {
  TestLoop test;
  const auto main = []() -> Coro<void> {
    const auto fail = []() -> Coro<int> {
      co_await OrReturn(Sleep(absl::Seconds(1)));
      throw std::runtime_error("thrown");
    };
    const Future<int> outer = Shield(fail());
    bool caught = false;
    try {
      (co_await outer).IgnoreError();
    } catch (const std::runtime_error&) {
      caught = true;
    }
    EXPECT_TRUE(caught);
    co_return absl::OkStatus();
  };
  EXPECT_TRUE(RunMain(test, main).ok());
}
#endif

}  // namespace
}  // namespace evkit
