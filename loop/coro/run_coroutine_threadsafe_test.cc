// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/coro/run_coroutine_threadsafe.h"

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "evkit/loop/coro/or_return.h"
#include "evkit/loop/coro/sleep.h"
#include "evkit/loop/coro/task.h"
#include "evkit/loop/default_event_loop.h"
#include "evkit/loop/testing/test_loop.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

// Something that has happened, on whatever thread.
class Notification {
 public:
  Notification() = default;
  void Notify() {
    const std::lock_guard<std::mutex> lock(mutex_);
    notified_ = true;
    changed_.notify_all();
  }
  void WaitForNotification() {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [this] { return notified_; });
  }
  bool HasBeenNotified() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return notified_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool notified_ = false;
};

// A loop that runs on a thread of its own until it is stopped.
class LoopThread {
 public:
  LoopThread() : loop_(*NewDefaultEventLoop()) {
    thread_ = std::thread([this] { EXPECT_TRUE(loop_->RunForever().ok()); });
  }
  LoopThread(const LoopThread&) = delete;
  LoopThread& operator=(const LoopThread&) = delete;
  ~LoopThread() { StopAndClose(); }

  void StopAndClose() {
    if (!thread_.joinable()) return;
    EXPECT_TRUE(loop_->CallSoonThreadsafe([this] { loop_->Stop(); }).ok());
    thread_.join();
    EXPECT_TRUE(loop_->Close().ok());
  }
  EventLoop& loop() { return *loop_; }

 private:
  const std::unique_ptr<EventLoop> loop_;
  std::thread thread_;
};

Coro<int> Give(int value) {
  co_await OrReturn(Sleep(absl::Milliseconds(1)));
  co_return value;
}
Coro<void> Fail(absl::Status error) { co_return error; }
Coro<std::unique_ptr<int>> Own(int value) {
  co_return std::make_unique<int>(value);
}

// Tells when it begins, then sleeps until it is cancelled, and tells that.
Coro<int> Forever(Notification* begun, Notification* cancelled) {
  begun->Notify();
  const absl::Status slept = co_await Sleep(absl::InfiniteDuration());
  if (absl::IsCancelled(slept)) cancelled->Notify();
  co_return slept;
}

// EXE-10
TEST(RunCoroutineThreadsafeTest, TheResultComesToTheThreadThatAsked) {
  LoopThread thread;
  EXPECT_EQ(*RunCoroutineThreadsafe(thread.loop(), Give(7)).Get(), 7);
  EXPECT_EQ(
      RunCoroutineThreadsafe(thread.loop(), Fail(absl::DataLossError("torn")))
          .Get(),
      absl::DataLossError("torn"));
  const ThreadFuture<int> twice =
      RunCoroutineThreadsafe(thread.loop(), Give(8));
  EXPECT_EQ(*twice.Get(), 8);
  EXPECT_EQ(*twice.Get(), 8);
  EXPECT_TRUE(twice.done());
  EXPECT_FALSE(twice.cancelled());
  EXPECT_FALSE(twice.Cancel());
}

