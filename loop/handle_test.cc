// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/handle.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "evkit/base/source_location.h"
#include "evkit/loop/context.h"
#include "evkit/loop/internal/handle_pool.h"
#include "evkit/loop/testing/test_loop.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

constexpr int kInventedFd = 20'000;

class HandleTest : public ::testing::Test {
 protected:
  void Run() { EXPECT_TRUE(test_.RunUntilNothingIsLeft().ok()); }

  TestLoop test_;
};

TEST_F(HandleTest, OneThatRefersToNothingCountsAsCancelled) {
  Handle handle;
  handle.Cancel();
  EXPECT_TRUE(handle.cancelled());
  EXPECT_EQ(handle, Handle());
  EXPECT_EQ(handle.DebugString(), "<Handle cancelled>");
  EXPECT_EQ(handle.context().size(), 0);
  EXPECT_STREQ(handle.scheduled_at().file(), "");
  TimerHandle timer;
  timer.Cancel();
  EXPECT_EQ(timer.when(), MonotonicTime::InfinitePast());
  EXPECT_EQ(timer.DebugString(), "<TimerHandle cancelled>");
}

// HND-02
TEST_F(HandleTest, CopiesReferToTheSameCallbackAndDroppingThemDoesNotCancel) {
  int runs = 0;
  const auto callback = [&] { ++runs; };
  std::optional<Handle> first = test_->CallSoon(callback);
  Handle copy = *first;
  EXPECT_EQ(copy, *first);
  Handle other = test_->CallSoon(callback);
  EXPECT_NE(copy, other);
  first.reset();
  Handle moved = std::move(copy);
  EXPECT_FALSE(moved.cancelled());
  (void)test_->CallSoon(callback);
  other.Cancel();
  Run();
  EXPECT_EQ(runs, 2);
  moved.Cancel();
  Handle assigned;
  assigned = moved;
  EXPECT_TRUE(assigned.cancelled());
}

