// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/event_loop.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <utility>

#include "absl/strings/str_cat.h"
#include "evkit/base/check.h"
#include "evkit/base/errno_status.h"
#include "evkit/base/fork_generation.h"
#include "evkit/base/syscalls.h"
#include "evkit/base/wakeup_fd.h"
#include "evkit/loop/internal/exceptions.h"
#include "evkit/policy/running_loop.h"

namespace evkit {
namespace {

using loop_internal::ReportExceptions;
using loop_internal::TimerNode;

// No descriptor is this number.
constexpr uint64_t kWakeupToken = ~uint64_t{0};

// A wrong clock or a lost wake-up heals within a day (TURN-06).
constexpr absl::Duration kLongestSleep = absl::Hours(24);

bool DebugByEnvironment() {
  const char* const value = std::getenv("EVKIT_DEBUG");
  return value != nullptr && *value != '\0';
}

absl::StatusOr<uint64_t> SecretSeed() {
  uint64_t seed;
  ssize_t got;
  do {
    got = sys::getrandom(&seed, sizeof(seed), 0);
  } while (got < 0 && errno == EINTR);
  if (got < 0) return StatusFromErrno(errno, "getrandom");
  return seed;
}

// Gives a reference back at the end of a scope, exceptions included.
class ScopedUnref {
 public:
  explicit ScopedUnref(HandleNode& node) : node_(node) {}
  ScopedUnref(const ScopedUnref&) = delete;
  ScopedUnref& operator=(const ScopedUnref&) = delete;
  ~ScopedUnref() { node_.Unref(); }

