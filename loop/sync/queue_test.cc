// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/sync/queue.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "evkit/loop/coro/or_return.h"
#include "evkit/loop/coro/run_until_complete.h"
#include "evkit/loop/coro/sleep.h"
#include "evkit/loop/coro/task.h"
#include "evkit/loop/sync/destroy_task.h"
#include "evkit/loop/testing/interleavings.h"
#include "evkit/loop/testing/test_loop.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

const absl::Status kShutDown = absl::OutOfRangeError("queue is shut down");

using Trace = std::vector<std::string>;

Coro<void> PutOne(Queue<int>& queue, int item, Trace& trace) {
  const absl::Status status = co_await queue.Put(item);
  trace.push_back(absl::StrCat("put ", item, " ", status.ToString()));
  co_return status;
}

Coro<void> GetOne(Queue<int>& queue, std::string name, Trace& trace) {
  const absl::StatusOr<int> item = co_await queue.Get();
  trace.push_back(absl::StrCat(
      name, " ", item.ok() ? std::to_string(*item) : item.status().ToString()));
  co_return item.status();
}

TaskOptions Eager() {
  TaskOptions options;
  options.eager_start = true;
  return options;
}

// QUE-01
TEST(QueueTest, WithoutALimitItIsNeverFull) {
  Queue<int> queue;
  EXPECT_EQ(queue.maxsize(), 0u);
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(queue.PutNowait(i).ok());
  EXPECT_FALSE(queue.full());
  EXPECT_EQ(queue.size(), 1000u);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(*queue.GetNowait(), i);
  EXPECT_TRUE(queue.empty());
}

// QUE-01
TEST(QueueTest, WhatCannotBeDoneNowSaysSo) {
  Queue<int> queue(2);
  EXPECT_EQ(queue.maxsize(), 2u);
  EXPECT_EQ(queue.GetNowait().status(),
            absl::UnavailableError("queue is empty"));
  EXPECT_TRUE(queue.PutNowait(1).ok());
  EXPECT_FALSE(queue.full());
  EXPECT_TRUE(queue.PutNowait(2).ok());
  EXPECT_TRUE(queue.full());
  EXPECT_EQ(queue.PutNowait(3), absl::ResourceExhaustedError("queue is full"));
  EXPECT_EQ(queue.size(), 2u);
  EXPECT_EQ(*queue.GetNowait(), 1);
}

TEST(QueueTest, PuttingAndGettingWhatNeedNotWaitTakesNoTurn) {
  TestLoop test;
  Queue<int> queue(1);
  Trace trace;
  CreateTask(test.loop(), PutOne(queue, 7, trace));
  CreateTask(test.loop(), GetOne(queue, "got", trace));
  test->CallSoon([&] { trace.push_back("next callback of the turn"); });
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_THAT(trace,
              ElementsAre("put 7 OK", "got 7", "next callback of the turn"));
}

// QUE-02
TEST(QueueTest, GettersAreServedInTheOrderOfTheirComing) {
  TestLoop test;
  Queue<int> queue;
  Trace trace;
  for (const char* name : {"a", "b", "c"}) {
    CreateTask(test.loop(), GetOne(queue, name, trace));
  }
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_TRUE(queue.PutNowait(1).ok());
  EXPECT_TRUE(queue.PutNowait(2).ok());
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_THAT(trace, ElementsAre("a 1", "b 2"));
  EXPECT_TRUE(queue.PutNowait(3).ok());
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_THAT(trace, ElementsAre("a 1", "b 2", "c 3"));
}

// QUE-02
TEST(QueueTest, PuttersGetRoomInTheOrderOfTheirComing) {
  TestLoop test;
  Queue<int> queue(1);
  Trace trace;
  for (const int item : {1, 2, 3}) {
    CreateTask(test.loop(), PutOne(queue, item, trace));
  }
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_THAT(trace, ElementsAre("put 1 OK"));
  EXPECT_EQ(*queue.GetNowait(), 1);
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_THAT(trace, ElementsAre("put 1 OK", "put 2 OK"));
  EXPECT_EQ(*queue.GetNowait(), 2);
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_EQ(*queue.GetNowait(), 3);
}