// HND-05, DBG-05
TEST_F(HandleTest, DebugStringSaysWhereItWasScheduledAndWhen) {
  test_.clock().SetTo(MonotonicTime::FromNanos(2'000'000'000'000'000));
  Handle soon = test_->CallSoon([] {});
  const int line = __LINE__ - 1;
  EXPECT_THAT(soon.DebugString(), StartsWith("<Handle scheduled at "));
  EXPECT_THAT(
      soon.DebugString(),
      EndsWith("handle_test.cc:" + std::to_string(line) + " in TestBody>"));
  EXPECT_EQ(soon.scheduled_at().line(), line);
  TimerHandle timer = test_->CallLater(absl::Milliseconds(1500), [] {});
  EXPECT_THAT(timer.DebugString(),
              StartsWith("<TimerHandle when=2000001.500000000 scheduled at "));
  soon.Cancel();
  timer.Cancel();
  EXPECT_EQ(soon.DebugString(), "<Handle cancelled>");
  EXPECT_EQ(timer.DebugString(),
            "<TimerHandle when=2000001.500000000 cancelled>");
}

// HND-05, DBG-05
TEST_F(HandleTest, DebugStringCanWriteTimesBeforeTheEpoch) {
  const TimerHandle half =
      test_->CallAt(MonotonicTime::FromNanos(-500'000'000), [] {});
  EXPECT_THAT(half.DebugString(), HasSubstr("when=-0.500000000 "));
  const TimerHandle past = test_->CallAt(MonotonicTime::InfinitePast(), [] {});
  EXPECT_THAT(past.DebugString(), HasSubstr("when=-9223372036.854775808 "));
}

// HND-01
TEST_F(HandleTest, MayOutliveItsLoop) {
  const auto held = std::make_shared<int>();
  Handle soon;
  TimerHandle timer;
  {
    TestLoop other;
    soon = other->CallSoon([held] {});
    timer = other->CallLater(absl::Seconds(1), [held] {});
  }
  EXPECT_EQ(held.use_count(), 1);
  EXPECT_FALSE(soon.cancelled());
  soon.Cancel();
  timer.Cancel();
  EXPECT_TRUE(soon.cancelled());
  EXPECT_THAT(timer.DebugString(), HasSubstr("cancelled"));
}

// The capture destroyed by Cancel() holds the last handle to its own callback.
TEST_F(HandleTest, bug_D1_CancelMayDestroyTheLastHandleToItself) {
  auto soon = std::make_unique<Handle>();
  auto timer = std::make_unique<TimerHandle>();
  Handle& soon_in_capture = *soon;
  TimerHandle& timer_in_capture = *timer;
  soon_in_capture = test_->CallSoon([soon = std::move(soon)] {});
  timer_in_capture =
      test_->CallLater(absl::Seconds(1), [timer = std::move(timer)] {});
  soon_in_capture.Cancel();
  timer_in_capture.Cancel();
  Run();
}

TEST_F(HandleTest, bug_D1_ACallbackMayDropItsOwnLastHandleAndWhatItUses) {
  auto object = std::make_shared<std::string>("alive");
  std::weak_ptr<std::string> watch = object;
  std::vector<std::string> trace;
  Handle self;
  self = test_->CallSoon([&, object] {
    self.Cancel();
    self = Handle();
    trace.push_back(*object);
  });
  object.reset();
  Run();
  EXPECT_THAT(trace, ElementsAre("alive"));
  EXPECT_TRUE(watch.expired());
}

TEST_F(HandleTest, bug_D1_ACallbackMayDestroyTheOwnerOfAllOthers) {
  struct Owner {
    std::vector<TimerHandle> timers;
    std::vector<Handle> soon;
    ~Owner() {
      for (TimerHandle& timer : timers) timer.Cancel();
      for (Handle& handle : soon) handle.Cancel();
    }
  };
  auto owner = std::make_unique<Owner>();
  int runs = 0;
  const MonotonicTime when = test_->Time();
  Owner* const borrowed = owner.get();
  for (int i = 0; i < 10; ++i) {
    const auto callback = [&, borrowed] {
      ++runs;
      if (owner.get() == borrowed) owner.reset();
    };
    owner->timers.push_back(test_->CallAt(when, callback));
    owner->soon.push_back(test_->CallSoon(callback));
  }
  Run();
  EXPECT_EQ(runs, 1);
}

TEST_F(HandleTest, bug_D1_ACallbackMayCloseAndDestroyAnotherLoop) {
  auto other = std::make_unique<TestLoop>();
  int runs = 0;
  (*other)->CallSoon([&] { ++runs; });
  (*other)->CallLater(absl::Seconds(1), [&] { ++runs; });
  ASSERT_TRUE((*other)->AddReader(kInventedFd, [&] { ++runs; }).ok());
  test_->CallSoon([&] { other.reset(); });
  Run();
  EXPECT_EQ(runs, 0);
}

// What is destroyed while the loop is closed may hold handles of others.
TEST_F(HandleTest, bug_D1_CloseMayDestroyCallbacksThatHoldHandlesOfEachOther) {
  auto handles = std::make_shared<std::vector<TimerHandle>>();
  std::weak_ptr<std::vector<TimerHandle>> watch = handles;
  for (int i = 0; i < 10; ++i) {
    handles->push_back(test_->CallLater(absl::Seconds(i), [handles] {
      for (TimerHandle& handle : *handles) handle.Cancel();
    }));
    test_->CallSoon([handles] {});
  }
  handles.reset();
  EXPECT_TRUE(test_->Close().ok());
  EXPECT_TRUE(watch.expired());
}

// Every callback is destroyed once, however it ends.
TEST_F(HandleTest, bug_N1_NothingIsLeftAliveAfterManyOperations) {
  const auto held = std::make_shared<int>();
  std::vector<Handle> kept;
  for (int i = 0; i < 20'000; ++i) {
    Handle soon = test_->CallSoon([held] {});
    TimerHandle timer = test_->CallLater(absl::Milliseconds(i % 7), [held] {});
    EXPECT_TRUE(test_->CallSoonThreadsafe([held] {}).ok());
    if (i % 3 == 0) soon.Cancel();
    if (i % 5 == 0) timer.Cancel();
    if (i % 11 == 0) kept.push_back(timer);
    if (i % 13 == 0) kept.push_back(soon);
    if (i % 1000 == 0) Run();
  }
  Run();
  EXPECT_EQ(held.use_count(), 1);
}

// A node that counts its kind.
class CountedNode final : public CallbackNode {
 public:
  explicit CountedNode(loop_internal::HandlePool<CountedNode>& pool)
      : pool_(pool) {
    ++alive;
  }
  ~CountedNode() override { --alive; }

  static int alive;

 private:
  void Release() override {
    Clear();
    pool_.Put(this);
  }
  loop_internal::HandlePool<CountedNode>& pool_;
};
int CountedNode::alive = 0;

using CountedPool = loop_internal::HandlePool<CountedNode>;

// Scheduled, so that it has one reference to give back.
CountedNode* Scheduled(CountedPool& pool) {
  CountedNode* const node = pool.Get();
  node->Schedule([] {}, SourceLocation::Here());
  return node;
}

TEST(HandlePoolTest, RecyclesNodesUnlessMemoryIsBeingWatched) {
  CountedPool::Owner pool = CountedPool::New();
  CountedNode* const first = Scheduled(*pool);
  first->Unref();
  EXPECT_EQ(CountedNode::alive, EVKIT_LOOP_POOLS_KEEP_NODES);
  CountedNode* const second = Scheduled(*pool);
  if (EVKIT_LOOP_POOLS_KEEP_NODES != 0) {
    EXPECT_EQ(second, first);
  }
  EXPECT_FALSE(second->cancelled());
  second->Unref();
  pool.reset();
  EXPECT_EQ(CountedNode::alive, 0);
}

TEST(HandlePoolTest, ARecycledNodeIsAsGoodAsNew) {
  CountedPool::Owner pool = CountedPool::New();
  CountedNode* node = Scheduled(*pool);
  node->set_persistent();
  node->context().Use(Context());
  node->Cancel();
  node->Unref();
  node = Scheduled(*pool);
  EXPECT_FALSE(node->cancelled());
  EXPECT_FALSE(node->queued);
  EXPECT_EQ(node->next, nullptr);
  int runs = 0;
  node->Schedule([&runs] { ++runs; }, SourceLocation::Here());
  node->Run();
  EXPECT_EQ(runs, 1);
  node->Unref();
  pool.reset();
}

TEST(HandlePoolTest, LivesUntilItsLastNodeIsBack) {
  CountedPool::Owner pool = CountedPool::New();
  CountedNode* const first = Scheduled(*pool);
  CountedNode* const second = Scheduled(*pool);
  pool.reset();
  EXPECT_EQ(CountedNode::alive, 2);
  first->Unref();
  EXPECT_EQ(CountedNode::alive, 1);
  second->Unref();
  EXPECT_EQ(CountedNode::alive, 0);
}

TEST(HandlePoolTest, bug_N2_GivesTheMemoryOfABurstBack) {
  CountedPool::Owner pool = CountedPool::New();
  std::vector<CountedNode*> nodes(100'000);
  for (CountedNode*& node : nodes) node = Scheduled(*pool);
  for (CountedNode* node : nodes) node->Unref();
  EXPECT_LE(CountedNode::alive, 20'000);
  pool.reset();
  EXPECT_EQ(CountedNode::alive, 0);
}

}  // namespace
}  // namespace evkit