 private:
  HandleNode& node_;
};

}  // namespace

EventLoopOptions::EventLoopOptions() : debug(DebugByEnvironment()) {}
EventLoopOptions::EventLoopOptions(EventLoopOptions&&) = default;
EventLoopOptions& EventLoopOptions::operator=(EventLoopOptions&&) = default;
EventLoopOptions::~EventLoopOptions() = default;

absl::StatusOr<std::unique_ptr<EventLoop>> EventLoop::Create(
    EventLoopOptions options) {
  EVKIT_CHECK(options.selector != nullptr, "an event loop needs a selector");
  EVKIT_CHECK(options.clock != nullptr, "an event loop needs a clock");
  EVKIT_CHECK(options.event_interval >= 1,
              "the event interval of an event loop must be at least 1");
  absl::StatusOr<WakeupFd> wakeup = WakeupFd::Create();
  if (!wakeup.ok()) return wakeup.status();
  if (!options.seed.has_value()) {
    const absl::StatusOr<uint64_t> seed = SecretSeed();
    if (!seed.ok()) return seed.status();
    options.seed = *seed;
  }
  if (const absl::Status status = options.selector->Register(
          wakeup->fd(), Interest::kRead, kWakeupToken);
      !status.ok()) {
    return status;
  }
  const uint64_t seed = *options.seed;
  return std::unique_ptr<EventLoop>(
      new EventLoop(std::move(options), *std::move(wakeup), seed));
}

EventLoop::EventLoop(EventLoopOptions options, WakeupFd wakeup, uint64_t seed)
    : clock_(*options.clock),
      fork_generation_(ForkGeneration()),
      selector_(std::move(options.selector)),
      child_watcher_(std::move(options.child_watcher)),
      wheel_(clock_.Now()),
      fd_callbacks_(*selector_),
      soon_nodes_(loop_internal::HandlePool<loop_internal::SoonNode>::New()),
      timer_nodes_(loop_internal::HandlePool<TimerNode>::New()),
      threadsafe_(std::move(wakeup), *soon_nodes_),
      debug_(options.debug),
      event_interval_(options.event_interval),
      report_slow_callbacks_(options.report_slow_callbacks),
      slow_callback_duration_(options.slow_callback_duration),
      log_(std::move(options.log)),
      random_(seed) {}

EventLoop::~EventLoop() {
  EVKIT_CHECK(Close().ok(), "an event loop was destroyed while it was running");
}

MonotonicTime EventLoop::Time() const { return clock_.Now(); }

uint64_t EventLoop::Random() { return random_(); }

Handle EventLoop::DoCallSoon(Callback&& callback, const Context* context,
                             SourceLocation where) {
  // What is seldom needed is apart, and called last, so that it costs the usual
  // case no more than the look.
  if (!IsPlain() || context != nullptr || !soon_nodes_->has_free() ||
      callback.runs_code_when_moved()) {
    return CallSoonNotPlain(std::move(callback), context, where);
  }
  loop_internal::SoonNode* const node = soon_nodes_->GetFree();
  node->Schedule(std::move(callback), where);
  node->Ref();
  ready_.Push(node);
  return Handle(node);
}

Handle EventLoop::CallSoonNotPlain(Callback&& callback, const Context* context,
                                   SourceLocation where) {
  CheckThread("CallSoon");
  if (closed_) {
    RefuseClosed("CallSoon");
    return Handle();
  }
  QueueThreadsafeCallbacks();
  loop_internal::SoonNode* const node = soon_nodes_->Get();
  node->Schedule(std::move(callback), where);
  if (context != nullptr) node->context().Use(*context);
  node->Ref();
  ready_.Push(node);
  return Handle(node);
}

bool EventLoop::CallSoonNode(HandleNode& node) {
  if (!IsPlain()) return CallSoonNodeNotPlain(node);
  ready_.Push(&node);
  return true;
}

bool EventLoop::CallSoonNodeNotPlain(HandleNode& node) {
  CheckThread("CallSoonNode");
  if (closed_) {
    node.Unref();
    return false;
  }
  QueueThreadsafeCallbacks();
  ready_.Push(&node);
  return true;
}

absl::Status EventLoop::DoCallSoonThreadsafe(Callback&& callback,
                                             const Context* context,
                                             SourceLocation where) {
  absl::Status status = CheckNotInherited("CallSoonThreadsafe");
  if (!status.ok()) return status;
  return threadsafe_.Push(std::move(callback), context, where);
}

absl::Status EventLoop::DoAddReader(int fd, Callback&& callback,
                                    SourceLocation where) {
  return AddFdCallback(fd, Interest::kRead, std::move(callback), where);
}

absl::Status EventLoop::DoAddWriter(int fd, Callback&& callback,
                                    SourceLocation where) {
  return AddFdCallback(fd, Interest::kWrite, std::move(callback), where);
}

absl::Status EventLoop::AddFdCallback(int fd, Interest direction,
                                      Callback&& callback,
                                      SourceLocation where) {
  const char* const what =
      direction == Interest::kRead ? "AddReader" : "AddWriter";
  CheckThread(what);
  absl::Status status = CheckUsable(what);
  if (!status.ok()) return status;
  loop_internal::SoonNode* const node = soon_nodes_->Get();
  node->Schedule(std::move(callback), where);
  const ScopedUnref unref(*node);
  node->set_persistent();
  return fd_callbacks_.Add(fd, direction, *node);
}

bool EventLoop::RemoveReader(int fd) {
  return RemoveFdCallback(fd, Interest::kRead, "RemoveReader");
}

bool EventLoop::RemoveWriter(int fd) {
  return RemoveFdCallback(fd, Interest::kWrite, "RemoveWriter");
}

bool EventLoop::RemoveFdCallback(int fd, Interest direction, const char* what) {
  CheckThread(what);
  return CheckUsable(what).ok() && fd_callbacks_.Remove(fd, direction);
}

absl::Status EventLoop::WatchFd(int fd, uint32_t file, bool for_writing,
                                loop_internal::FdWaiter& waiter) {
  const char* const what = for_writing ? "AddWriter" : "AddReader";
  CheckThread(what);
  absl::Status status = CheckUsable(what);
  if (!status.ok()) return status;
  return fd_callbacks_.Watch(
      fd, file, for_writing ? Interest::kWrite : Interest::kRead, waiter);
}

absl::Status EventLoop::AddReaderNode(int fd, HandleNode& node) {
  CheckThread("AddReader");
  absl::Status status = CheckUsable("AddReader");
  if (!status.ok()) return status;
  return fd_callbacks_.Add(fd, Interest::kRead, node);
}

bool EventLoop::ForgetFd(int fd) {
  CheckThread("ForgetFd");
  return CheckUsable("ForgetFd").ok() && fd_callbacks_.Forget(fd);
}

[[gnu::always_inline]] inline absl::Duration EventLoop::PollTimeout() {
  if (stopping_ || !ready_.empty()) return absl::ZeroDuration();
  if (wheel_.empty()) return absl::InfiniteDuration();
  const std::optional<MonotonicTime> wakeup = wheel_.NextWakeup();
  if (!wakeup.has_value()) return absl::InfiniteDuration();
  const MonotonicTime now = clock_.Now();
  if (*wakeup <= now) return absl::ZeroDuration();
  return std::min(*wakeup - now, kLongestSleep);
}

[[gnu::always_inline]] inline absl::Status EventLoop::Poll(
    absl::Duration timeout) {
  // A child that was forked in a callback and returned from it stops here: what
  // the kernel keeps for the selector is still shared with the parent.
  if (ForkedSince(fork_generation_)) return InheritedError("RunForever");
  if (timeout > absl::ZeroDuration() && !threadsafe_.PrepareToSleep()) {
    timeout = absl::ZeroDuration();
  }
  absl::Status status = selector_->Select(timeout, events_);
  threadsafe_.Awake();
  // Posted while waiting: before the events that the wait brought.
  QueueThreadsafeCallbacks();
  if (!status.ok()) return status;
  for (const ReadyEvent& event : events_) {
    if (event.token != kWakeupToken) {
      fd_callbacks_.QueueReady(event, ready_);
    } else if (const int error = threadsafe_.ClearWakeup(); error != 0) {
      return StatusFromErrno(error, "read(eventfd)");
    }
  }
  return absl::OkStatus();
}

[[gnu::always_inline]] inline void EventLoop::QueueDueTimers() {
  if (wheel_.empty()) return;
  const std::optional<MonotonicTime> wakeup = wheel_.NextWakeup();
  if (!wakeup.has_value()) return;
  const MonotonicTime now = clock_.Now();
  if (now < *wakeup) return;
  wheel_.Advance(now, [this](TimerWheel::Timer& timer) {
    loop_internal::QueueDue(timer, ready_);
  });
}

[[gnu::always_inline]] inline void EventLoop::RunNode(HandleNode& node) {
  ReportExceptions([&node] { node.Run(); },
                   [this, &node](std::exception_ptr thrown) {
                     ReportException(node, std::move(thrown));
                   });
}

[[gnu::always_inline]] inline void EventLoop::RunBatch() {
  if (ready_.empty()) return;
  const loop_internal::ReadyQueue::Mark end = ready_.end();
  bool is_last;
  do {
    HandleNode& node = *ready_.Pop();
    is_last = loop_internal::ReadyQueue::IsLastBefore(end, node);
    const ScopedUnref unref(node);
    if (node.cancelled()) continue;
    if (timing_callbacks_) {
      RunTimed(node);
    } else {
      RunNode(node);
    }
  } while (!is_last);
}

void EventLoop::RunTimed(HandleNode& node) {
  const MonotonicTime start = clock_.Now();
  RunNode(node);
  const absl::Duration taken = clock_.Now() - start;
  if (taken >= slow_callback_duration_) ReportSlow(node, taken);
}

[[gnu::always_inline]] inline absl::Status EventLoop::RunOnce() {
  timing_callbacks_ = debug_ || report_slow_callbacks_;
  QueueThreadsafeCallbacks();
  const absl::Duration timeout = PollTimeout();
  // A poll that does not wait, of no descriptor but the loop's own, has nothing
  // to say: what other threads post is seen in memory.
  if (timeout > absl::ZeroDuration() ||
      (!fd_callbacks_.empty() && --turns_until_poll_ <= 0)) {
    turns_until_poll_ = event_interval_;
    if (absl::Status status = Poll(timeout); !status.ok()) return status;
  }
  QueueDueTimers();
  RunBatch();
  return absl::OkStatus();
}

absl::Status EventLoop::RunForever() {
  if (absl::Status status = CheckUsable("RunForever"); !status.ok()) {
    return status;
  }
  if (running_) {
    return absl::FailedPreconditionError(
        "RunForever: this event loop is already running");
  }
  if (GetRunningLoopOrNull() != nullptr) {
    return absl::FailedPreconditionError(
        "RunForever: another event loop is running in this thread");
  }

  class Running {
   public:
    explicit Running(EventLoop& loop) : loop_(loop), slot_(loop) {
      loop_.running_ = true;
      loop_.running_thread_ = std::this_thread::get_id();
    }
    ~Running() {
      loop_.running_ = false;
      loop_.stopping_ = false;
      loop_.running_thread_ = std::thread::id();
    }

   private:
    EventLoop& loop_;
    ScopedRunningLoop slot_;
  };
  const Running running(*this);
  turns_until_poll_ = 1;
  do {
    if (absl::Status status = RunOnce(); !status.ok()) return status;
  } while (!stopping_);
  return absl::OkStatus();
}

absl::Status EventLoop::Close() {
  if (running_) {
    return absl::FailedPreconditionError(
        "Close: cannot close a running event loop");
  }
  if (closed_) return absl::OkStatus();
  closed_ = true;
  if (debug_) Log(absl::StrCat("Close ", DebugString()));

  // Destroying callbacks runs user code, which finds a closed loop.
  if (CheckNotInherited("Close").ok()) {
    threadsafe_.Close(ready_);
  } else {
    threadsafe_.CloseAfterFork(ready_);
  }
  while (!ready_.empty()) {
    HandleNode* const node = ready_.Pop();
    node->Discard();
    node->Unref();
  }
  wheel_.Clear([](TimerWheel::Timer& timer) {
    TimerNode* const node = TimerNode::OfOrNull(timer);
    if (node == nullptr) return;
    node->Discard();
    node->Unref();
  });
  fd_callbacks_.Clear();
  DestroyLocals();
  child_watcher_.reset();
  selector_->Close();
  soon_nodes_.reset();
  timer_nodes_.reset();
  return absl::OkStatus();
}

std::string EventLoop::DebugString() const {
  const auto word = [](bool value) { return value ? "true" : "false"; };
  return absl::StrCat("<EventLoop running=", word(running_),
                      " closed=", word(closed_), " debug=", word(debug_), ">");
}

}  // namespace evkit