// QUE-02
TEST(QueueTest, AWokenGetterThatIsCancelledPassesTheItemOn) {
  TestLoop test;
  Queue<int> queue;
  Trace trace;
  Task<void> a = CreateTask(test.loop(), GetOne(queue, "a", trace));
  CreateTask(test.loop(), GetOne(queue, "b", trace));
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_TRUE(queue.PutNowait(1).ok());
  EXPECT_TRUE(a.Cancel());
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_TRUE(a.cancelled());
  EXPECT_THAT(trace, ElementsAre("a CANCELLED: ", "b 1"));
}

// QUE-02
TEST(QueueTest, AWokenPutterThatIsCancelledPassesTheRoomOn) {
  TestLoop test;
  Queue<int> queue(1);
  Trace trace;
  EXPECT_TRUE(queue.PutNowait(1).ok());
  Task<void> a = CreateTask(test.loop(), PutOne(queue, 2, trace));
  CreateTask(test.loop(), PutOne(queue, 3, trace));
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_EQ(*queue.GetNowait(), 1);
  EXPECT_TRUE(a.Cancel());
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_TRUE(a.cancelled());
  EXPECT_EQ(*queue.GetNowait(), 3);
}

// QUE-02: who finds the item gone waits again.
TEST(QueueTest, AWokenGetterMayFindThatSomebodyElseWasFaster) {
  TestLoop test;
  Queue<int> queue;
  Trace trace;
  CreateTask(test.loop(), GetOne(queue, "a", trace));
  ASSERT_TRUE(test.RunUntilIdle().ok());
  test->CallSoon([&] {
    EXPECT_TRUE(queue.PutNowait(1).ok());
    CreateTask(test.loop(), GetOne(queue, "faster", trace), Eager());
  });
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_THAT(trace, ElementsAre("faster 1"));
  EXPECT_TRUE(queue.PutNowait(2).ok());
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_THAT(trace, ElementsAre("faster 1", "a 2"));
}

// QUE-03
TEST(QueueTest, JoinWaitsUntilAllIsDone) {
  TestLoop test;
  Queue<int> queue;
  EXPECT_EQ(queue.TaskDone(),
            absl::InvalidArgumentError("TaskDone() called too many times"));
  EXPECT_TRUE(RunUntilComplete(test.loop(), queue.Join()).ok());
  EXPECT_TRUE(queue.PutNowait(1).ok());
  EXPECT_TRUE(queue.PutNowait(2).ok());
  Task<void> join = CreateTask(test.loop(), queue.Join());
  EXPECT_TRUE(queue.GetNowait().ok());
  EXPECT_TRUE(queue.GetNowait().ok());
  EXPECT_TRUE(queue.TaskDone().ok());
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_FALSE(join.done());
  EXPECT_TRUE(queue.TaskDone().ok());
  EXPECT_EQ(queue.TaskDone().code(), absl::StatusCode::kInvalidArgument);
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_EQ(join.Error(), absl::OkStatus());
}

// QUE-04
TEST(QueueTest, AfterAShutdownNothingIsPutAndTheRestIsGot) {
  TestLoop test;
  Queue<int> queue(2);
  EXPECT_TRUE(queue.PutNowait(1).ok());
  EXPECT_TRUE(queue.PutNowait(2).ok());
  queue.Shutdown();
  EXPECT_EQ(queue.PutNowait(3), kShutDown);
  EXPECT_EQ(RunUntilComplete(test.loop(), queue.Put(3)), kShutDown);
  EXPECT_EQ(*queue.GetNowait(), 1);
  EXPECT_EQ(queue.PutNowait(3), kShutDown);
  EXPECT_EQ(RunUntilComplete(test.loop(), queue.Put(3)), kShutDown);
  EXPECT_EQ(*RunUntilComplete(test.loop(), queue.Get()), 2);
  EXPECT_EQ(queue.GetNowait().status(), kShutDown);
  EXPECT_EQ(RunUntilComplete(test.loop(), queue.Get()).status(), kShutDown);
  queue.Shutdown();
}

