// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Who awaits whom through what combines tasks.

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "evkit/loop/coro/call_graph.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/loop/coro/future.h"
#include "evkit/loop/coro/gather.h"
#include "evkit/loop/coro/or_return.h"
#include "evkit/loop/coro/shield.h"
#include "evkit/loop/coro/sleep.h"
#include "evkit/loop/coro/task.h"
#include "evkit/loop/coro/task_group.h"
#include "evkit/loop/coro/wait.h"
#include "evkit/loop/coro/wait_for.h"
#include "evkit/loop/testing/test_loop.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

Coro<int> SleepForever() {
  co_await OrReturn(Sleep(absl::InfiniteDuration()));
  co_return 1;
}

Task<int> Child(EventLoop& loop) {
  TaskOptions options;
  options.name = "child";
  return CreateTask(loop, SleepForever(), options);
}
Task<void> Parent(EventLoop& loop, Coro<void> coro) {
  TaskOptions options;
  options.name = "parent";
  return CreateTask(loop, std::move(coro), options);
}

// "0 child", "1 Future", "2 parent": level and name of each entry.
std::vector<std::string> Graph(const AnyFuture& future) {
  std::vector<std::string> lines;
  for (const FutureCallGraphEntry& entry : CaptureCallGraph(future)) {
    loop_internal::TaskState* const task = entry.future.state()->AsTask();
    lines.push_back(absl::StrCat(
        entry.level, " ",
        task == nullptr ? entry.future.state()->Kind() : task->name(),
        entry.repeated ? " again" : ""));
  }
  return lines;
}

// The nesting of the tasks in FormatTasks().
std::vector<std::string> Forest(EventLoop& loop) {
  std::vector<std::string> lines;
  const std::string text = FormatTasks(loop);
  for (size_t at = 0; (at = text.find("* Task(name='", at)) != text.npos;) {
    const size_t line = text.rfind('\n', at) + 1;  // npos + 1 is 0.
    const size_t name = at + 13;
    at = text.find('\'', name);
    lines.push_back(text.substr(line, text.find('*', line) - line) +
                    text.substr(name, at - name));
  }
  return lines;
}

Coro<void> AwaitGather(Task<int> child, Future<int> other) {
  std::vector<Future<int>> both = {child, other};
  co_await OrReturn(Gather(std::move(both)));
  co_return absl::OkStatus();
}

// INT-02
TEST(CallGraphEdgesTest, Gather) {
  TestLoop test;
  const Future<int> other = CreateFuture<int>(test.loop());
  const Task<int> child = Child(test.loop());
  const Task<void> parent = Parent(test.loop(), AwaitGather(child, other));
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_THAT(Graph(child), ElementsAre("0 child", "1 Future", "2 parent"));
  EXPECT_THAT(Graph(other), ElementsAre("0 Future", "1 Future", "2 parent"));
  EXPECT_THAT(Forest(test.loop()), ElementsAre("parent", "    child"));
  EXPECT_TRUE(parent.Cancel());
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_THAT(Graph(child), SizeIs(1));
}

Coro<void> AwaitGatherOfTwo(Task<int> child) {
  co_await OrReturn(Gather(child, CreateTask(SleepForever())));
  co_return absl::OkStatus();
}

// INT-02
TEST(CallGraphEdgesTest, GatherOfATuple) {
  TestLoop test;
  const Task<int> child = Child(test.loop());
  const Task<void> parent = Parent(test.loop(), AwaitGatherOfTwo(child));
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_THAT(Graph(child), ElementsAre("0 child", "1 Future", "2 parent"));
}

Coro<void> AwaitGatherOutcomes(std::vector<Task<int>> children) {
  co_await OrReturn(GatherOutcomes(std::move(children)));
  co_return absl::OkStatus();
}

// INT-02
TEST(CallGraphEdgesTest, GatherOutcomesOfTheSameTwice) {
  TestLoop test;
  const Task<int> child = Child(test.loop());
  const std::vector<Task<int>> twice = {child, child};
  const Task<void> parent = Parent(test.loop(), AwaitGatherOutcomes(twice));
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_THAT(Graph(child), ElementsAre("0 child", "1 Future", "2 parent"));
}

Coro<void> AwaitShield(Task<int> child) {
  co_await OrReturn(Shield(child));
  co_return absl::OkStatus();
}

// INT-02
TEST(CallGraphEdgesTest, Shield) {
  TestLoop test;
  const Task<int> child = Child(test.loop());
  const Task<void> parent = Parent(test.loop(), AwaitShield(child));
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_THAT(Graph(child), ElementsAre("0 child", "1 Future", "2 parent"));
  EXPECT_THAT(Forest(test.loop()), ElementsAre("parent", "    child"));
  EXPECT_TRUE(parent.Cancel());
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_THAT(Forest(test.loop()), ElementsAre("child"));
}

Coro<void> AwaitWait(std::vector<Task<int>> children) {
  const auto result = co_await Wait(std::move(children));
  co_return result.status();
}

// INT-02
TEST(CallGraphEdgesTest, Wait) {
  TestLoop test;
  const Task<int> child = Child(test.loop());
  const std::vector<Task<int>> children = {child};
  const Task<void> parent = Parent(test.loop(), AwaitWait(children));
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_THAT(Graph(child), ElementsAre("0 child", "1 parent"));
  EXPECT_TRUE(parent.Cancel());
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_THAT(Graph(child), ElementsAre("0 child"));
}

Coro<void> AwaitWithTimeout(Task<int> child) {
  co_await OrReturn(WaitFor(child, absl::Hours(1)));
  co_return absl::OkStatus();
}

// INT-02
TEST(CallGraphEdgesTest, WaitFor) {
  TestLoop test;
  const Task<int> child = Child(test.loop());
  const Task<void> parent = Parent(test.loop(), AwaitWithTimeout(child));
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_THAT(Graph(child), ElementsAre("0 child", "1 parent"));
}

Coro<void> Body(TaskGroup& group, Task<int>* child) {
  TaskOptions options;
  options.name = "child";
  *child = group.CreateTask(SleepForever(), options);
  co_return absl::OkStatus();
}
Coro<void> RunGroup(Task<int>* child) {
  TaskGroup group;
  co_await OrReturn(group.Run(Body(group, child)));
  co_return absl::OkStatus();
}

// INT-02
TEST(CallGraphEdgesTest, TaskGroup) {
  TestLoop test;
  Task<int> child;
  const Task<void> parent = Parent(test.loop(), RunGroup(&child));
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_THAT(Graph(child), ElementsAre("0 child", "1 parent"));
  EXPECT_THAT(Forest(test.loop()), ElementsAre("parent", "    child"));
}

Coro<void> AwaitGathers(Task<int> child) {
  const Future<std::vector<int>> one = Gather(std::vector<Task<int>>{child});
  const Future<std::vector<int>> two = Gather(std::vector<Task<int>>{child});
  co_await OrReturn(Gather(one, two));
  co_return absl::OkStatus();
}

// INT-02
TEST(CallGraphEdgesTest, AFutureThatIsReachedTwiceIsFollowedOnce) {
  TestLoop test;
  const Task<int> child = Child(test.loop());
  const Task<void> parent = Parent(test.loop(), AwaitGathers(child));
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_THAT(Graph(child),
              ElementsAre("0 child", "1 Future", "2 Future", "3 parent",
                          "1 Future", "2 Future again"));
  EXPECT_THAT(Forest(test.loop()), ElementsAre("parent", "    child"));
}

}  // namespace
}  // namespace evkit
