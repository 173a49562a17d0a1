// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Posting from other threads: no wake-up is lost, none is wasted, and nothing
// of the user's runs where it could deadlock.

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <functional>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "evkit/base/errno_status.h"
#include "evkit/base/fault_injection.h"
#include "evkit/loop/default_event_loop.h"
#include "evkit/loop/testing/test_loop.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
constexpr int kScale = 1;
#elif defined(__has_feature)
constexpr int kScale =
    __has_feature(thread_sanitizer) || __has_feature(address_sanitizer) ? 1 : 4;
#else
constexpr int kScale = 4;
#endif

constexpr char kWakeupWrite[] = "write@wakeup_fd.cc";
constexpr char kWakeupRead[] = "read@wakeup_fd.cc";

void Post(AbstractEventLoop& loop, Callback callback) {
  EXPECT_TRUE(loop.CallSoonThreadsafe(std::move(callback)).ok());
}

class EventLoopThreadsTest : public ::testing::Test {
 protected:
  const std::unique_ptr<EventLoop> loop_ = *NewDefaultEventLoop();
};

// Calls back while the loop sleeps, the first time; wakes it for good the
// second time. What runs there is what another thread could do.
class SleepingLoopTest : public ::testing::Test {
 protected:
  void RunAndWhileAsleep(std::function<void()> then) {
    test_.selector().SetSleepHook(
        [this, then = std::move(then)](absl::Duration) {
          if (++sleeps_ == 1) return then();
          test_->Stop();
        });
    EXPECT_TRUE(test_->RunForever().ok());
  }

  TestLoop test_;
  int sleeps_ = 0;
  FaultInjection faults_;
};

// Each thread lets the loop fall asleep again and again, at different times.
TEST_F(EventLoopThreadsTest, bug_E1_NoWakeupIsLostBetweenPostingAndSleeping) {
  constexpr int kThreads = 8;
  constexpr int kRounds = 200 * kScale;
  std::atomic<int> threads_left{kThreads};
  int64_t sum = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      std::atomic<int> arrived{0};
      int posted = 0;
      for (int round = 0; round < kRounds; ++round) {
        for (int burst = (round + i) % 7; burst >= 0; --burst) {
          ++posted;
          Post(*loop_, [&] {
            ++sum;
            arrived.fetch_add(1);
            arrived.notify_one();
          });
        }
        for (int seen; (seen = arrived.load()) != posted;) arrived.wait(seen);
      }
      // `arrived` is notified from the loop's thread, which is done with it
      // when it runs the next callback of this thread.
      std::atomic<bool> done{false};
      Post(*loop_, [&] {
        if (threads_left.fetch_sub(1) == 1) loop_->Stop();
        done.store(true);
      });
      while (!done.load()) std::this_thread::yield();
    });
  }
  EXPECT_TRUE(loop_->RunForever().ok());
  for (std::thread& thread : threads) thread.join();
  EXPECT_GE(sum, int64_t{kThreads} * kRounds);
}

TEST_F(EventLoopThreadsTest, bug_E1_NothingIsLostInAFlood) {
  constexpr int kThreads = 8;
  constexpr int kPosts = 5000 * kScale;
  int64_t arrived = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (int post = 0; post < kPosts; ++post) {
        Post(*loop_, [&] {
          if (++arrived == int64_t{kThreads} * kPosts) loop_->Stop();
        });
      }
    });
  }
  EXPECT_TRUE(loop_->RunForever().ok());
  for (std::thread& thread : threads) thread.join();
}

// The counter of the eventfd is full: the loop is awake already.
// SOON-07
TEST_F(SleepingLoopTest, bug_E2_AFullWakeupDescriptorIsSuccess) {
  faults_.Fail(kWakeupWrite, EAGAIN);
  RunAndWhileAsleep([this] { Post(test_.loop(), [] {}); });
}

