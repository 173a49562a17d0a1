// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// The value, or the end of this coroutine: errors passed on without a macro.
//
//   std::string line = co_await OrReturn(reader.ReadLine());
//   int port = co_await OrReturn(ParsePort(line));     // a plain StatusOr
//   co_await OrReturn(Check(port));                    // a plain Status
//
// If what is awaited fails, the enclosing coroutine ends there and then with
// that status, kCancelled included: its locals are destroyed, the last made
// first, before whoever awaits it goes on. An exception is rethrown.
//
// Takes what can be awaited, and `absl::Status` and `absl::StatusOr<T>`, which
// are not waited for. Only inside a coroutine's `co_await`.

#ifndef EVKIT_LOOP_CORO_OR_RETURN_H_
#define EVKIT_LOOP_CORO_OR_RETURN_H_

#include <coroutine>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/loop/coro/internal/await.h"
#include "evkit/loop/coro/internal/coro_stack.h"
#include "evkit/loop/internal/exceptions.h"

namespace evkit {

namespace loop_internal {

// What OrReturn() of an awaitable gives: refers to it, and must be awaited in
// the same expression.
template <typename A>
class OrReturnAwait final : public AwaitBase, public EndingAwait {
  using Result = AwaitedOutcome<A>;
  using Value = typename ValueOf<Result>::Type;

 public:
  explicit OrReturnAwait(A&& awaitable)
      : await_(AwaitOf(std::forward<A>(awaitable))) {}

  bool await_ready() { return await_.await_ready() && Evaluate(); }
  template <typename Promise>
  void await_suspend(std::coroutine_handle<Promise> handle) {
    Promise& promise = handle.promise();
    if (evaluated_) {
      promise.stack()->SetNext(promise);
    } else {
      await_.await_suspend(handle);
    }
    promise.set_ending_await(this);
    promise.MayHaveFailed();
  }
  Value await_resume() {
    if (exception_ != nullptr) {
      std::rethrow_exception(std::move(exception_));
    }
    if constexpr (!std::is_void_v<Value>) return **std::move(result_);
  }

 private:
  bool Evaluate() {
    if (!evaluated_) {
      evaluated_ = true;
      ReportAllExceptions([this] { result_.emplace(await_.await_resume()); },
                          [this](std::exception_ptr thrown) {
                            exception_ = std::move(thrown);
                          });
    }
    return exception_ != nullptr || result_->ok();
  }
  bool Evaluate(absl::Status& why) override {
    if (Evaluate()) return true;
    if constexpr (std::is_void_v<Value>) {
      why = *std::move(result_);
    } else {
      why = (*std::move(result_)).status();
    }
    return false;
  }

  AwaitType<A> await_;
  std::optional<Result> result_;
  std::exception_ptr exception_;
  bool evaluated_ = false;
};

// The same for an await that says so if it fails.
template <typename A>
requires TellsOfFailure<A>
class OrReturnAwait<A> final : public AwaitBase, public EndingAwait {
 public:
  explicit OrReturnAwait(A&& await) : await_(await) {}

  bool await_ready() { return await_.await_ready(); }
  template <typename Promise>
  void await_suspend(std::coroutine_handle<Promise> handle) {
    await_.await_suspend(handle);
    handle.promise().set_ending_await(this);
  }
  void await_resume() {}

 private:
  bool Evaluate(absl::Status& why) override {
    why = await_.await_resume();
    return why.ok();
  }

  std::remove_reference_t<A>& await_;
};

// The same for the call of a coroutine, which keeps its result where it is.
template <typename T>
class OrReturnAwait<Coro<T>> final : public AwaitBase, public EndingAwait {
 public:
  explicit OrReturnAwait(Coro<T>&& callee) : await_(std::move(callee)) {}

  bool await_ready() const noexcept { return false; }
  template <typename Promise>
  void await_suspend(std::coroutine_handle<Promise> handle) noexcept {
    await_.await_suspend(handle);
    handle.promise().set_ending_await(this);
  }
  T await_resume() { return await_.TakeValue(); }

 private:
  bool Evaluate(absl::Status& why) override {
    if (!await_.failed()) return true;
    why = await_.TakeStatus();
    return false;
  }

  CoroAwait<T> await_;
};

// The same for a result that is there already.
template <typename O>
class OrReturnReady final : public AwaitBase, public EndingAwait {
 public:
  explicit OrReturnReady(O result) : result_(std::move(result)) {}

  bool await_ready() const noexcept { return result_.ok(); }
  template <typename Promise>
  void await_suspend(std::coroutine_handle<Promise> handle) noexcept {
    handle.promise().set_ending_await(this);
    handle.promise().MayHaveFailed();
    handle.promise().stack()->SetNext(handle.promise());
  }
  typename ValueOf<O>::Type await_resume() {
    if constexpr (!std::is_same_v<O, absl::Status>) return *std::move(result_);
  }

 private:
  bool Evaluate(absl::Status& why) override {
    if constexpr (std::is_same_v<O, absl::Status>) {
      why = std::move(result_);
    } else {
      why = std::move(result_).status();
    }
    return false;
  }

  O result_;
};

}  // namespace loop_internal

template <typename A>
requires loop_internal::HasOrIsAwait<A>
[[nodiscard]] loop_internal::OrReturnAwait<A> OrReturn(A&& awaitable) {
  return loop_internal::OrReturnAwait<A>(std::forward<A>(awaitable));
}

[[nodiscard]] inline loop_internal::OrReturnReady<absl::Status> OrReturn(
    absl::Status status) {
  return loop_internal::OrReturnReady<absl::Status>(std::move(status));
}

template <typename T>
[[nodiscard]] loop_internal::OrReturnReady<absl::StatusOr<T>> OrReturn(
    absl::StatusOr<T> result) {
  return loop_internal::OrReturnReady<absl::StatusOr<T>>(std::move(result));
}

}  // namespace evkit

#endif  // EVKIT_LOOP_CORO_OR_RETURN_H_
