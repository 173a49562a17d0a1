// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/policy/running_loop.h"

#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "absl/status/status.h"
#include "evkit/policy/internal/minimal_loop.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using policy_internal::MinimalLoop;

AbstractEventLoop* WhatAFunctionCalledByTheCallbackSees() {
  return GetRunningLoopOrNull();
}

// How the child ended that runs `check`: 0 if that returns true.
template <typename Check>
int InForkedChild(Check check) {
  const pid_t child = fork();
  if (child == 0) _exit(check() ? 0 : 1);
  int status = -1;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return status;
}

// LOOP-01
TEST(RunningLoopTest, ACallbackFindsTheLoopThatRunsIt) {
  MinimalLoop loop;
  int calls = 0;
  loop.CallSoon([&] {
    ++calls;
    EXPECT_EQ(GetRunningLoopOrNull(), &loop);
    EXPECT_EQ(GetRunningLoop().value_or(nullptr), &loop);
    EXPECT_EQ(WhatAFunctionCalledByTheCallbackSees(), &loop);
  });
  ASSERT_TRUE(loop.RunForever().ok());
  EXPECT_EQ(calls, 1);
}

// LOOP-02
TEST(RunningLoopTest, WithoutARunningLoopThereIsNoneToBeFound) {
  EXPECT_EQ(GetRunningLoopOrNull(), nullptr);
  EXPECT_EQ(GetRunningLoop().status().code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(GetRunningLoop().status().message(), "no running event loop");

  MinimalLoop loop;
  ASSERT_TRUE(loop.RunForever().ok());
  EXPECT_EQ(GetRunningLoopOrNull(), nullptr);
}

// LOOP-03
TEST(RunningLoopTest, ALoopThatRunsInOneThreadIsNotSeenFromAnother) {
  MinimalLoop loop;
  MinimalLoop other_loop;
  loop.CallSoon([&] {
    std::thread other([&] {
      EXPECT_EQ(GetRunningLoopOrNull(), nullptr);
      other_loop.CallSoon(
          [&] { EXPECT_EQ(GetRunningLoopOrNull(), &other_loop); });
      EXPECT_TRUE(other_loop.RunForever().ok());
    });
    other.join();
    EXPECT_EQ(GetRunningLoopOrNull(), &loop);
  });
  ASSERT_TRUE(loop.RunForever().ok());
}

// LOOP-04
TEST(RunningLoopTest, bug_K4_AChildForkedInACallbackSeesNoRunningLoop) {
  MinimalLoop loop;
  int child_status = -1;
  loop.CallSoon([&] {
    child_status = InForkedChild([] {
      return GetRunningLoopOrNull() == nullptr && !GetRunningLoop().ok();
    });
    EXPECT_EQ(GetRunningLoopOrNull(), &loop);
  });
  ASSERT_TRUE(loop.RunForever().ok());
  EXPECT_EQ(child_status, 0);
}

// LOOP-04
TEST(RunningLoopTest, AChildForkedInACallbackMayRunALoopOfItsOwn) {
  MinimalLoop loop;
  int child_status = -1;
  loop.CallSoon([&] {
    child_status = InForkedChild([] {
      MinimalLoop childs_loop;
      bool found = false;
      childs_loop.CallSoon(
          [&] { found = GetRunningLoopOrNull() == &childs_loop; });
      return childs_loop.RunForever().ok() && found &&
             GetRunningLoopOrNull() == nullptr;
    });
  });
  ASSERT_TRUE(loop.RunForever().ok());
  EXPECT_EQ(child_status, 0);
}

// LOOP-04
TEST(RunningLoopTest, AChildOfAChildSeesNoRunningLoopEither) {
  MinimalLoop loop;
  int child_status = -1;
  loop.CallSoon([&] {
    child_status = InForkedChild([] {
      MinimalLoop childs_loop;
      int grandchild_status = -1;
      childs_loop.CallSoon([&] {
        grandchild_status =
            InForkedChild([] { return GetRunningLoopOrNull() == nullptr; });
      });
      return childs_loop.RunForever().ok() && grandchild_status == 0;
    });
  });
  ASSERT_TRUE(loop.RunForever().ok());
  EXPECT_EQ(child_status, 0);
}

// LOOP-06
TEST(ScopedRunningLoopTest, LeavesTheSlotEmptyWhateverItHeldBefore) {
  MinimalLoop outer;
  MinimalLoop inner;
  const ScopedRunningLoop outer_scope(outer);
  {
    const ScopedRunningLoop inner_scope(inner);
    EXPECT_EQ(GetRunningLoopOrNull(), &inner);
  }
  EXPECT_EQ(GetRunningLoopOrNull(), nullptr);
}

#if defined(__cpp_exceptions)
// LOOP-06
TEST(ScopedRunningLoopTest, LeavesTheSlotEmptyWhenAnExceptionPasses) {
  MinimalLoop loop;
  try {
    const ScopedRunningLoop scope(loop);
    throw 42;
  } catch (int) {
  }
  EXPECT_EQ(GetRunningLoopOrNull(), nullptr);
}
#endif

}  // namespace
}  // namespace evkit
