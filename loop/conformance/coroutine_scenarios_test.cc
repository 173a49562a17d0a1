// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Small programs of coroutines whose traces are those of the same programs on
// CPython's asyncio, in virtual time. "CE" is what asyncio's CancelledError
// has become, a kCancelled.

#include <string>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/loop/coro/future.h"
#include "evkit/loop/coro/gather.h"
#include "evkit/loop/coro/or_return.h"
#include "evkit/loop/coro/run_until_complete.h"
#include "evkit/loop/coro/shield.h"
#include "evkit/loop/coro/sleep.h"
#include "evkit/loop/coro/task.h"
#include "evkit/loop/coro/timeout.h"
#include "evkit/loop/coro/wait.h"
#include "evkit/loop/coro/wait_for.h"
#include "evkit/loop/sync/event.h"
#include "evkit/loop/sync/lock.h"
#include "evkit/loop/sync/queue.h"
#include "evkit/loop/testing/test_loop.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using ::testing::ElementsAre;

const char* TrueOrFalse(bool value) { return value ? "True" : "False"; }

// A loop and a trace; programs are given a pointer to it.
class Scenario {
 public:
  // Runs the program to its end.
  void Run(Coro<void> program) {
    EXPECT_TRUE(RunUntilComplete(test.loop(), std::move(program)).ok());
  }
  void Log(absl::string_view word) { trace.emplace_back(word); }

  TestLoop test;
  std::vector<std::string> trace;
};

Coro<void> Yield() {
  co_await OrReturn(Sleep(absl::ZeroDuration()));
  co_return absl::OkStatus();
}

Coro<void> Ticker(Scenario* scenario, int ticks) {
  for (int i = 0; i < ticks; ++i) {
    scenario->Log(absl::StrCat("t", i));
    co_await OrReturn(Yield());
  }
  co_return absl::OkStatus();
}

Coro<int> Child(Scenario* scenario) {
  scenario->Log("child");
  co_return 1;
}

Coro<void> TurnCounts(Scenario* scenario) {
  const Task<void> ticker = CreateTask(Ticker(scenario, 11));
  co_await OrReturn(CreateTask(Child(scenario)));
  scenario->Log("await");
  std::vector<Coro<int>> children;
  children.push_back(Child(scenario));
  co_await OrReturn(Gather(std::move(children)));
  scenario->Log("gather");
  std::vector<Task<int>> tasks;
  tasks.push_back(CreateTask(Child(scenario)));
  co_await OrReturn(Wait(std::move(tasks)));
  scenario->Log("wait");
  co_await OrReturn(Shield(Child(scenario)));
  scenario->Log("shield");
  co_await OrReturn(WaitFor(Child(scenario), absl::Seconds(1)));
  scenario->Log("wait_for");
  co_return absl::OkStatus();
}

TEST(CoroutineScenarioTest, D09_TurnCounts) {
  Scenario scenario;
  scenario.Run(TurnCounts(&scenario));
  EXPECT_THAT(
      scenario.trace,
      ElementsAre("t0", "child", "t1", "await", "t2", "child", "t3", "t4",
                  "gather", "t5", "child", "t6", "t7", "wait", "t8", "child",
                  "t9", "t10", "shield", "child", "wait_for"));
}

Coro<void> CancelBeforeStart(Scenario* scenario) {
  const Task<int> task = CreateTask(Child(scenario));
  scenario->Log(TrueOrFalse(task.Cancel("m")));
  scenario->Log(absl::StrCat("cancelled now ", TrueOrFalse(task.cancelled())));
  const absl::StatusOr<int> result = co_await task;
  EXPECT_EQ(result.status().code(), absl::StatusCode::kCancelled);
  scenario->Log(absl::StrCat("CE ('", result.status().message(), "',)"));
  const bool ran = absl::c_linear_search(scenario->trace, std::string("child"));
  scenario->Log(
      absl::StrCat(TrueOrFalse(task.cancelled()), " ", TrueOrFalse(ran)));
  co_return absl::OkStatus();
}

TEST(CoroutineScenarioTest, D11_CancelBeforeStart) {
  Scenario scenario;
  scenario.Run(CancelBeforeStart(&scenario));
  EXPECT_THAT(scenario.trace, ElementsAre("True", "cancelled now False",
                                          "CE ('m',)", "True False"));
}

Coro<int> CancelSelf(bool uncancel) {
  CurrentTask().Cancel();
  if (uncancel) CurrentTask().Uncancel();
  co_return 1;
}