// QUE-04
TEST(QueueTest, AShutdownWakesWhoeverWaits) {
  TestLoop test;
  Queue<int> full(1);
  Queue<int> empty;
  Trace trace;
  EXPECT_TRUE(full.PutNowait(1).ok());
  CreateTask(test.loop(), PutOne(full, 2, trace));
  CreateTask(test.loop(), PutOne(full, 3, trace));
  CreateTask(test.loop(), GetOne(empty, "a", trace));
  CreateTask(test.loop(), GetOne(empty, "b", trace));
  ASSERT_TRUE(test.RunUntilIdle().ok());
  full.Shutdown();
  empty.Shutdown();
  ASSERT_TRUE(test.RunUntilIdle().ok());
  const std::string error = kShutDown.ToString();
  EXPECT_THAT(trace, ElementsAre("put 2 " + error, "put 3 " + error,
                                 "a " + error, "b " + error));
  EXPECT_EQ(full.size(), 1u);
}

// QUE-05
TEST(QueueTest, AnImmediateShutdownDropsItemsAndCountsThemAsDone) {
  TestLoop test;
  Queue<int> queue;
  for (const int item : {1, 2, 3}) EXPECT_TRUE(queue.PutNowait(item).ok());
  EXPECT_TRUE(queue.GetNowait().ok());
  Task<void> join = CreateTask(test.loop(), queue.Join());
  ASSERT_TRUE(test.RunUntilIdle().ok());
  queue.Shutdown(/*immediate=*/true);
  EXPECT_EQ(queue.size(), 0u);
  EXPECT_EQ(queue.GetNowait().status(), kShutDown);
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_FALSE(join.done()) << "the item that was got is not done";
  EXPECT_TRUE(queue.TaskDone().ok());
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_TRUE(join.done());
}

// QUE-05
TEST(QueueTest, AnImmediateShutdownMayCompleteJoin) {
  TestLoop test;
  Queue<int> queue;
  EXPECT_TRUE(queue.PutNowait(1).ok());
  Task<void> join = CreateTask(test.loop(), queue.Join());
  ASSERT_TRUE(test.RunUntilIdle().ok());
  queue.Shutdown(/*immediate=*/true);
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_EQ(join.Error(), absl::OkStatus());
}

// QUE-06
TEST(QueueTest, APriorityQueueGivesTheSmallestFirst) {
  PriorityQueue<int> queue(5);
  for (const int item : {3, 1, 2, 1, 5}) {
    EXPECT_TRUE(queue.PutNowait(item).ok());
  }
  EXPECT_TRUE(queue.full());
  for (const int item : {1, 1, 2, 3, 5}) EXPECT_EQ(*queue.GetNowait(), item);
  EXPECT_TRUE(queue.empty());
}

// QUE-06
TEST(QueueTest, APriorityQueueTakesAnyOrderOfAnyMovable) {
  class ByLength {
   public:
    bool operator()(const std::unique_ptr<std::string>& a,
                    const std::unique_ptr<std::string>& b) const {
      return a->size() < b->size();
    }
  };
  PriorityQueue<std::unique_ptr<std::string>, ByLength> queue;
  for (const char* text : {"three", "a", "bbb"}) {
    EXPECT_TRUE(queue.PutNowait(std::make_unique<std::string>(text)).ok());
  }
  EXPECT_EQ(**queue.GetNowait(), "a");
  EXPECT_EQ(**queue.GetNowait(), "bbb");
  PriorityQueue<int, std::function<bool(int, int)>> backwards(
      0, [](int a, int b) { return a > b; });
  for (const int item : {1, 3, 2}) {
    EXPECT_TRUE(backwards.PutNowait(item).ok());
  }
  EXPECT_EQ(*backwards.GetNowait(), 3);
}

// QUE-06
TEST(QueueTest, ALifoQueueGivesTheNewestFirst) {
  LifoQueue<int> queue(3);
  for (const int item : {1, 2, 3}) EXPECT_TRUE(queue.PutNowait(item).ok());
  EXPECT_EQ(queue.PutNowait(4).code(), absl::StatusCode::kResourceExhausted);
  for (const int item : {3, 2, 1}) EXPECT_EQ(*queue.GetNowait(), item);
}

TEST(QueueTest, TheOtherOrdersAreQueuesToo) {
  TestLoop test;
  PriorityQueue<int> smallest;
  LifoQueue<int> newest;
  Trace trace;
  for (Queue<int>* queue : std::vector<Queue<int>*>{&smallest, &newest}) {
    for (const int item : {2, 1, 3}) EXPECT_TRUE(queue->PutNowait(item).ok());
    ASSERT_TRUE(
        RunUntilComplete(test.loop(), GetOne(*queue, "got", trace)).ok());
    queue->Shutdown(/*immediate=*/true);
    EXPECT_EQ(queue->GetNowait().status(), kShutDown);
  }
  EXPECT_THAT(trace, ElementsAre("got 1", "got 3"));
}

