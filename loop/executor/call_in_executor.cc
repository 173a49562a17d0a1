// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/executor/call_in_executor.h"

#include <atomic>
#include <list>

#include "absl/strings/str_cat.h"
#include "evkit/base/check.h"
#include "evkit/loop/context.h"
#include "evkit/loop/executor/default_executor.h"
#include "evkit/loop/executor/loop_port.h"
#include "evkit/loop/executor/thread_pool_executor.h"
#include "evkit/loop/internal/exceptions.h"
#include "evkit/loop/loop_local.h"

namespace evkit {
namespace executor_internal {

using Work = absl::AnyInvocable<void() &&>;
using Done = absl::AnyInvocable<void(const ExecutorOutcome&) &&>;
using CallList = std::list<std::shared_ptr<CallState>>;

// One call, from both sides. The loop's side is emptied on the loop's thread in
// every case, so that it does not matter on which the last owner goes.
class CallState : public std::enable_shared_from_this<CallState> {
 public:
  CallState(AbstractEventLoop& loop, Work work, Done done)
      : port_(LoopPort::Of(loop)),
        done_context_(Context::CopyCurrent()),
        work_context_(done_context_.Copy()),
        work_(std::move(work)),
        done_(std::move(done)) {}

  // --- The executor's side ----

  void Run() {
    if (!MoveTo(Phase::kStarted)) return;
    work_context_.Run([this] {
      exception_ =
          loop_internal::CatchAllExceptions([this] { std::move(work_)(); });
      work_ = nullptr;
    });
    PostEnd();
  }

  // It will not be run.
  void Drop() {
    if (!MoveTo(Phase::kDropped)) return;
    work_ = nullptr;
    PostEnd();
  }

  // --- The loop's side ----

  // Enters the list of the loop's calls, which owns it from now on.
  void Enter(CallList& calls) {
    calls_ = &calls;
    place_ = calls.insert(calls.end(), shared_from_this());
  }

  // By which the executor can be made to forget it.
  void set_job(JobHandle job) { job_ = std::move(job); }

  bool Cancel() {
    const std::shared_ptr<CallState> keep_alive = shared_from_this();
    const Done cancelled_done = Leave();
    if (!MoveTo(Phase::kCancelled)) return phase_ != Phase::kStarted;
    const Work cancelled_work = std::move(work_);
    job_.Cancel();
    return true;
  }

  // Leaves the loop's list. `done`, if this has not been called before.
  Done Leave() {
    if (calls_ == nullptr) return nullptr;
    const std::shared_ptr<CallState> keep_alive = shared_from_this();
    std::exchange(calls_, nullptr)->erase(place_);
    return std::move(done_);
  }

 private:
  // What has become of the work. Who moves it from kWaiting has the work.
  enum class Phase { kWaiting, kStarted, kDropped, kCancelled };

  bool MoveTo(Phase phase) {
    Phase expected = Phase::kWaiting;
    return phase_.compare_exchange_strong(expected, phase);
  }

  void PostEnd() {
    // If there is no loop any more, nobody wants to know.
    port_->Post([self = shared_from_this()] { self->End(); }, done_context_)
        .IgnoreError();
  }

  void End() {
    Done done = Leave();
    if (done == nullptr) return;
    ExecutorOutcome outcome{absl::OkStatus(), std::move(exception_)};
    if (phase_ == Phase::kDropped) {
      outcome.status =
          absl::CancelledError("the executor has dropped the work");
    } else if (outcome.exception != nullptr) {
      outcome.status = absl::UnknownError(
          absl::StrCat("the work threw: ",
                       loop_internal::DescribeException(outcome.exception)));
    }
    std::move(done)(outcome);
  }

  const std::shared_ptr<LoopPort> port_;  // Owned by the loop and its calls.
  const Context done_context_;
  Context work_context_;
  std::atomic<Phase> phase_{Phase::kWaiting};
  Work work_;
  std::exception_ptr exception_;  // Written before the end is posted.

  // The loop's thread's.
  Done done_;
  CallList* calls_ = nullptr;  // Null: over, cancelled, or the loop is closed.
  CallList::iterator place_;
  JobHandle job_;
};

namespace {

// The calls of one loop that have not ended.
class PendingCalls {
 public:
  ~PendingCalls() {
    // What is destroyed may cancel others.
    while (!calls_.empty()) (void)calls_.front()->Leave();
  }
  CallList& list() { return calls_; }

 private:
  CallList calls_;
};

// The job that an executor is given. Moves.
class Job {
 public:
  explicit Job(std::shared_ptr<CallState> state) : state_(std::move(state)) {}
  Job(Job&& other) noexcept = default;
  Job& operator=(Job&&) = delete;
  ~Job() {
    if (state_ != nullptr) state_->Drop();
  }
  void operator()() && {
    const std::shared_ptr<CallState> state = std::move(state_);
    state->Run();
  }

 private:
  std::shared_ptr<CallState> state_;
};

}  // namespace
}  // namespace executor_internal

bool ExecutorCall::Cancel() { return state_ != nullptr && state_->Cancel(); }

absl::StatusOr<ExecutorCall> CallInExecutor(
    AbstractEventLoop& loop, Executor* executor,
    absl::AnyInvocable<void() &&> work,
    absl::AnyInvocable<void(const ExecutorOutcome&) &&> done) {
  using executor_internal::CallState;
  static constexpr LoopLocal<executor_internal::PendingCalls> pending_calls;
  EVKIT_CHECK(work != nullptr, "work is null");
  EVKIT_CHECK(done != nullptr, "done is null");
  if (loop.IsClosed()) {
    return absl::FailedPreconditionError(
        "CallInExecutor: event loop is closed");
  }
  ThreadPoolExecutor* default_executor = nullptr;
  if (executor == nullptr) {
    absl::StatusOr<ThreadPoolExecutor*> found = DefaultExecutor(loop);
    if (!found.ok()) return found.status();
    default_executor = *found;
  }

  const auto state =
      std::make_shared<CallState>(loop, std::move(work), std::move(done));
  state->Enter(pending_calls.Get(loop).list());
  absl::Status status;
  executor_internal::Job job(state);
  if (default_executor == nullptr) {
    status = executor->Submit(std::move(job));
  } else if (absl::StatusOr<JobHandle> handle =
                 default_executor->SubmitCancellable(std::move(job));
             handle.ok()) {
    state->set_job(*std::move(handle));
  } else {
    status = handle.status();
  }
  if (!status.ok()) {
    (void)state->Leave();
    return status;
  }
  return ExecutorCall(state);
}

}  // namespace evkit