TEST_F(SleepingLoopTest, bug_E2_AnInterruptedWakeupIsTriedAgain) {
  faults_.Fail(kWakeupWrite, EINTR, /*nth=*/1, /*times=*/3);
  bool ran = false;
  RunAndWhileAsleep([&] { Post(test_.loop(), [&] { ran = true; }); });
  EXPECT_EQ(faults_.Count(kWakeupWrite), 4);
  EXPECT_TRUE(ran);
}

TEST_F(SleepingLoopTest, bug_E2_AFailedWakeupIsReportedAndTheCallbackQueued) {
  for (const int error : {EPERM, EBADF}) {
    faults_.Clear();
    faults_.Fail(kWakeupWrite, error);
    bool ran = false;
    sleeps_ = 0;
    RunAndWhileAsleep([&] {
      const absl::Status status =
          test_->CallSoonThreadsafe([&] { ran = true; });
      EXPECT_EQ(ErrnoFromStatus(status), error) << status;
    });
    // It runs when something else wakes the loop.
    EXPECT_TRUE(ran);
  }
}

TEST_F(SleepingLoopTest, bug_E2_TheNextPostTriesToWakeTheLoopAgain) {
  faults_.Fail(kWakeupWrite, EPERM, /*nth=*/1, /*times=*/2);
  int ran = 0;
  RunAndWhileAsleep([&] {
    EXPECT_FALSE(test_->CallSoonThreadsafe([&] { ++ran; }).ok());
    EXPECT_FALSE(test_->CallSoonThreadsafe([&] { ++ran; }).ok());
    EXPECT_TRUE(test_->CallSoonThreadsafe([&] { ++ran; }).ok());
    EXPECT_TRUE(test_->CallSoonThreadsafe([&] { ++ran; }).ok());
  });
  EXPECT_EQ(ran, 4);
  EXPECT_EQ(faults_.Count(kWakeupWrite), 3);
}

// A thread posts for ever while the loop runs and closes. Every callback is
// destroyed once, refused ones by the thread that posted them.
TEST_F(EventLoopThreadsTest, bug_E3_PostsToAClosingLoopAreQueuedOrRefused) {
  class Counted {
   public:
    explicit Counted(std::atomic<int>& alive) : alive_(alive) {
      alive_.fetch_add(1);
    }
    Counted(Counted&& other) noexcept : Counted(other.alive_) {}
    ~Counted() { alive_.fetch_sub(1); }

   private:
    std::atomic<int>& alive_;
  };
  for (int round = 0; round < 50 * kScale; ++round) {
    std::atomic<int> alive{0};
    const std::unique_ptr<EventLoop> loop = *NewDefaultEventLoop();
    std::thread poster([&] {
      absl::Status status;
      do {
        status = loop->CallSoonThreadsafe([counted = Counted(alive)] {});
      } while (status.ok());
      EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    });
    Post(*loop, [&] { loop->Stop(); });
    EXPECT_TRUE(loop->RunForever().ok());
    if (round % 2 == 1) std::this_thread::yield();
    EXPECT_TRUE(loop->Close().ok());
    poster.join();
    EXPECT_EQ(alive.load(), 0);
  }
}

