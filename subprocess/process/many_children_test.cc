// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Children of two loops and of somebody else, all in one process, all at once.

#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "evkit/loop/coro/or_return.h"
#include "evkit/loop/coro/run_until_complete.h"
#include "evkit/loop/coro/task.h"
#include "evkit/loop/default_event_loop.h"
#include "evkit/loop/event_loop.h"
#include "evkit/subprocess/internal/spawn_testing.h"
#include "evkit/subprocess/process/process.h"
#include "evkit/subprocess/signal_child_watcher.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using subprocess_internal::HasChildren;
using subprocess_internal::kSlowBuild;
using subprocess_internal::RunTestChild;
using subprocess_internal::TestChildPath;

constexpr int kAtOnce = 8;

// Of all, in the end.
int Children() {
  int children = 0;
  EXPECT_TRUE(absl::SimpleAtoi(getenv("EVKIT_CHILDREN"), &children));
  return kSlowBuild ? children / 4 : children;
}

// A child after the other, as long as there are some to do.
Coro<int> OneAfterTheOther(std::atomic<int>* left) {
  int exact = 0;
  while (true) {
    const int number = left->fetch_sub(1);
    if (number <= 0) co_return exact;
    const int code = number % 200;
    ProcessOptions options = RunTestChild({"exit", std::to_string(code)});
    Process process =
        co_await OrReturn(CreateSubprocessExec(std::move(options)));
    const ExitStatus status = co_await OrReturn(process.Wait());
    EXPECT_EQ(status, ExitStatus::Exited(code));
    if (status == ExitStatus::Exited(code)) ++exact;
  }
}

Coro<int> AllAtOnce(AbstractEventLoop* loop, std::atomic<int>* left) {
  std::vector<Task<int>> tasks;
  for (int i = 0; i < kAtOnce; ++i) {
    tasks.push_back(CreateTask(*loop, OneAfterTheOther(left)));
  }
  int exact = 0;
  for (Task<int>& task : tasks) exact += co_await OrReturn(task);
  co_return exact;
}

int RunLoop(bool by_signal, std::atomic<int>* left) {
  EventLoopOptions options;
  if (by_signal) options.child_watcher = *SignalChildWatcher::Create();
  const auto loop = *NewDefaultEventLoop(std::move(options));
  const absl::StatusOr<int> exact =
      RunUntilComplete(*loop, AllAtOnce(loop.get(), left));
  EXPECT_TRUE(exact.ok()) << exact.status();
  return exact.value_or(0);
}

// A library that knows nothing of loops.
int RunForeign(std::atomic<int>* left) {
  int exact = 0;
  const std::string path = TestChildPath();
  while (left->fetch_sub(1) > 0) {
    std::string program = path;
    std::string verb = "exit";
    std::string code = "201";
    char* argv[] = {program.data(), verb.data(), code.data(), nullptr};
    char* environment[] = {nullptr};
    pid_t pid = -1;
    EXPECT_EQ(
        posix_spawn(&pid, path.c_str(), nullptr, nullptr, argv, environment),
        0);
    int status = 0;
    EXPECT_EQ(waitpid(pid, &status, 0), pid) << "was stolen";
    if (WIFEXITED(status) && WEXITSTATUS(status) == 201) ++exact;
  }
  return exact;
}

void TwoLoopsAndSomebodyElse(bool by_signal) {
  const int children = Children();
  std::atomic<int> left{children};
  std::atomic<int> foreign_left{children / 10};
  int exact_there = 0;
  int exact_foreign = 0;
  std::thread there([&] { exact_there = RunLoop(by_signal, &left); });
  std::thread foreign([&] { exact_foreign = RunForeign(&foreign_left); });
  const int exact_here = RunLoop(false, &left);
  there.join();
  foreign.join();
  EXPECT_EQ(exact_here + exact_there, children);
  EXPECT_EQ(exact_foreign, children / 10);
  EXPECT_FALSE(HasChildren());
}

TEST(ManyChildrenTest, bug_G4_NoExitIsLostOrStolen) {
  TwoLoopsAndSomebodyElse(false);
}

TEST(ManyChildrenTest, bug_G4_NoExitIsLostOrStolenIfOneLoopListensToSigchld) {
  TwoLoopsAndSomebodyElse(true);
}

}  // namespace
}  // namespace evkit
