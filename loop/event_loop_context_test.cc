// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Which context a loop's callbacks run in.

#include <cstddef>
#include <cstdlib>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "evkit/loop/context.h"
#include "evkit/loop/event_loop.h"
#include "evkit/loop/handle.h"
#include "evkit/loop/internal/handle_pool.h"
#include "evkit/loop/testing/test_loop.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace {

thread_local int allocations = 0;

}  // namespace

// Counts the allocations of each thread.
void* operator new(size_t size) {
  ++allocations;
  void* const memory = std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) std::abort();
  return memory;
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }

namespace evkit {
namespace {

using ::testing::ElementsAre;
using ::testing::Optional;

constexpr int kInventedFd = 20'000;

class EventLoopContextTest : public ::testing::Test {
 protected:
  // Notes what the variable is, -1 if it is not set.
  auto Note() {
    return [this] { seen_.push_back(number_.Get().value_or(-1)); };
  }

  const ContextVar<int> number_{"number"};
  TestLoop test_;
  std::vector<int> seen_;
};

// CTX-01
TEST_F(EventLoopContextTest, CallbacksSeeWhatWasSetWhenTheyWereScheduled) {
  Context().Run([&] {
    number_.Set(1);
    test_->CallSoon(Note());
    number_.Set(2);
    test_->CallLater(absl::Seconds(1), Note());
    number_.Set(3);
    EXPECT_TRUE(test_->CallSoonThreadsafe(Note()).ok());
    number_.Set(4);
  });
  test_->CallSoon(Note());
  EXPECT_TRUE(test_.FastForwardBy(absl::Seconds(1)).ok());
  EXPECT_THAT(seen_, ElementsAre(1, 3, -1, 2));
}

// CTX-01
TEST_F(EventLoopContextTest, WhatACallbackSetsGoesToThoseItSchedulesOnly) {
  test_->CallSoon([&] {
    number_.Set(1);
    test_->CallSoon(Note());
    number_.Set(2);
    test_->CallSoon([&] {
      number_.Set(3);
      test_->CallSoon(Note());
    });
  });
  test_->CallSoon(Note());
  EXPECT_TRUE(test_.RunUntilIdle().ok());
  EXPECT_THAT(seen_, ElementsAre(-1, 1, 3));
  EXPECT_EQ(number_.Get(), std::nullopt);
}

// CTX-02
TEST_F(EventLoopContextTest, NamedContextIsTheVeryOneThatCallbacksRunIn) {
  Context context;
  const auto count = [&] { number_.Set(number_.Get().value_or(0) + 1); };
  test_->CallSoon(count, context);
  test_->CallLater(absl::Seconds(1), count, context);
  test_->CallAt(test_.clock().Now() + absl::Seconds(2), count, context);
  EXPECT_TRUE(test_->CallSoonThreadsafe(count, context).ok());
  EXPECT_TRUE(test_.FastForwardBy(absl::Seconds(2)).ok());
  context.Run([&] { EXPECT_THAT(number_.Get(), Optional(4)); });
  EXPECT_EQ(number_.Get(), std::nullopt);
}

// CTX-03
TEST_F(EventLoopContextTest, ReaderKeepsOneCopyForAllItsCalls) {
  Context().Run([&] {
    number_.Set(10);
    ASSERT_TRUE(test_
                    ->AddReader(kInventedFd,
                                [&] {
                                  Note()();
                                  number_.Set(*number_.Get() + 1);
                                  if (seen_.size() == 3) {
                                    test_.selector().ClearReady(kInventedFd);
                                  }
                                })
                    .ok());
    number_.Set(20);
  });
  test_.selector().SetReady(kInventedFd, Interest::kRead);
  EXPECT_TRUE(test_.RunUntilIdle().ok());
  EXPECT_THAT(seen_, ElementsAre(10, 11, 12));
}

TEST_F(EventLoopContextTest, ChildsExitIsReportedInTheContextOfTheWatch) {
  Context().Run([&] {
    number_.Set(1);
    ASSERT_TRUE(
        test_->WatchChild(7, [&](pid_t, ExitStatus) { Note()(); }).ok());
    number_.Set(2);
    ASSERT_TRUE(
        test_->WatchChild(8, [&](pid_t, ExitStatus) { Note()(); }).ok());
  });
  test_.children().Exit(7, ExitStatus::Exited(0));
  test_.children().Exit(8, ExitStatus::Exited(0));
  EXPECT_TRUE(test_.RunUntilIdle().ok());
  EXPECT_THAT(seen_, ElementsAre(1, 2));
}

TEST_F(EventLoopContextTest, CallFromAnotherThreadBringsThatThreadsContext) {
  const auto token = number_.Set(1);
  std::thread([&] {
    number_.Set(2);
    EXPECT_TRUE(test_->CallSoonThreadsafe(Note()).ok());
    number_.Set(3);
  }).join();
  EXPECT_TRUE(test_.RunUntilIdle().ok());
  EXPECT_THAT(seen_, ElementsAre(2));
  number_.Reset(token);
}

// HND-02
TEST_F(EventLoopContextTest, HandleGivesTheContextBeforeWhileAndAfterItRuns) {
  Handle handle;
  std::optional<Context> during;
  Context().Run([&] {
    number_.Set(1);
    handle = test_->CallSoon([&] {
      number_.Set(2);
      during = handle.context();
      number_.Set(3);
    });
  });
  Context before = handle.context();
  before.Run([&] { EXPECT_THAT(number_.Get(), Optional(1)); });
  EXPECT_TRUE(test_.RunUntilIdle().ok());
  EXPECT_EQ(before, *during);
  EXPECT_EQ(before, handle.context());
  before.Run([&] { EXPECT_THAT(number_.Get(), Optional(3)); });
}

// HND-02
TEST_F(EventLoopContextTest, AskingForItsContextDoesNotDisturbTheCallback) {
  Handle handle;
  Context().Run([&] {
    number_.Set(1);
    handle = test_->CallSoon([&] {
      Context().Run([&] { (void)handle.context(); });
      Note()();
      number_.Set(2);
      test_->CallSoon(Note());
    });
  });
  EXPECT_TRUE(test_.RunUntilIdle().ok());
  EXPECT_THAT(seen_, ElementsAre(1, 2));
  handle.context().Run([&] { EXPECT_THAT(number_.Get(), Optional(2)); });
}

// HND-02
TEST_F(EventLoopContextTest, HandleOfANamedContextGivesThat) {
  const Context context;
  const Handle handle = test_->CallSoon([] {}, context);
  EXPECT_EQ(handle.context(), context);
  const TimerHandle timer = test_->CallLater(
      absl::Seconds(1), [] {}, context);
  EXPECT_EQ(timer.context(), context);
  EXPECT_EQ(Handle().context().size(), 0u);
}

// Gives out shared values, and says whether they are all gone.
class Owners {
 public:
  // Sets the variable, in the current context, to a new value.
  void Set() {
    auto value = std::make_shared<int>(7);
    watched_.push_back(value);
    variable_.Set(std::move(value));
  }
  bool AllGone() const {
    for (const std::weak_ptr<int>& value : watched_) {
      if (!value.expired()) return false;
    }
    return true;
  }