// Many threads post until they are refused. Each post that was accepted ran,
// those of a thread in their order, or was destroyed by Close().
// SOON-06, SOON-08
TEST_F(EventLoopThreadsTest, bug_E3_EachPostIsRunDroppedOrRefused) {
  constexpr int kThreads = 6;
  // Counts the callbacks that were destroyed by the loop's thread.
  class Counted {
   public:
    Counted(std::thread::id loop_thread, int& destroyed)
        : loop_thread_(loop_thread), destroyed_(&destroyed) {}
    Counted(Counted&& other) noexcept
        : loop_thread_(other.loop_thread_),
          destroyed_(std::exchange(other.destroyed_, nullptr)) {}
    ~Counted() {
      if (destroyed_ == nullptr) return;
      if (std::this_thread::get_id() == loop_thread_) ++*destroyed_;
    }

   private:
    const std::thread::id loop_thread_;
    int* destroyed_;
  };
  struct Poster {
    std::thread thread;
    int accepted = 0;  // The poster's; the others are the loop's thread's.
    int ran = 0;
    int destroyed = 0;
  };
  for (int round = 0; round < 25 * kScale; ++round) {
    const std::unique_ptr<EventLoop> loop = *NewDefaultEventLoop();
    std::vector<Poster> posters(kThreads);
    const int enough = 20 * round;
    int ran = 0;
    for (Poster& poster : posters) {
      poster.thread = std::thread([&loop = *loop, &poster, &ran, &enough,
                                   loop_thread = std::this_thread::get_id()] {
        absl::Status status;
        while (true) {
          status = loop.CallSoonThreadsafe(
              [&, number = poster.accepted,
               counted = Counted(loop_thread, poster.destroyed)] {
                EXPECT_EQ(poster.ran, number);
                ++poster.ran;
                if (++ran == enough) loop.Stop();
              });
          if (!status.ok()) break;
          ++poster.accepted;
        }
        EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
        // Who is refused sees what the loop did before it was closed.
        EXPECT_LE(poster.ran, poster.accepted);
      });
    }
    if (round > 0) {
      EXPECT_TRUE(loop->RunForever().ok());
    }
    EXPECT_TRUE(loop->Close().ok());
    for (Poster& poster : posters) {
      poster.thread.join();
      EXPECT_EQ(poster.destroyed, poster.accepted);
    }
    EXPECT_GE(ran, enough);
  }
}

// What a thread keeps of one loop's memory is of use for any other.
TEST_F(EventLoopThreadsTest, OneThreadPostsToManyLoopsThatComeAndGo) {
  int ran = 0;
  for (int round = 0; round < 10; ++round) {
    const std::unique_ptr<EventLoop> other = *NewDefaultEventLoop();
    for (EventLoop* const loop : {loop_.get(), other.get(), loop_.get()}) {
      for (int i = 0; i < 100; ++i) Post(*loop, [&] { ++ran; });
      Post(*loop, [loop] { loop->Stop(); });
      EXPECT_TRUE(loop->RunForever().ok());
    }
    for (int i = 0; i < 10; ++i) Post(*other, [] {});
  }
  EXPECT_EQ(ran, 3000);
}

// Also after what the thread keeps has been destroyed.
TEST_F(EventLoopThreadsTest, AThreadMayPostWhileItEnds) {
  class PostsAtTheEnd {
   public:
    ~PostsAtTheEnd() {
      if (loop == nullptr) return;
      for (int i = 0; i < 10; ++i) Post(*loop, [] {});
      Post(*loop, [this_loop = loop] { this_loop->Stop(); });
    }
    EventLoop* loop = nullptr;
  };
  for (const bool is_destroyed_first : {false, true}) {
    // For there to be something to keep.
    for (int i = 0; i < 20; ++i) Post(*loop_, [] {});
    Post(*loop_, [&] { loop_->Stop(); });
    EXPECT_TRUE(loop_->RunForever().ok());
    Post(*loop_, [&] { loop_->Stop(); });
    EXPECT_TRUE(loop_->RunForever().ok());
    std::thread thread([&] {
      static thread_local PostsAtTheEnd at_the_end;
      if (!is_destroyed_first) at_the_end.loop = loop_.get();
      Post(*loop_, [] {});
      at_the_end.loop = loop_.get();
    });
    EXPECT_TRUE(loop_->RunForever().ok());
    thread.join();
  }
}

