// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// The event loop: a selector, a timer wheel, a child watcher and the thread's
// running-loop slot, composed. asyncio's SelectorEventLoop.
//
//   EventLoopOptions options;
//   options.selector = *NewDefaultSelector();
//   absl::StatusOr<std::unique_ptr<EventLoop>> loop =
//       EventLoop::Create(std::move(options));
//
// `NewDefaultEventLoop()` (loop/default_event_loop.h) does this with what the
// machine has; loop/testing/test_loop.h with a clock and a selector that a test
// controls. What a loop does is said in loop/abstract_event_loop.h.

#ifndef EVKIT_LOOP_EVENT_LOOP_H_
#define EVKIT_LOOP_EVENT_LOOP_H_

#include <sys/types.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "evkit/base/fork_generation.h"
#include "evkit/loop/abstract_event_loop.h"
#include "evkit/loop/child_watching.h"
#include "evkit/loop/internal/fd_callbacks.h"
#include "evkit/loop/internal/handle_pool.h"
#include "evkit/loop/internal/loop_nodes.h"
#include "evkit/loop/internal/ready_queue.h"
#include "evkit/loop/internal/threadsafe_queue.h"
#include "evkit/selectors/selector.h"
#include "evkit/subprocess/child_watcher.h"
#include "evkit/timers/clock.h"
#include "evkit/timers/timer_wheel.h"

namespace evkit {

// What a loop is made of. Fill in a named object.
class EventLoopOptions {
 public:
  EventLoopOptions();
  EventLoopOptions(EventLoopOptions&&);
  EventLoopOptions& operator=(EventLoopOptions&&);
  ~EventLoopOptions();

  // Waits for descriptors, and does all the loop's sleeping. Required. The loop
  // owns it and closes it (LOOP-20).
  std::unique_ptr<Selector> selector;
  // For `WatchChild()`; null: children cannot be watched.
  std::unique_ptr<ChildWatcher> child_watcher;
  // Where the time comes from. Must outlive the loop.
  Clock* clock = &Clock::Real();
  // Starts `Random()` at a known place; without it, at a secret one.
  std::optional<uint64_t> seed;
  // Debug mode from the start. Set by default if the environment variable
  // EVKIT_DEBUG is set and not empty (DBG-01).
  bool debug;
  // Report slow callbacks without debug mode too. Costs two readings of the
  // clock for each callback.
  bool report_slow_callbacks = false;
  // How long a callback may take before it is reported as slow.
  absl::Duration slow_callback_duration = absl::Milliseconds(100);
  // While callbacks are ready, ready descriptors are looked for in each turn
  // (TURN-04), a system call that often costs more than the callbacks. A larger
  // number, n, has it done in every n-th turn only: faster where callbacks
  // follow each other, and a ready descriptor waits for up to n - 1 turns more.
  // Timers and what other threads post are looked for in each turn all the
  // same, and no turn that would sleep is left out. At least 1 (checked).
  // Tokio's event_interval, which is 61.
  int event_interval = 1;
  // Takes reports, one call for each, without a newline at the end. What it
  // throws is dropped. Null: stderr.
  absl::AnyInvocable<void(absl::string_view)> log;
};

class EventLoop final : public AbstractEventLoop, public ChildWatching {
 public:
  // Fails if the wake-up descriptor cannot be made or watched
  // (kResourceExhausted and other errnos of eventfd(2), epoll_ctl(2)). A null
  // selector or clock is a bug (checked).
  static absl::StatusOr<std::unique_ptr<EventLoop>> Create(
      EventLoopOptions options);

  // Closes the loop. Must not be running (checked).
  ~EventLoop() override;

  bool CallSoonNode(HandleNode& node) override;
  bool ArmTimer(loop_internal::KeptTimer& timer, MonotonicTime when) override;
  MonotonicTime Time() const override;
  uint64_t Random() override;
  bool RemoveReader(int fd) override;
  bool RemoveWriter(int fd) override;
  absl::Status WatchFd(int fd, uint32_t file, bool for_writing,
                       loop_internal::FdWaiter& waiter) override;
  absl::Status AddReaderNode(int fd, HandleNode& node) override;
  bool ForgetFd(int fd) override;
  absl::Status RunForever() override;
  void Stop() override { stopping_ = true; }
  bool IsRunning() const override { return running_; }
  absl::Status Close() override;
  bool IsClosed() const override { return closed_; }
  ExceptionHandler SetExceptionHandler(ExceptionHandler handler) override;
  void CallExceptionHandler(const ErrorContext& error) override;
  void DefaultExceptionHandler(const ErrorContext& error) override;
  void SetDebug(bool enabled) override { debug_ = enabled; }
  bool GetDebug() const override { return debug_; }
  std::string DebugString() const override;