TEST(RunCoroutineThreadsafeTest, AValueThatCannotBeCopiedIsTakenOnce) {
  LoopThread thread;
  const ThreadFuture<std::unique_ptr<int>> owned =
      RunCoroutineThreadsafe(thread.loop(), Own(5));
  EXPECT_EQ(**owned.Get(), 5);
  EXPECT_EQ(owned.Get().status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST(RunCoroutineThreadsafeTest, bug_J20_AFunctionIsCalledThereAndKept) {
  LoopThread thread;
  std::thread::id ran_on;
  const std::string text = "a text that does not fit into a string itself";
  const auto make = [&] {
    return [&ran_on, text]() -> Coro<std::string> {
      ran_on = std::this_thread::get_id();
      co_await OrReturn(Sleep(absl::Milliseconds(1)));
      co_return text;
    };
  };
  EXPECT_EQ(*RunCoroutineThreadsafe(thread.loop(), make()).Get(), text);
  EXPECT_NE(ran_on, std::this_thread::get_id());
}

// EXE-10
TEST(RunCoroutineThreadsafeTest, CancellingTheFutureCancelsTheTask) {
  LoopThread thread;
  Notification begun;
  Notification cancelled;
  const ThreadFuture<int> future =
      RunCoroutineThreadsafe(thread.loop(), Forever(&begun, &cancelled));
  begun.WaitForNotification();
  EXPECT_FALSE(future.done());
  EXPECT_TRUE(future.Cancel("no longer wanted"));
  EXPECT_TRUE(future.cancelled());
  EXPECT_EQ(future.Get().status(), absl::CancelledError("no longer wanted"));
  cancelled.WaitForNotification();
  EXPECT_FALSE(future.Cancel());
}

TEST(RunCoroutineThreadsafeTest, OneThatIsCancelledBeforeItBeganNeverBegins) {
  TestLoop test;
  Notification begun;
  Notification cancelled;
  const ThreadFuture<int> future =
      RunCoroutineThreadsafe(test.loop(), Forever(&begun, &cancelled));
  EXPECT_TRUE(future.Cancel());
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_FALSE(begun.HasBeenNotified());
  EXPECT_TRUE(AllTasks(test.loop()).empty());
}

TEST(RunCoroutineThreadsafeTest, ATaskThatIsCancelledThereCancelsTheFuture) {
  LoopThread thread;
  Notification begun;
  Notification cancelled;
  const ThreadFuture<int> future =
      RunCoroutineThreadsafe(thread.loop(), Forever(&begun, &cancelled));
  begun.WaitForNotification();
  ASSERT_TRUE(thread.loop()
                  .CallSoonThreadsafe([&] {
                    for (const AnyTask& task : AllTasks(thread.loop())) {
                      task.Cancel("there");
                    }
                  })
                  .ok());
  EXPECT_EQ(future.Get().status(), absl::CancelledError("there"));
  EXPECT_TRUE(future.cancelled());
}

TEST(RunCoroutineThreadsafeTest, IfTheLoopIsClosedFirstTheResultIsCancelled) {
  for (const bool begins : {false, true}) {
    std::optional<ThreadFuture<int>> future;
    Notification begun;
    Notification cancelled;
    std::thread waiter;
    {
      TestLoop test;
      future = RunCoroutineThreadsafe(test.loop(), Forever(&begun, &cancelled));
      if (begins) {
        ASSERT_TRUE(test.RunUntilIdle().ok());
      }
      waiter = std::thread([&] {
        EXPECT_EQ(future->Get().status().code(), absl::StatusCode::kCancelled);
      });
    }
    waiter.join();
    EXPECT_TRUE(future->cancelled());
    EXPECT_FALSE(future->Cancel());
    EXPECT_EQ(begun.HasBeenNotified(), begins);
  }
}

TEST(RunCoroutineThreadsafeTest, OnAClosedLoopItHasFailed) {
  TestLoop test;
  ASSERT_TRUE(test->Close().ok());
  const ThreadFuture<int> future = RunCoroutineThreadsafe(test.loop(), Give(1));
  EXPECT_TRUE(future.done());
  EXPECT_FALSE(future.cancelled());
  EXPECT_EQ(future.Get().status().code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST(RunCoroutineThreadsafeTest, GetOnTheLoopsOwnThreadIsRefused) {
  TestLoop test;
  absl::Status status;
  std::optional<ThreadFuture<int>> future;
  test->CallSoon([&] {
    future = RunCoroutineThreadsafe(test.loop(), Give(1));
    status = future->Get().status();
  });
  ASSERT_TRUE(test.RunUntilNothingIsLeft().ok());
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(*future->Get(), 1);
}

TEST(RunCoroutineThreadsafeTest,
     bug_J21_CompletedReadCancelledAndClosedAtOnce) {
  for (int round = 0; round < 100; ++round) {
    LoopThread thread;
    std::vector<ThreadFuture<std::string>> futures;
    const auto text = []() -> Coro<std::string> {
      co_await OrReturn(Sleep(absl::ZeroDuration()));
      co_return "a text that does not fit into a string itself";
    };
    for (int i = 0; i < 8; ++i) {
      futures.push_back(RunCoroutineThreadsafe(thread.loop(), text));
    }
    std::thread reader([&] {
      for (const auto& future : futures) {
        const absl::StatusOr<std::string> result = future.Get();
        EXPECT_TRUE(result.ok() || absl::IsCancelled(result.status()));
      }
    });
    std::thread canceller([&] {
      for (size_t i = 0; i < futures.size(); i += 2) futures[i].Cancel();
    });
    thread.StopAndClose();
    reader.join();
    canceller.join();
  }
}

#if defined(__cpp_exceptions)

Coro<int> Throw() {
  throw std::runtime_error("thrown");
  co_return 1;
}

// EXE-10
TEST(RunCoroutineThreadsafeTest, AnExceptionIsRethrownToTheThreadThatAsked) {
  LoopThread thread;
  const ThreadFuture<int> future =
      RunCoroutineThreadsafe(thread.loop(), Throw());
  EXPECT_THROW((void)future.Get(), std::runtime_error);
}

#endif  // defined(__cpp_exceptions)

}  // namespace
}  // namespace evkit
