// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/executor/default_executor.h"

#include <list>
#include <utility>

#include "absl/strings/str_cat.h"
#include "evkit/base/check.h"
#include "evkit/loop/context.h"
#include "evkit/loop/error_context.h"
#include "evkit/loop/executor/loop_port.h"
#include "evkit/loop/handle.h"
#include "evkit/loop/loop_local.h"

namespace evkit {
namespace {

using ShutdownDone = absl::AnyInvocable<void(absl::Status) &&>;

absl::Status RefusedWhenClosed(const char* what) {
  return absl::FailedPreconditionError(
      absl::StrCat(what, ": event loop is closed"));
}

// What one loop knows of its default executor.
class Slot {
 public:
  explicit Slot(AbstractEventLoop& loop)
      : loop_(loop), port_(LoopPort::Of(loop)) {}
  Slot(const Slot&) = delete;
  Slot& operator=(const Slot&) = delete;
  ~Slot() {
    if (executor_ != nullptr) LeaveThreadsBehind();
  }

  absl::StatusOr<ThreadPoolExecutor*> Get() {
    if (shutdown_) {
      return absl::FailedPreconditionError("Executor shutdown has been called");
    }
    if (executor_ == nullptr) {
      executor_ = std::make_unique<ThreadPoolExecutor>();
    }
    return executor_.get();
  }

  std::unique_ptr<ThreadPoolExecutor> Set(
      std::unique_ptr<ThreadPoolExecutor> executor) {
    if (!shutdown_) std::swap(executor_, executor);
    return executor;
  }

  absl::Status Shutdown(absl::Duration timeout, ShutdownDone done) {
    shutdown_ = true;
    if (executor_ == nullptr) {
      CallSoon(std::move(done), Context::CopyCurrent());
      return absl::OkStatus();
    }
    absl::Status status = executor_->ShutdownAsync([this, port = port_] {
      // If there is no loop any more, there is no slot either.
      port->Post([this] { Ended(); }).IgnoreError();
    });
    if (!status.ok()) return status;
    const auto waiter = waiters_.emplace(waiters_.end(), std::move(done));
    if (timeout < absl::InfiniteDuration()) {
      waiter->timeout = loop_.CallLater(
          timeout, [this, waiter, timeout] { TimedOut(waiter, timeout); });
    }
    return status;
  }

 private:
  // Who is told of the end of the shutdown.
  class Waiter {
   public:
    explicit Waiter(ShutdownDone call) : done(std::move(call)) {}
    ShutdownDone done;
    Context context = Context::CopyCurrent();
    TimerHandle timeout;
  };

  void CallSoon(ShutdownDone done, const Context& context) {
    loop_.CallSoon([done = std::move(
                        done)]() mutable { std::move(done)(absl::OkStatus()); },
                   context);
  }

  // All jobs have ended. Called once for each call of Shutdown().
  void Ended() {
    executor_.reset();  // Waits for the threads to leave, for no job.
    for (Waiter& waiter : waiters_) {
      waiter.timeout.Cancel();
      CallSoon(std::move(waiter.done), waiter.context);
    }
    waiters_.clear();
  }

  void TimedOut(std::list<Waiter>::iterator waiter, absl::Duration timeout) {
    ShutdownDone done = std::move(waiter->done);
    waiters_.erase(waiter);
    ErrorContext error(
        absl::StrCat("The default executor did not finish within ",
                     absl::FormatDuration(timeout),
                     "; threads that are still in a job are left behind"));
    error.status = absl::DeadlineExceededError(
        "ShutdownDefaultExecutor: jobs are still running");
    loop_.CallExceptionHandler(error);
    std::move(done)(error.status);
  }

  void LeaveThreadsBehind() {
    ShutdownOptions options;
    options.wait = false;
    executor_->Shutdown(options).IgnoreError();  // Inherited through fork.
  }

  AbstractEventLoop& loop_;
  const std::shared_ptr<LoopPort> port_;  // Owned by the loop and its threads.
  bool shutdown_ = false;
  std::unique_ptr<ThreadPoolExecutor> executor_;
  std::list<Waiter> waiters_;
};

constexpr LoopLocal<Slot> slots;

}  // namespace

absl::StatusOr<ThreadPoolExecutor*> DefaultExecutor(AbstractEventLoop& loop) {
  if (loop.IsClosed()) return RefusedWhenClosed("DefaultExecutor");
  return slots.Get(loop).Get();
}

std::unique_ptr<ThreadPoolExecutor> SetDefaultExecutor(
    AbstractEventLoop& loop, std::unique_ptr<ThreadPoolExecutor> executor) {
  EVKIT_CHECK(executor != nullptr, "executor is null");
  return slots.Get(loop).Set(std::move(executor));
}

absl::Status ShutdownDefaultExecutor(AbstractEventLoop& loop,
                                     absl::Duration timeout,
                                     ShutdownDone done) {
  EVKIT_CHECK(done != nullptr, "done is null");
  if (loop.IsClosed()) return RefusedWhenClosed("ShutdownDefaultExecutor");
  return slots.Get(loop).Shutdown(timeout, std::move(done));
}

}  // namespace evkit
