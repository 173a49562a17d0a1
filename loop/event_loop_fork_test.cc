// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// What a forked child may do with the loop that it inherits: destroy it, and
// nothing else. The parent is not to notice.

#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <functional>
#include <future>
#include <memory>
#include <new>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "evkit/loop/default_event_loop.h"
#include "evkit/loop/descriptor_testing.h"
#include "evkit/loop/event_loop.h"
#include "evkit/policy/running_loop.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace {

// Called, once, by the next allocation of this thread.
thread_local std::function<void()> before_allocation;

}  // namespace

void* operator new(size_t size) {
  if (before_allocation != nullptr) std::exchange(before_allocation, nullptr)();
  void* const memory = std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) std::abort();
  return memory;
}
void* operator new(size_t size, std::align_val_t alignment) {
  if (before_allocation != nullptr) std::exchange(before_allocation, nullptr)();
  void* const memory = std::aligned_alloc(static_cast<size_t>(alignment), size);
  if (memory == nullptr) std::abort();
  return memory;
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
void operator delete(void* memory, size_t, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
  std::free(memory);
}

namespace evkit {
namespace {

// Exit codes of the children of these tests: the number of what went wrong.
class Verdict {
 public:
  void Expect(bool condition) {
    ++checks_;
    if (!condition && failed_ == 0) failed_ = checks_;
  }
  int code() const { return failed_; }

 private:
  int checks_ = 0;
  int failed_ = 0;
};

// Forks; the child does `function`, is given some time for it, and exits. Only
// the parent returns.
pid_t Fork(const std::function<void(Verdict&)>& function) {
  const pid_t pid = ::fork();
  if (pid != 0) return pid;
  ::alarm(30);
  Verdict verdict;
  function(verdict);
  ::_exit(verdict.code());
}

// Waits for a child of `Fork()`.
void ExpectAllWasWell(pid_t pid) {
  ASSERT_GT(pid, 0);
  int status = 0;
  ASSERT_EQ(::waitpid(pid, &status, 0), pid);
  EXPECT_TRUE(WIFEXITED(status)) << "it was killed: did it hang?";
  EXPECT_EQ(WEXITSTATUS(status), 0) << "the number of the check that failed";
}

bool IsRefused(const absl::Status& status) {
  return status.code() == absl::StatusCode::kFailedPrecondition;
}

class EventLoopForkTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto loop = NewDefaultEventLoop();
    ASSERT_TRUE(loop.ok());
    loop_ = *std::move(loop);
    ASSERT_TRUE(loop_
                    ->AddReader(pipe_.read_fd(),
                                [this] {
                                  ++reads_;
                                  ReadByte(pipe_.read_fd());
                                  loop_->Stop();
                                })
                    .ok());
    const auto ignore = [](pid_t, ExitStatus) {};
    ASSERT_TRUE(loop_->WatchSpawnedChild(::getpid(), -1, ignore).ok());
  }

  // Everything that wakes a loop, in the parent.
  void ExpectTheLoopIsUndisturbed() {
    ASSERT_TRUE(WriteByte(pipe_.write_fd()));
    EXPECT_TRUE(loop_->RunForever().ok());
    EXPECT_EQ(std::exchange(reads_, 0), 1);
    std::thread poster;
    loop_->CallSoon([&] {
      poster = std::thread([&] {
        EXPECT_TRUE(loop_->CallSoonThreadsafe([&] { loop_->Stop(); }).ok());
      });
    });
    EXPECT_TRUE(loop_->RunForever().ok());
    poster.join();
    loop_->CallLater(absl::Milliseconds(1), [&] { loop_->Stop(); });
    EXPECT_TRUE(loop_->RunForever().ok());
  }

  Pipe pipe_ = Pipe::Make();
  std::unique_ptr<EventLoop> loop_;
  int reads_ = 0;
};

TEST_F(EventLoopForkTest, bug_K1_InheritedLoopRefusesToDoAnything) {
  const auto ignore = [](pid_t, ExitStatus) {};
  const Pipe other = Pipe::Make();
  ExpectAllWasWell(Fork([&](Verdict& verdict) {
    verdict.Expect(IsRefused(loop_->RunForever()));
    verdict.Expect(IsRefused(loop_->CallSoonThreadsafe([] {})));
    verdict.Expect(IsRefused(loop_->AddReader(other.read_fd(), [] {})));
    verdict.Expect(IsRefused(loop_->AddWriter(pipe_.read_fd(), [] {})));
    verdict.Expect(!loop_->RemoveReader(pipe_.read_fd()));
    verdict.Expect(!loop_->RemoveWriter(pipe_.read_fd()));
    verdict.Expect(IsRefused(loop_->WatchChild(::getppid(), ignore)));
    verdict.Expect(IsRefused(loop_->WatchSpawnedChild(1, -1, ignore)));
    verdict.Expect(!loop_->UnwatchChild(::getppid()));
  }));
  ExpectTheLoopIsUndisturbed();
}

TEST_F(EventLoopForkTest, bug_K1_ChildMayHaveALoopOfItsOwn) {
  ExpectAllWasWell(Fork([&](Verdict& verdict) {
    auto loop = NewDefaultEventLoop();
    verdict.Expect(loop.ok());
    int reads = 0;
    const Pipe own = Pipe::Make();
    verdict.Expect((*loop)
                       ->AddReader(own.read_fd(),
                                   [&] {
                                     ++reads;
                                     (*loop)->Stop();
                                   })
                       .ok());
    WriteByte(own.write_fd());
    verdict.Expect((*loop)->RunForever().ok());
    verdict.Expect(reads == 1);
    loop_.reset();
    verdict.Expect((*loop)->RunForever().ok());
    verdict.Expect(reads == 2);
  }));
  ExpectTheLoopIsUndisturbed();
}

TEST_F(EventLoopForkTest, bug_K1_ParentWorksWhileTheChildrenComeAndGo) {
  for (int round = 0; round < 5; ++round) {
    const pid_t child = Fork([&](Verdict&) { loop_.reset(); });
    ExpectTheLoopIsUndisturbed();
    ExpectAllWasWell(child);
    ExpectTheLoopIsUndisturbed();
  }
}

TEST_F(EventLoopForkTest, bug_K3_DestroyingTheInheritedLoopReturnsAtOnce) {
  auto owned = std::make_shared<int>();
  loop_->CallSoon([owned] {});
  loop_->CallLater(absl::Seconds(1), [owned] {});
  ASSERT_TRUE(loop_->CallSoonThreadsafe([owned] {}).ok());
  ExpectAllWasWell(Fork([&](Verdict& verdict) {
    verdict.Expect(loop_->Close().ok());
    verdict.Expect(owned.use_count() == 1);
    verdict.Expect(loop_->IsClosed());
    loop_.reset();
  }));
  EXPECT_EQ(owned.use_count(), 4);
  ExpectTheLoopIsUndisturbed();
}

// The poster is in the middle of its post.
TEST_F(EventLoopForkTest, bug_K3_PosterThatTheForkCutsShortIsNotWaitedFor) {
  std::promise<void> reached;
  std::promise<void> go_on;
  std::thread poster([&] {
    before_allocation = [&] {
      reached.set_value();
      go_on.get_future().wait();
    };
    EXPECT_TRUE(loop_->CallSoonThreadsafe([] {}).ok());
  });
  reached.get_future().wait();
  const pid_t child = Fork([&](Verdict&) { loop_.reset(); });
  go_on.set_value();
  poster.join();
  ExpectAllWasWell(child);
  ExpectTheLoopIsUndisturbed();
}

// LOOP-04
TEST_F(EventLoopForkTest, bug_K4_NoLoopIsRunningInAChildForkedByACallback) {
  pid_t child = -1;
  loop_->CallSoon([&] {
    child = Fork([&](Verdict& verdict) {
      verdict.Expect(GetRunningLoopOrNull() == nullptr);
      auto own = NewDefaultEventLoop();
      verdict.Expect(own.ok());
      (*own)->CallSoon([&] {
        verdict.Expect(GetRunningLoopOrNull() == own->get());
        (*own)->Stop();
      });
      verdict.Expect((*own)->RunForever().ok());
    });
    EXPECT_EQ(GetRunningLoopOrNull(), loop_.get());
    loop_->Stop();
  });
  EXPECT_TRUE(loop_->RunForever().ok());
  ExpectAllWasWell(child);
  ExpectTheLoopIsUndisturbed();
}

TEST_F(EventLoopForkTest, bug_K1_ChildThatReturnsFromItsCallbackDoesNotGoOn) {
  pid_t child = -1;
  loop_->CallSoon([&] { child = ::fork(); });
  loop_->CallLater(absl::Milliseconds(1), [&] { loop_->Stop(); });
  const absl::Status status = loop_->RunForever();
  if (child == 0) {
    ::_exit(IsRefused(status) && !loop_->IsRunning() ? 0 : 1);
  }
  EXPECT_TRUE(status.ok()) << status;
  ExpectAllWasWell(child);
  ExpectTheLoopIsUndisturbed();
}

}  // namespace
}  // namespace evkit