  // Children; see loop/child_watching.h.
  ChildWatching* child_watching() override { return this; }
  absl::Status WatchChild(pid_t pid, ChildWatcher::Callback on_exit) override;
  absl::Status WatchSpawnedChild(pid_t pid, int pidfd,
                                 ChildWatcher::Callback on_exit) override;
  bool UnwatchChild(pid_t pid) override;

  absl::Duration slow_callback_duration() const {
    return slow_callback_duration_;
  }
  void set_slow_callback_duration(absl::Duration duration) {
    slow_callback_duration_ = duration;
  }

 private:
  EventLoop(EventLoopOptions options, WakeupFd wakeup, uint64_t seed);

  Handle DoCallSoon(Callback&& callback, const Context* context,
                    SourceLocation where) override;
  Handle CallSoonNotPlain(Callback&& callback, const Context* context,
                          SourceLocation where);
  bool CallSoonNodeNotPlain(HandleNode& node);
  absl::Status DoCallSoonThreadsafe(Callback&& callback, const Context* context,
                                    SourceLocation where) override;
  TimerHandle DoCallAt(MonotonicTime when, Callback&& callback,
                       const Context* context, SourceLocation where) override;
  absl::Status DoAddReader(int fd, Callback&& callback,
                           SourceLocation where) override;
  absl::Status DoAddWriter(int fd, Callback&& callback,
                           SourceLocation where) override;

  absl::Status AddFdCallback(int fd, Interest direction, Callback&& callback,
                             SourceLocation where);
  bool RemoveFdCallback(int fd, Interest direction, const char* what);

  inline absl::Status RunOnce();
  inline absl::Duration PollTimeout();
  inline absl::Status Poll(absl::Duration timeout);
  inline void QueueDueTimers();
  // What another thread posted before this call runs before what is queued
  // after it (SOON-08).
  void QueueThreadsafeCallbacks() {
    if (threadsafe_.MayHaveEntries()) threadsafe_.MoveTo(ready_);
  }
  // Whether what is queued now needs no other look than this one.
  bool IsPlain() const {
    return !closed_ && !debug_.load(std::memory_order_relaxed) &&
           !threadsafe_.MayHaveEntries();
  }
  inline void RunBatch();
  inline void RunNode(HandleNode& node);
  void RunTimed(HandleNode& node);
  void ReportException(HandleNode& node, std::exception_ptr thrown);
  void ReportSlow(const HandleNode& node, absl::Duration taken);

  absl::Status PrepareToWatchChildren();
  ChildWatcher::Callback InNextTurn(ChildWatcher::Callback on_exit);

  absl::Status CheckNotInherited(const char* what) const {
    return ForkedSince(fork_generation_) ? InheritedError(what)
                                         : absl::OkStatus();
  }
  static absl::Status InheritedError(const char* what);
  absl::Status CheckUsable(const char* what) const {
    return closed_ || ForkedSince(fork_generation_) ? UnusableError(what)
                                                    : absl::OkStatus();
  }
  absl::Status UnusableError(const char* what) const;
  void CheckThread(const char* what) const {
    if (debug_.load(std::memory_order_relaxed)) CheckThreadNow(what);
  }
  void CheckThreadNow(const char* what) const;
  void RefuseClosed(const char* what);
  void Log(absl::string_view text);

  Clock& clock_;
  // Looked at by each post: not beside what the loop writes in each turn.
  const uint32_t fork_generation_;
  const std::unique_ptr<Selector> selector_;
  std::unique_ptr<ChildWatcher> child_watcher_;
  bool watching_children_ = false;
  TimerWheel wheel_;
  loop_internal::FdCallbacks fd_callbacks_;
  loop_internal::ReadyQueue ready_;
  // Null once closed; handles may keep them alive.
  loop_internal::HandlePool<loop_internal::SoonNode>::Owner soon_nodes_;
  loop_internal::HandlePool<loop_internal::TimerNode>::Owner timer_nodes_;
  loop_internal::ThreadsafeQueue threadsafe_;

  bool closed_ = false;
  bool running_ = false;
  bool stopping_ = false;
  // Read by other threads to find out that they are in the wrong one.
  std::atomic<bool> debug_;
  std::atomic<std::thread::id> running_thread_{};

  const int event_interval_;
  int turns_until_poll_ = 1;
  bool timing_callbacks_ = false;  // Decided at the start of each turn.
  const bool report_slow_callbacks_;
  absl::Duration slow_callback_duration_;
  // Shared with a call of it that is under way, which may replace it.
  std::shared_ptr<ExceptionHandler> exception_handler_;
  absl::AnyInvocable<void(absl::string_view)> log_;
  std::mt19937_64 random_;

  std::vector<ReadyEvent> events_;  // Kept for its memory.
};

}  // namespace evkit

#endif  // EVKIT_LOOP_EVENT_LOOP_H_