// SYN-01
TEST(QueueTest, ItBelongsToTheFirstLoopOnWhichATaskHadToWait) {
  TestLoop first;
  TestLoop second;
  Queue<int> queue;
  EXPECT_TRUE(RunUntilComplete(second.loop(), queue.Put(1)).ok());
  EXPECT_EQ(*RunUntilComplete(second.loop(), queue.Get()), 1);
  Trace trace;
  CreateTask(first.loop(), GetOne(queue, "a", trace));
  ASSERT_TRUE(first.RunUntilIdle().ok());
  EXPECT_EQ(RunUntilComplete(second.loop(), queue.Get()).status(),
            absl::FailedPreconditionError(
                "Queue is bound to a different event loop"));
}

Coro<int> PutAndGetMoveOnly(Queue<std::unique_ptr<int>>& queue) {
  co_await OrReturn(queue.Put(std::make_unique<int>(1)));
  std::unique_ptr<int> two = std::make_unique<int>(2);
  co_await OrReturn(queue.Put(std::move(two)));
  std::unique_ptr<int> three = std::make_unique<int>(3);
  co_await OrReturn(queue.PutFrom(three));
  const std::unique_ptr<int> first = co_await OrReturn(queue.Get());
  absl::StatusOr<std::unique_ptr<int>> second = co_await queue.Get();
  co_return *first * 100 + **second * 10 + **queue.GetNowait();
}

TEST(QueueTest, ItemsMayBeMoveOnly) {
  TestLoop test;
  Queue<std::unique_ptr<int>> queue;
  EXPECT_EQ(*RunUntilComplete(test.loop(), PutAndGetMoveOnly(queue)), 123);
}

TEST(QueueTest, WhatPutNowaitRefusesIsNotMovedFrom) {
  Queue<std::unique_ptr<int>> queue(1);
  EXPECT_TRUE(queue.PutNowait(std::make_unique<int>(1)).ok());
  std::unique_ptr<int> item = std::make_unique<int>(2);
  EXPECT_FALSE(queue.PutNowait(std::move(item)).ok());
  EXPECT_NE(item, nullptr);
}

Coro<void> PutFromAndLook(Queue<std::unique_ptr<int>>& queue, bool* kept) {
  std::unique_ptr<int> item = std::make_unique<int>(2);
  const absl::Status status = co_await queue.PutFrom(item);
  *kept = item != nullptr;
  co_return status;
}

TEST(QueueTest, ACancelledPutFromLeavesTheItemToItsOwner) {
  TestLoop test;
  Queue<std::unique_ptr<int>> queue(1);
  EXPECT_TRUE(queue.PutNowait(std::make_unique<int>(1)).ok());
  bool kept = false;
  Task<void> cancelled = CreateTask(test.loop(), PutFromAndLook(queue, &kept));
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_TRUE(cancelled.Cancel());
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_TRUE(cancelled.cancelled());
  EXPECT_TRUE(kept);
  Task<void> put = CreateTask(test.loop(), PutFromAndLook(queue, &kept));
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_EQ(**queue.GetNowait(), 1);
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_EQ(put.Error(), absl::OkStatus());
  EXPECT_FALSE(kept);
  EXPECT_EQ(**queue.GetNowait(), 2);
}

TEST(QueueTest, ItemsThatAreLeftAreDestroyedWithTheQueue) {
  auto item = std::make_shared<int>(1);
  {
    Queue<std::shared_ptr<int>> fifo;
    LifoQueue<std::shared_ptr<int>> lifo;
    for (int i = 0; i < 1000; ++i) {
      EXPECT_TRUE(fifo.PutNowait(item).ok());
      EXPECT_TRUE(lifo.PutNowait(item).ok());
      if (i % 3 == 0) {
        EXPECT_TRUE(fifo.GetNowait().ok());
      }
    }
    EXPECT_GT(item.use_count(), 1000);
    lifo.Shutdown(/*immediate=*/true);
  }
  EXPECT_EQ(item.use_count(), 1);
}

