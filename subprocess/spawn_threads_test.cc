// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Spawning while other threads are in the middle of everything.

#include <pthread.h>
#include <stdlib.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "evkit/subprocess/internal/spawn_testing.h"
#include "evkit/subprocess/spawn.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using subprocess_internal::HasChildren;
using subprocess_internal::kSlowBuild;
using subprocess_internal::MustSpawn;
using subprocess_internal::OutputOf;
using subprocess_internal::RunTestChild;
using subprocess_internal::WaitFor;

// What is not async-signal-safe deadlocks between vfork and exec.
TEST(SpawnThreadsTest, bug_G12_ChildTakesNoLockThatAnotherThreadMayHold) {
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      size_t size = 16;
      while (!stop) {
        const auto block = std::make_unique<std::string>(size, 'x');
        size = size > 100'000 ? 16 : size * 2 + (getenv("PATH") == nullptr);
      }
    });
  }
  const int children = kSlowBuild ? 30 : 100;
  for (int i = 0; i < children; ++i) {
    EXPECT_EQ(WaitFor(MustSpawn(RunTestChild({"exit", "1"}))),
              ExitStatus::Exited(1));
    SpawnOptions missing;
    missing.argv = {"/no/such"};
    EXPECT_FALSE(Spawn(missing).ok());
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_FALSE(HasChildren());
}

// WATCH-10
TEST(SpawnThreadsTest, ManyThreadsMaySpawnAtOnce) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([i] {
      for (int j = 0; j < (kSlowBuild ? 10 : 50); ++j) {
        const std::string text = std::to_string(i * 1000 + j);
        EXPECT_EQ(OutputOf(RunTestChild({"say", text})), text);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

// A cancellation that waits for the next system call must not find it in the
// child, on the stack of the child.
TEST(SpawnThreadsTest, PendingCancellationOfTheThreadIsForLater) {
  pthread_t thread;
  ExitStatus status = ExitStatus::Unknown();
  const auto body = [](void* result) -> void* {
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, nullptr);
    pthread_cancel(pthread_self());
    const Child child = MustSpawn(RunTestChild({"exit", "3"}));
    *static_cast<ExitStatus*>(result) = WaitFor(child);
    return nullptr;
  };
  ASSERT_EQ(pthread_create(&thread, nullptr, body, &status), 0);
  pthread_join(thread, nullptr);
  EXPECT_EQ(status, ExitStatus::Exited(3));
}

}  // namespace
}  // namespace evkit
