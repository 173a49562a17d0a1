// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// A result that comes later: a value, or the status that says why there is
// none. What bridges callbacks and coroutines.
//
//   Future<int> answer = CreateFuture<int>(loop);
//   loop.CallLater(absl::Seconds(1), [answer]() mutable {
//     answer.SetResult(42).IgnoreError();
//   });
//   int a = co_await OrReturn(answer);
//
// A handle: copies refer to the same future, which lives as long as one does.
// Belongs to its loop's thread (FUT-22), and may outlive the loop, in which
// case nothing that it completes is told any more. Completing a future runs
// nothing at once: whoever waits for it, or asked to be called, is queued, in
// the order in which they came (FUT-06).
//
// An error that nobody looked at is reported to the loop's exception handler
// when the last handle is gone (FUT-17); looking at it is awaiting, `Result()`,
// `Error()` or `Cancel()`.

#ifndef EVKIT_LOOP_CORO_FUTURE_H_
#define EVKIT_LOOP_CORO_FUTURE_H_

#include <coroutine>
#include <exception>
#include <string>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "evkit/base/source_location.h"
#include "evkit/loop/abstract_event_loop.h"
#include "evkit/loop/context.h"
#include "evkit/loop/coro/internal/future_state.h"
#include "evkit/loop/coro/internal/task_state.h"
#include "evkit/loop/coro/outcome.h"

namespace evkit {

namespace loop_internal {
template <typename T>
class FutureAwait;
}  // namespace loop_internal

// What `AddDoneCallback()` returns: the means to take the callback back.
// Dropping it does not. Refers to nothing if default-constructed.
class DoneCallbackHandle {
 public:
  DoneCallbackHandle() = default;

 private:
  friend class AnyFuture;
  explicit DoneCallbackHandle(
      loop_internal::RefPtr<loop_internal::DoneCallbackNode> node)
      : node_(std::move(node)) {}
  loop_internal::RefPtr<loop_internal::DoneCallbackNode> node_;
};

// A future of whatever type: what is the same for all. Refers to nothing if
// default-constructed; then only `valid()` and `==` may be called.
class AnyFuture {
 public:
  AnyFuture() = default;
  // For those who build futures of their own kind.
  explicit AnyFuture(loop_internal::FutureRef state)
      : state_(std::move(state)) {}

  bool valid() const { return static_cast<bool>(state_); }
  // Null once the loop is closed.
  AbstractEventLoop* loop() const { return state_->loop(); }

  bool done() const { return state_->done(); }
  // Whether it ended by `Cancel()`, or is a task that ended with kCancelled.
  // One that was given kCancelled as its error is not cancelled, but failed.
  bool cancelled() const { return state_->cancelled(); }

  // Ends it with kCancelled and `message`, at once; a task only asks for it,
  // see task.h. False if it is done already, and nothing happens (FUT-05).
  bool Cancel(absl::string_view message = "") const {
    return state_->Cancel(message);
  }

  // Why it failed; OK if it has a value; kCancelled if it was cancelled.
  // kFailedPrecondition while it is pending (FUT-03). An exception of the
  // user's is described as kUnknown.
  absl::Status Error() const {
    absl::Status status = state_->CheckDone();
    if (!status.ok()) return status;
    state_->MarkRetrieved();
    return state_->Error();
  }
  // The exception that it failed with; null if there is none.
  std::exception_ptr Exception() const {
    state_->MarkRetrieved();
    return state_->slot().exception;
  }

  // Has the loop call `callback`, with a handle to this future as the argument
  // if it takes one, when this is done: never inside the completing call, and
  // at once queued if it is done already (FUT-07). In the context that is
  // current here, or in the very `context` given. What it throws goes to the
  // exception handler (FUT-11).
  template <typename F>
  DoneCallbackHandle AddDoneCallback(
      F callback, SourceLocation where = SourceLocation::Here()) const {
    return AddCallback(Adapt(std::move(callback)), nullptr, where);
  }
  template <typename F>
  DoneCallbackHandle AddDoneCallback(
      F callback, const Context& context,
      SourceLocation where = SourceLocation::Here()) const {
    return AddCallback(Adapt(std::move(callback)), &context, where);
  }
  // The callback will not be called. False, and nothing happens, if it is
  // queued already (FUT-10), was removed before, or was not this future's.
  bool RemoveDoneCallback(const DoneCallbackHandle& handle) const;

  // `<Future pending>`; of a task also its name and where it was created.
  std::string DebugString() const { return state_->DebugString(); }

  // Whether both refer to the same future.
  friend bool operator==(const AnyFuture& a, const AnyFuture& b) {
    return a.state_.get() == b.state_.get();
  }

  // For those who build on futures.
  loop_internal::FutureState* state() const { return state_.get(); }

 private:
  template <typename F>
  static loop_internal::DoneCallbackNode::Function Adapt(F callback) {
    if constexpr (std::is_invocable_v<F&, AnyFuture>) {
      return [callback = std::move(callback)](
                 loop_internal::FutureState& state) mutable {
        callback(AnyFuture(loop_internal::FutureRef(&state)));
      };
    } else {
      return [callback = std::move(callback)](
                 loop_internal::FutureState&) mutable { callback(); };
    }
  }
  DoneCallbackHandle AddCallback(
      loop_internal::DoneCallbackNode::Function function,
      const Context* context, SourceLocation where) const;