// Uses and then destroys the queue that it is an item of.
class Meddler {
 public:
  using Owner = std::unique_ptr<Queue<std::unique_ptr<Meddler>>>;

  explicit Meddler(Owner& queue) : queue_(queue) {}
  ~Meddler() {
    if (queue_ == nullptr) return;
    EXPECT_EQ(queue_->size(), 0u);
    EXPECT_EQ(queue_->GetNowait().status(), kShutDown);
    EXPECT_EQ(queue_->PutNowait(nullptr), kShutDown);
    queue_->Shutdown(/*immediate=*/true);
    queue_ = nullptr;
  }

 private:
  Owner& queue_;
};

TEST(QueueTest, AnItemThatIsDroppedMayUseAndDestroyTheQueue) {
  Meddler::Owner queue = std::make_unique<Meddler::Owner::element_type>();
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(queue->PutNowait(std::make_unique<Meddler>(queue)).ok());
  }
  queue->Shutdown(/*immediate=*/true);
  EXPECT_EQ(queue, nullptr);
}

TEST(QueueTest, ItMayGoBeforeThoseWhoWaitForIt) {
  TestLoop test;
  auto queue = std::make_unique<Queue<int>>();
  Trace trace;
  Task<void> a = CreateTask(test.loop(), GetOne(*queue, "a", trace));
  Task<void> b = CreateTask(test.loop(), GetOne(*queue, "b", trace));
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_TRUE(queue->PutNowait(1).ok());
  queue.reset();
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_THAT(trace, ElementsAre("a 1"));
  EXPECT_TRUE(b.Cancel());
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_TRUE(b.cancelled());
}

TEST(QueueTest, AnItemWhoseGetterIsDestroyedWithTheLoopStaysInTheQueue) {
  Queue<int> queue;
  Trace trace;
  {
    TestLoop test;
    CreateTask(test.loop(), GetOne(queue, "a", trace));
    CreateTask(test.loop(), GetOne(queue, "b", trace));
    ASSERT_TRUE(test.RunUntilIdle().ok());
    EXPECT_TRUE(queue.PutNowait(1).ok());
  }
  EXPECT_THAT(trace, IsEmpty());
  EXPECT_EQ(*queue.GetNowait(), 1);
}

TEST(QueueTest, AWaitingTaskSaysWhatItWaitsFor) {
  TestLoop test;
  Queue<int> queue(1);
  Trace trace;
  Task<void> get = CreateTask(test.loop(), GetOne(queue, "a", trace));
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_THAT(get.DebugString(), HasSubstr("waiting for Queue.Get"));
  CreateTask(test.loop(), PutOne(queue, 1, trace));
  CreateTask(test.loop(), PutOne(queue, 2, trace));
  Task<void> last = CreateTask(test.loop(), PutOne(queue, 4, trace));
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_THAT(last.DebugString(), HasSubstr("waiting for Queue.Put"));
}

// Gets items until the queue is shut down.
Coro<void> Consume(Queue<int>& queue, std::vector<int>& got) {
  for (;;) {
    const int item = co_await OrReturn(queue.Get());
    got.push_back(item);
    co_await OrReturn(Sleep(absl::ZeroDuration()));
  }
}

// QUE-02
TEST(QueueTest, bug_J12_AGetThatIsCancelledInTheTurnOfThePutLosesNothing) {
  const int runs = ForEveryInterleaving([](Interleaving& run) {
    Queue<int> queue;
    std::vector<int> got_by_a;
    std::vector<int> got_by_b;
    TestLoop test;
    Task<void> a = CreateTask(test.loop(), Consume(queue, got_by_a));
    Task<void> b = CreateTask(test.loop(), Consume(queue, got_by_b));
    for (const int item : {1, 2}) {
      run.Add(absl::StrCat("put ", item),
              [&, item] { EXPECT_TRUE(queue.PutNowait(item).ok()); });
    }
    run.Add("cancel a", [&] { a.Cancel(); });
    run.Add("cancel b", [&] { b.Cancel(); });
    run.AddOrder("put 1", "put 2");
    run.Play(test);
    EXPECT_TRUE(a.cancelled() && b.cancelled());
    std::vector<int> all = got_by_a;
    all.insert(all.end(), got_by_b.begin(), got_by_b.end());
    while (!queue.empty()) all.push_back(*queue.GetNowait());
    EXPECT_THAT(all, UnorderedElementsAre(1, 2));
  });
  EXPECT_EQ(runs, 12 * 8);
}

