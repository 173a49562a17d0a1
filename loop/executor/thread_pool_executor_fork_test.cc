// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// What a forked child may do with the pool that it inherits: destroy it, and
// nothing else. The parent is not to notice.

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <functional>
#include <latch>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "evkit/base/syscalls.h"
#include "evkit/loop/executor/thread_pool_executor.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

bool IsRefused(const absl::Status& status) {
  return status.code() == absl::StatusCode::kFailedPrecondition;
}

// Forks; the child does `function`, is given some time for it, and exits with
// what that returns. Only the parent returns.
pid_t Fork(const std::function<int()>& function) {
  const pid_t pid = ::fork();
  if (pid != 0) return pid;
  ::alarm(30);
  ::_exit(function());
}

// Waits for a child of `Fork()`.
void ExpectAllWasWell(pid_t pid) {
  ASSERT_GT(pid, 0);
  int status = 0;
  ASSERT_EQ(::waitpid(pid, &status, 0), pid);
  EXPECT_TRUE(WIFEXITED(status)) << "it was killed: did it hang?";
  EXPECT_EQ(WEXITSTATUS(status), 0) << "the number of the check that failed";
}

// Everything that one can do with an inherited pool, destroying it at the end.
// Returns the number of what went wrong.
int UseInherited(std::unique_ptr<ThreadPoolExecutor> pool, JobHandle handle) {
  bool called = false;
  const auto call = [&called] { called = true; };
  if (!IsRefused(pool->Submit(call))) return 1;
  if (!IsRefused(pool->SubmitCancellable(call).status())) return 2;
  if (handle.Cancel()) return 3;
  if (!IsRefused(pool->Shutdown())) return 4;
  if (!IsRefused(pool->ShutdownAsync(call))) return 5;
  if (pool->DebugString() != "<ThreadPoolExecutor of the parent process>") {
    return 6;
  }
  pool.reset();
  return called ? 7 : 0;
}

TEST(ThreadPoolExecutorForkTest, bug_K5_InheritedPoolRefusesInsteadOfHanging) {
  ThreadPoolExecutorOptions options;
  options.max_threads = 1;
  auto pool = std::make_unique<ThreadPoolExecutor>(std::move(options));
  std::latch started(1);
  std::latch release(1);
  std::atomic<int> ran{0};
  EXPECT_TRUE(pool->Submit([&] {
                    started.count_down();
                    release.wait();
                    ++ran;
                  })
                  .ok());
  started.wait();
  absl::StatusOr<JobHandle> queued = pool->SubmitCancellable([&] { ++ran; });
  ASSERT_TRUE(queued.ok());
  ExpectAllWasWell(
      Fork([&] { return UseInherited(std::move(pool), *queued); }));
  release.count_down();
  EXPECT_TRUE(pool->Shutdown().ok());
  EXPECT_EQ(ran.load(), 2);
}

TEST(ThreadPoolExecutorForkTest, bug_K5_ThreadsThatIdleAreMissingToo) {
  auto pool = std::make_unique<ThreadPoolExecutor>();
  std::latch ran(1);
  EXPECT_TRUE(pool->Submit([&] { ran.count_down(); }).ok());
  ran.wait();
  ExpectAllWasWell(
      Fork([&] { return UseInherited(std::move(pool), JobHandle()); }));
  EXPECT_TRUE(pool->Shutdown().ok());
}

// Forks in the middle of a submission, when the pool's lock is held.
class ForkInPthreadCreate final : public sys::Hook {
 public:
  explicit ForkInPthreadCreate(std::function<int()> in_child)
      : in_child_(std::move(in_child)) {
    sys::InstallHook(this);
  }
  ~ForkInPthreadCreate() override { sys::InstallHook(nullptr); }

  int BeforeCall(const char* name, const sys::CallSite&) override {
    if (std::strcmp(name, "pthread_create") == 0) child_ = Fork(in_child_);
    return 0;
  }
  size_t LimitSize(const char*, const sys::CallSite&, size_t size) override {
    return size;
  }
  pid_t child() const { return child_; }

 private:
  const std::function<int()> in_child_;
  std::atomic<pid_t> child_{-1};
};

TEST(ThreadPoolExecutorForkTest, bug_K5_LockOfTheParentIsNotWaitedFor) {
  auto pool = std::make_unique<ThreadPoolExecutor>();
  bool ran = false;
  {
    ForkInPthreadCreate fork(
        [&] { return UseInherited(std::move(pool), JobHandle()); });
    EXPECT_TRUE(pool->Submit([&] { ran = true; }).ok());
    ExpectAllWasWell(fork.child());
  }
  EXPECT_TRUE(pool->Shutdown().ok());
  EXPECT_TRUE(ran);
}

}  // namespace
}  // namespace evkit