Coro<void> SelfCancelAndReturn(Scenario* scenario) {
  for (const bool uncancel : {false, true}) {
    const Task<int> task = CreateTask(CancelSelf(uncancel));
    const absl::StatusOr<int> result = co_await task;
    scenario->Log(task.cancelled() ? "cancelled"
                                   : absl::StrCat("ret ", result.value()));
  }
  co_return absl::OkStatus();
}

TEST(CoroutineScenarioTest, D13_SelfCancelAndReturn) {
  Scenario scenario;
  scenario.Run(SelfCancelAndReturn(&scenario));
  EXPECT_THAT(scenario.trace, ElementsAre("cancelled", "ret 1"));
}

Coro<void> Inner(Scenario* scenario) {
  const absl::Status status = co_await Sleep(absl::Seconds(10));
  scenario->Log("inner");
  co_return status;
}

Coro<void> Middle(Scenario* scenario) {
  const Task<void> inner = CreateTask(Inner(scenario));
  const absl::Status status = co_await inner;
  scenario->Log(absl::StrCat("middle ", TrueOrFalse(inner.cancelled())));
  co_return status;
}

Coro<void> Outer(Scenario* scenario) {
  const Task<void> middle = CreateTask(Middle(scenario));
  const absl::Status status = co_await middle;
  scenario->Log(absl::StrCat("outer ", TrueOrFalse(middle.cancelled())));
  co_return status;
}

Coro<void> CancelChain(Scenario* scenario) {
  const Task<void> outer = CreateTask(Outer(scenario));
  co_await OrReturn(Sleep(absl::Milliseconds(5)));
  outer.Cancel();
  const absl::Status status = co_await outer;
  scenario->Log(TrueOrFalse(status.code() == absl::StatusCode::kCancelled));
  co_return absl::OkStatus();
}

TEST(CoroutineScenarioTest, D15_CancelChain) {
  Scenario scenario;
  scenario.Run(CancelChain(&scenario));
  EXPECT_THAT(scenario.trace,
              ElementsAre("inner", "middle True", "outer True", "True"));
}

Coro<void> SucceedLate(Scenario* scenario) {
  co_await OrReturn(Sleep(absl::Milliseconds(20)));
  scenario->Log("sibling done");
  co_return absl::OkStatus();
}

Coro<void> FailEarly() {
  co_await OrReturn(Sleep(absl::Milliseconds(10)));
  co_return absl::NotFoundError("failed");
}

Coro<void> GatherError(Scenario* scenario) {
  std::vector<Coro<void>> children;
  children.push_back(SucceedLate(scenario));
  children.push_back(FailEarly());
  const absl::Status status = co_await Gather(std::move(children));
  EXPECT_EQ(status, absl::NotFoundError("failed"));
  scenario->Log("gather raised");
  co_await OrReturn(Sleep(absl::Milliseconds(30)));
  co_return absl::OkStatus();
}

TEST(CoroutineScenarioTest, D17_GatherError) {
  Scenario scenario;
  scenario.Run(GatherError(&scenario));
  EXPECT_THAT(scenario.trace, ElementsAre("gather raised", "sibling done"));
}

Coro<std::string> ReturnInner() {
  co_await OrReturn(Sleep(absl::Milliseconds(10)));
  co_return "inner";
}

Coro<std::string> AwaitShielded(Task<std::string> inner) {
  co_return co_await Shield(inner);
}

Coro<void> ShieldTask(Scenario* scenario) {
  const Task<std::string> inner = CreateTask(ReturnInner());
  const Task<std::string> outer = CreateTask(AwaitShielded(inner));
  co_await OrReturn(Sleep(absl::Milliseconds(5)));
  outer.Cancel();
  const absl::StatusOr<std::string> result = co_await outer;
  scenario->Log(absl::IsCancelled(result.status()) ? "outer CE" : "outer");
  scenario->Log(co_await OrReturn(inner));
  co_return absl::OkStatus();
}

TEST(CoroutineScenarioTest, D19_Shield) {
  Scenario scenario;
  scenario.Run(ShieldTask(&scenario));
  EXPECT_THAT(scenario.trace, ElementsAre("outer CE", "inner"));
}

Coro<void> BlockAndSleep(Scenario* scenario) {
  scenario->test.clock().AdvanceBy(absl::Milliseconds(50));
  const absl::Status status = co_await Sleep(absl::Seconds(1));
  if (absl::IsCancelled(status)) scenario->Log("inner CancelledError");
  co_return status;
}

