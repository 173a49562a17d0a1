// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// What the recorded programs of loop/conformance have found, each in as few
// lines as show it.

#include <string>

#include "evkit/loop/coro/future.h"
#include "evkit/loop/coro/or_return.h"
#include "evkit/loop/coro/task.h"
#include "evkit/loop/testing/test_loop.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Coro<int> AwaitTask(const Task<int>* task) { co_return co_await *task; }

TEST(TaskRegressionTest, TasksThatAwaitEachOtherInACircleCanBePrinted) {
  TestLoop test;
  Task<int> first;
  Task<int> second;
  TaskOptions options;
  options.name = "one";
  first = CreateTask(test.loop(), AwaitTask(&second), options);
  options.name = "two";
  second = CreateTask(test.loop(), AwaitTask(&first), options);
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_THAT(first.DebugString(), HasSubstr("waiting for <Task two>"));
  EXPECT_THAT(second.DebugString(), HasSubstr("waiting for <Task one>"));
}

TEST(TaskRegressionTest, ATaskIsPrintedWithoutThoseBehindTheOneItAwaits) {
  TestLoop test;
  const Future<int> future = CreateFuture<int>(test.loop());
  Task<int> last = CreateTask(test.loop(), [](Future<int> awaited) -> Coro<int> {
    co_return co_await awaited;
  }(future));
  const Task<int> middle = CreateTask(test.loop(), AwaitTask(&last));
  const Task<int> first = CreateTask(test.loop(), AwaitTask(&middle));
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_THAT(last.DebugString(), HasSubstr("waiting for <Future pending>"));
  EXPECT_THAT(first.DebugString(), Not(HasSubstr("Future")));
}

}  // namespace
}  // namespace evkit