 private:
  const ContextVar<std::shared_ptr<int>> variable_{"owner"};
  std::vector<std::weak_ptr<int>> watched_;
};

TEST_F(EventLoopContextTest, ValuesGoWithTheLastCallbackThatCouldSeeThem) {
  Owners owners;
  const auto in_new_context = [&](const std::function<void()>& schedule) {
    Context().Run([&] {
      owners.Set();
      schedule();
    });
    EXPECT_FALSE(owners.AllGone());
    EXPECT_TRUE(test_.RunUntilNothingIsLeft().ok());
    EXPECT_TRUE(owners.AllGone());
  };
  in_new_context([&] { test_->CallSoon([] {}); });
  in_new_context([&] { test_->CallLater(absl::Seconds(1), [] {}); });
  in_new_context([&] { (void)test_->CallSoonThreadsafe([] {}); });
  in_new_context([&] {
    ASSERT_TRUE(test_->AddReader(kInventedFd, [] {}).ok());
    test_->CallSoon([&] { test_->RemoveReader(kInventedFd); }, Context());
  });
  in_new_context([&] {
    test_->CallLater(absl::Seconds(1), [] {}).Cancel();
    test_->CallSoon([] {}, Context::CopyCurrent());
  });
  in_new_context([&] {
    // The first child: from now on the loop has a reader of its own.
    ASSERT_TRUE(test_->WatchChild(7, [](pid_t, ExitStatus) {}).ok());
    test_.children().Exit(7, ExitStatus::Exited(0));
  });
}

TEST_F(EventLoopContextTest, ClosingTheLoopDropsTheContextsOfWhatWasPending) {
  Owners owners;
  Context().Run([&] {
    owners.Set();
    test_->CallSoon([] {});
    test_->CallLater(absl::Seconds(1), [] {});
    (void)test_->CallSoonThreadsafe([] {});
    ASSERT_TRUE(test_->AddReader(kInventedFd, [] {}).ok());
    ASSERT_TRUE(test_->WatchChild(7, [](pid_t, ExitStatus) {}).ok());
  });
  EXPECT_FALSE(owners.AllGone());
  ASSERT_TRUE(test_->Close().ok());
  EXPECT_TRUE(owners.AllGone());
}

#if EVKIT_LOOP_POOLS_KEEP_NODES
TEST_F(EventLoopContextTest, ContextsCostNoAllocation) {
  int turns = 0;
  std::function<void()> again = [&] {
    if (++turns % 1000 == 0) test_->Stop();
    test_->CallSoon([&] { again(); });
    test_->CallLater(absl::ZeroDuration(), [] {});
  };
  again();
  EXPECT_TRUE(test_->RunForever().ok());  // Warms up.
  int before = allocations;
  EXPECT_TRUE(test_->RunForever().ok());
  EXPECT_EQ(allocations, before) << "no variable is set";

  Context().Run([&] {
    number_.Set(1);
    again();
    EXPECT_TRUE(test_->RunForever().ok());  // There is more to do now.
    before = allocations;
    EXPECT_TRUE(test_->RunForever().ok());
    EXPECT_EQ(allocations, before) << "one is set, and does not change";
  });
}
#endif

}  // namespace
}  // namespace evkit