// At the moment of the fork the other thread may be anywhere in its post, which
// nobody in the child brings to an end.
TEST_F(EventLoopThreadsTest, bug_K3_AChildForkedDuringAPostCanDestroyTheLoop) {
  for (int round = 0; round < 5 * kScale; ++round) {
    std::unique_ptr<EventLoop> loop = *NewDefaultEventLoop();
    std::atomic<bool> posting{false};
    std::thread poster([&loop = *loop, &posting] {
      while (loop.CallSoonThreadsafe([] {}).ok()) posting.store(true);
    });
    while (!posting.load()) std::this_thread::yield();
    const pid_t child = fork();
    if (child == 0) {
      loop.reset();
      _exit(0);
    }
    EXPECT_TRUE(loop->Close().ok());
    poster.join();
    int status = -1;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
}

// SOON-05
TEST_F(SleepingLoopTest, bug_E4_ManyPostsMakeOneWrite) {
  int ran = 0;
  RunAndWhileAsleep([&] {
    for (int i = 0; i < 1000; ++i) Post(test_.loop(), [&] { ++ran; });
  });
  EXPECT_EQ(ran, 1000);
  EXPECT_EQ(faults_.Count(kWakeupWrite), 1);
}

TEST_F(SleepingLoopTest, bug_E4_PostsToALoopThatIsAwakeMakeNoWrite) {
  int ran = 0;
  test_->CallSoon([&] {
    for (int i = 0; i < 1000; ++i) Post(test_.loop(), [&] { ++ran; });
  });
  EXPECT_TRUE(test_.RunUntilIdle().ok());
  EXPECT_EQ(ran, 1000);
  EXPECT_EQ(faults_.Count(kWakeupWrite), 0);
}

// TURN-21
TEST_F(SleepingLoopTest, bug_E5_OneReadMakesTheWakeupDescriptorUnreadable) {
  RunAndWhileAsleep([&] { Post(test_.loop(), [] {}); });
  EXPECT_EQ(faults_.Count(kWakeupRead), 1);
  EXPECT_EQ(sleeps_, 2);  // The second sleep was one, not a spurious return.
}

// Posts when it is destroyed, also when it has been moved from.
class PostsWhenDestroyed {
 public:
  PostsWhenDestroyed(AbstractEventLoop& loop, std::atomic<int>& posts)
      : loop_(loop), posts_(posts) {}
  PostsWhenDestroyed(const PostsWhenDestroyed&) noexcept = default;
  ~PostsWhenDestroyed() {
    std::atomic<int>& posts = posts_;
    (void)loop_.CallSoonThreadsafe([&posts] { posts.fetch_add(1); });
  }

 private:
  AbstractEventLoop& loop_;
  std::atomic<int>& posts_;
};

TEST_F(EventLoopThreadsTest, bug_E6_WhatPostsWhenItIsMovedDoesNotDeadlock) {
  std::atomic<int> posts{0};
  std::thread poster([&] {
    for (int i = 0; i < 100; ++i) {
      Post(*loop_, [guard = PostsWhenDestroyed(*loop_, posts)] {});
    }
    Post(*loop_, [&] { loop_->Stop(); });
  });
  EXPECT_TRUE(loop_->RunForever().ok());
  poster.join();
  EXPECT_GE(posts.load(), 100);
}

TEST_F(EventLoopThreadsTest, bug_E6_WhatPostsWhenItIsRefusedDoesNotDeadlock) {
  std::atomic<int> posts{0};
  // One is in the queue when the loop closes, one comes too late.
  Post(*loop_, [guard = PostsWhenDestroyed(*loop_, posts)] {});
  EXPECT_TRUE(loop_->Close().ok());
  const int before = posts.load();
  EXPECT_FALSE(
      loop_->CallSoonThreadsafe([guard = PostsWhenDestroyed(*loop_, posts)] {})
          .ok());
  EXPECT_EQ(posts.load(), before);
}

// For the thread sanitizer: what is written before the post is seen by the
// callback, and the other way round.
TEST_F(EventLoopThreadsTest, bug_E7_APostPublishesWhatWasWrittenBefore) {
  int message = 0;
  int answer = 0;
  std::thread poster([&] {
    for (int i = 1; i <= 1000; ++i) {
      message = i;
      std::atomic<bool> answered{false};
      Post(*loop_, [&, i] {
        EXPECT_EQ(message, i);
        answer = 2 * i;
        answered.store(true, std::memory_order_release);
      });
      while (!answered.load(std::memory_order_acquire)) {
        std::this_thread::yield();
      }
      EXPECT_EQ(answer, 2 * i);
    }
    Post(*loop_, [&] { loop_->Stop(); });
  });
  EXPECT_TRUE(loop_->RunForever().ok());
  poster.join();
}

}  // namespace
}  // namespace evkit