// QUE-02
TEST(QueueTest, bug_J13_InEveryOrderNoGetterIsStrandedBesideAnItem) {
  ForEveryInterleaving([](Interleaving& run) {
    Queue<int> queue;
    std::vector<int> got;
    TestLoop test;
    Task<void> a = CreateTask(test.loop(), Consume(queue, got));
    Task<void> b = CreateTask(test.loop(), Consume(queue, got));
    Task<void> c = CreateTask(test.loop(), Consume(queue, got));
    for (const int item : {1, 2}) {
      run.Add(absl::StrCat("put ", item),
              [&, item] { EXPECT_TRUE(queue.PutNowait(item).ok()); });
    }
    run.Add("cancel a", [&] { a.Cancel(); });
    run.Add("destroy b", [&] { DestroyTask(b); });
    run.Add("get", [&] {
      absl::StatusOr<int> item = queue.GetNowait();
      if (item.ok()) got.push_back(*item);
    });
    run.AddOrder("put 1", "put 2");
    run.Play(test);
    EXPECT_TRUE(a.done() && b.done());
    EXPECT_FALSE(c.done());
    EXPECT_TRUE(queue.empty()) << "c is stranded";
    EXPECT_THAT(got, ElementsAre(1, 2));
  });
}

Coro<void> PutBoth(Queue<int>& queue, int first, int second,
                   std::vector<int>& put) {
  for (const int item : {first, second}) {
    co_await OrReturn(queue.Put(item));
    put.push_back(item);
  }
  co_return absl::OkStatus();
}

// QUE-02
TEST(QueueTest, bug_J13_InEveryOrderNoPutterIsStrandedBesideRoom) {
  ForEveryInterleaving([](Interleaving& run) {
    Queue<int> queue(1);
    std::vector<int> put;
    std::vector<int> got;
    TestLoop test;
    Task<void> a = CreateTask(test.loop(), PutBoth(queue, 1, 2, put));
    Task<void> b = CreateTask(test.loop(), PutBoth(queue, 3, 4, put));
    Task<void> c = CreateTask(test.loop(), PutBoth(queue, 5, 6, put));
    for (const char* name : {"get", "get again"}) {
      run.Add(name, [&] {
        absl::StatusOr<int> item = queue.GetNowait();
        if (item.ok()) got.push_back(*item);
      });
    }
    run.Add("cancel a", [&] { a.Cancel(); });
    run.Add("destroy b", [&] { DestroyTask(b); });
    run.AddOrder("get", "get again");
    run.Play(test);
    EXPECT_TRUE(a.done() && b.done());
    EXPECT_TRUE(queue.full() || c.done()) << "c is stranded";
    while (!queue.empty()) {
      got.push_back(*queue.GetNowait());
      ASSERT_TRUE(test.RunUntilIdle().ok());
    }
    EXPECT_EQ(c.Error(), absl::OkStatus());
    // What was put, and nothing else, was got, in the order of putting.
    EXPECT_EQ(got, put);
  });
}

// QUE-04
TEST(QueueTest, bug_J13_InEveryOrderAShutdownLeavesNobodyWaiting) {
  ForEveryInterleaving([](Interleaving& run) {
    Queue<int> queue(1);
    std::vector<int> got;
    std::vector<int> put;
    TestLoop test;
    Task<void> getter = CreateTask(test.loop(), Consume(queue, got));
    Task<void> cancelled = CreateTask(test.loop(), Consume(queue, got));
    Task<void> putter;
    run.Add("put", [&] {
      putter = CreateTask(test.loop(), PutBoth(queue, 1, 2, put), Eager());
    });
    run.Add("cancel", [&] { cancelled.Cancel(); });
    run.Add("shut down", [&] { queue.Shutdown(); });
    run.Play(test);
    EXPECT_EQ(getter.Error(), kShutDown);
    EXPECT_TRUE(cancelled.done());
    EXPECT_TRUE(putter.done());
    EXPECT_EQ(got, put);
    EXPECT_TRUE(queue.empty());
  });
}

}  // namespace
}  // namespace evkit