  loop_internal::FutureRef state_;
};

// T is movable, and not a reference; void for a result without a value. If T
// can be copied, everybody who awaits gets a copy, the last handle's await the
// value itself; otherwise the first takes the value, and later ones get
// kFailedPrecondition.
template <typename T>
class Future : public AnyFuture {
 public:
  Future() = default;
  // For those who build futures of their own kind: `state` is of this type.
  explicit Future(loop_internal::FutureRef state)
      : AnyFuture(std::move(state)) {}

  // Completes it. kFailedPrecondition if it is done (FUT-02), or a task
  // (TASK-07).
  template <typename U = T>
  requires std::is_convertible_v<U, T> absl::Status SetResult(U&& value)
  const {
    absl::Status status = state()->CheckCanComplete();
    if (!status.ok()) return status;
    slot().value.emplace(std::forward<U>(value));
    state()->Finish();
    return status;
  }
  absl::Status SetResult() const requires std::is_void_v<T> {
    absl::Status status = state()->CheckCanComplete();
    if (!status.ok()) return status;
    slot().value = true;
    state()->Finish();
    return status;
  }
  // `error` is not OK; kInvalidArgument if it is.
  absl::Status SetError(absl::Status error) const {
    absl::Status status = state()->CheckCanComplete();
    if (!status.ok()) return status;
    if (error.ok()) {
      return absl::InvalidArgumentError("SetError: an error is not OK");
    }
    state()->FinishWith(std::move(error));
    return status;
  }
  // Whoever asks for the result gets `exception` rethrown.
  absl::Status SetException(std::exception_ptr exception) const {
    absl::Status status = state()->CheckCanComplete();
    if (!status.ok()) return status;
    if (exception == nullptr) {
      return absl::InvalidArgumentError("SetException: no exception");
    }
    state()->FinishWith(std::move(exception));
    return status;
  }

  // The result (FUT-04): the value, or the error; an exception is rethrown.
  // kFailedPrecondition while it is pending (FUT-03).
  Outcome<T> Result() const {
    absl::Status status = state()->CheckDone();
    if (!status.ok()) return status;
    state()->MarkRetrieved();
    return loop_internal::ReadSlot(slot());
  }

  // Waits until it is done, no turn if it is (FUT-12), and gives the result as
  // `Result()`. Cancelling the waiting task cancels the future (CAN-03).
  // Cancel-safe: a task that is cancelled after the future was completed gets
  // kCancelled, and the future keeps its result (CAN-06).
  // From a task of another loop, or from the task itself: kFailedPrecondition
  // (FUT-15, TASK-09).
  loop_internal::FutureAwait<T> operator co_await() const& {
    return loop_internal::FutureAwait<T>(*this);
  }
  loop_internal::FutureAwait<T> operator co_await() && {
    return loop_internal::FutureAwait<T>(std::move(*this));
  }

 private:
  friend class loop_internal::FutureAwait<T>;

  loop_internal::Slot<T>& slot() const {
    return static_cast<loop_internal::Slot<T>&>(state()->slot());
  }
};

// A pending future of `loop`'s. On a closed loop it can be completed and read,
// and tells nobody.
template <typename T>
Future<T> CreateFuture(AbstractEventLoop& loop) {
  const auto hub = loop_internal::TaskHub::Of(loop);
  return Future<T>(
      loop_internal::FutureRef::Adopt(new loop_internal::TypedFuture<T>(*hub)));
}

namespace loop_internal {

// What does not depend on the type.
class FutureAwaitBase : public Suspension, public DoneHook {
 public:
  bool await_ready() const { return state_.done(); }
  template <typename Promise>
  void await_suspend(std::coroutine_handle<Promise> handle) {
    Suspend(handle);
    WaitForFuture();
  }

  bool CancelWait(absl::string_view message) override {
    return misuse_.ok() && state_.Cancel(message);
  }
  FutureState* awaited() override { return &state_; }
  std::string Describe() const override;
  void OnDone(FutureState&) override { task()->Wake(); }
  FutureState* awaiter() override { return task(); }

 protected:
  explicit FutureAwaitBase(FutureState& state) : state_(state) {}
  ~FutureAwaitBase() = default;

  // False if the result is `status`, and not the future's.
  bool Finish(absl::Status* status);

 private:
  void WaitForFuture();

  FutureState& state_;
  absl::Status misuse_;
};

template <typename T>
class FutureAwait final : public FutureAwaitBase {
 public:
  explicit FutureAwait(Future<T> future)
      : FutureAwaitBase(*future.state()), future_(std::move(future)) {}

  Outcome<T> await_resume() {
    absl::Status status;
    if (!Finish(&status)) return status;
    if (future_.state()->unique()) return future_.slot().Take();
    return ReadSlot(future_.slot());
  }

 private:
  const Future<T> future_;
};

}  // namespace loop_internal

}  // namespace evkit

#endif  // EVKIT_LOOP_CORO_FUTURE_H_