Coro<void> NestedTimeouts(Scenario* scenario) {
  Timeout outer(absl::Milliseconds(20));
  Timeout inner(absl::Milliseconds(10));
  const absl::Status status =
      co_await outer.Run(inner.Run(BlockAndSleep(scenario)));
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
  scenario->Log(absl::StrCat("outer ", TrueOrFalse(outer.expired()), " ",
                             TrueOrFalse(inner.expired()), " ",
                             CurrentTask().cancelling()));
  co_return absl::OkStatus();
}

TEST(CoroutineScenarioTest, D21_NestedTimeoutsThatExpireInTheSameTurn) {
  Scenario scenario;
  scenario.Run(NestedTimeouts(&scenario));
  EXPECT_THAT(scenario.trace,
              ElementsAre("inner CancelledError", "outer True True 0"));
}

Coro<void> LogWithLock(Scenario* scenario, Lock* lock, std::string name) {
  const ScopedLock held = co_await OrReturn(lock->AcquireScoped());
  scenario->Log(name);
  co_return absl::OkStatus();
}

Coro<void> LockFairness(Scenario* scenario) {
  Lock lock;
  co_await OrReturn(lock.Acquire());
  std::vector<Task<void>> tasks;
  for (int i = 0; i < 3; ++i) {
    tasks.push_back(CreateTask(LogWithLock(scenario, &lock, absl::StrCat(i))));
  }
  co_await OrReturn(Yield());
  co_await OrReturn(lock.Release());
  scenario->Log(absl::StrCat("locked ", TrueOrFalse(lock.locked())));
  co_await OrReturn(lock.Acquire());
  scenario->Log("main");
  co_return lock.Release();
}

TEST(CoroutineScenarioTest, D23_LockFairness) {
  Scenario scenario;
  scenario.Run(LockFairness(&scenario));
  EXPECT_THAT(scenario.trace,
              ElementsAre("locked False", "0", "1", "2", "main"));
}

Coro<void> LogAfterEvent(Scenario* scenario, Event* event, std::string name) {
  co_await OrReturn(event->Wait());
  scenario->Log(absl::StrCat(name, " ", TrueOrFalse(event->is_set())));
  co_return absl::OkStatus();
}

Coro<void> EventSetAndClear(Scenario* scenario) {
  Event event;
  std::vector<Task<void>> tasks;
  for (int i = 0; i < 2; ++i) {
    tasks.push_back(
        CreateTask(LogAfterEvent(scenario, &event, absl::StrCat(i))));
  }
  co_await OrReturn(Yield());
  event.Set();
  event.Clear();
  co_await OrReturn(Gather(std::move(tasks)));
  co_return absl::OkStatus();
}

TEST(CoroutineScenarioTest, D25_EventSetAndClear) {
  Scenario scenario;
  scenario.Run(EventSetAndClear(&scenario));
  EXPECT_THAT(scenario.trace, ElementsAre("0 False", "1 False"));
}

// An item, or that the queue is shut down.
std::string ItemOrShut(const absl::StatusOr<std::string>& item) {
  if (item.ok()) return *item;
  return absl::IsOutOfRange(item.status()) ? "shut" : item.status().ToString();
}

Coro<void> GetAndLog(Scenario* scenario, Queue<std::string>* queue) {
  const absl::StatusOr<std::string> item = co_await queue->Get();
  scenario->Log(absl::StrCat("blocked ", ItemOrShut(item)));
  co_return absl::OkStatus();
}

Coro<void> QueueShutdown(Scenario* scenario) {
  Queue<std::string> queue;
  const Task<void> blocked = CreateTask(GetAndLog(scenario, &queue));
  co_await OrReturn(Yield());
  co_await OrReturn(queue.PutNowait("i"));
  queue.Shutdown();
  const absl::StatusOr<std::string> first = co_await queue.Get();
  co_await OrReturn(blocked);
  scenario->Log(absl::StrCat("first ", ItemOrShut(first)));
  const absl::StatusOr<std::string> second = co_await queue.Get();
  scenario->Log(absl::StrCat("second ", ItemOrShut(second)));
  const absl::Status put = co_await queue.Put("j");
  scenario->Log(absl::IsOutOfRange(put) ? "put shut" : put.ToString());
  co_return absl::OkStatus();
}

TEST(CoroutineScenarioTest, D27_QueueShutdown) {
  Scenario scenario;
  scenario.Run(QueueShutdown(&scenario));
  EXPECT_THAT(scenario.trace, ElementsAre("blocked shut", "first i",
                                          "second shut", "put shut"));
}

}  // namespace
}  // namespace evkit
