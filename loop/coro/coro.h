// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// A coroutine: a function that can wait. Its result is a value or a status.
//
//   Coro<int> Size(std::string name) {
//     if (name.empty()) co_return absl::InvalidArgumentError("no name");
//     std::string text = co_await OrReturn(Load(name));   // see or_return.h
//     co_return text.size();
//   }
//   Coro<void> Report(std::string name) {
//     absl::StatusOr<int> size = co_await Size(name);
//     std::cout << (size.ok() ? *size : -1) << "\n";
//     co_return absl::OkStatus();
//   }
//
// Calling it runs nothing: it begins when it is awaited, in the caller's task,
// without a turn of the loop in between, and its end resumes the caller at
// once. A task (task.h) runs one on a loop.
//
// Awaiting a Coro<T> gives `absl::StatusOr<T>`, and `absl::Status` if T is
// void. `co_return` takes a value, a status that is not OK, or an
// `absl::StatusOr<T>`; in a Coro<void> a status, and every one must end with a
// `co_return`. An exception that leaves the body is rethrown to whoever awaits
// it; a std::bad_alloc ends the process (docs/architecture.md, "Out of
// memory").
//
// Cancellation arrives as kCancelled from the await that the task is suspended
// in (contract rules CAN-01 to CAN-18); the coroutine may await more to clean
// up, pass it on, or go on regardless.
//
// Lifetime. Parameters are copied into the coroutine, so take them by value: a
// reference must outlive it. The captures of a lambda are not copied: a lambda
// that is a coroutine must outlive its calls, or capture nothing;
// `CreateTask()` keeps the lambda that it is given. Destroying a Coro that was
// not awaited destroys the parameters; destroying a suspended frame, which only
// the loop's `Close()` does, destroys its locals and withdraws from whatever it
// waited for.
//
// Depth and length are limited by memory only: control passes between
// coroutines by a trampoline, and frames are torn down one by one. Each call
// takes one frame, from a free list of the thread's.
//
// g++ 12 destroys temporaries of some kinds twice in a `co_await` statement:
// make no capturing lambda and no aggregate inside one (docs/pitfalls.md).

#ifndef EVKIT_LOOP_CORO_CORO_H_
#define EVKIT_LOOP_CORO_CORO_H_

#include <coroutine>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "evkit/loop/coro/internal/await.h"
#include "evkit/loop/coro/internal/coro_stack.h"
#include "evkit/loop/coro/internal/slot.h"
#include "evkit/loop/coro/outcome.h"

namespace evkit {

template <typename T>
class Coro;

namespace loop_internal {

template <typename T>
class CoroAwait;

template <typename T>
class CoroPromise : public AwaitingPromise {
 public:
  std::suspend_never final_suspend() noexcept {
    OnEnd(/*failed=*/!typed_slot().has_value());
    return {};
  }

  // Also what a local's destructor throws after the value was returned.
  void unhandled_exception() noexcept {
    typed_slot().value = {};
    AwaitingPromise::unhandled_exception();
  }

  template <typename U = T>
  requires(std::is_convertible_v<U, T> &&
           !std::is_same_v<std::decay_t<U>, absl::Status> &&
           !std::is_same_v<std::decay_t<U>,
                           absl::StatusOr<T>>) void return_value(U&& value) {
    typed_slot().value.emplace(std::forward<U>(value));
  }
  void return_value(absl::Status error) {
    slot().status = error.ok() ? NoResultError() : std::move(error);
  }
  void return_value(absl::StatusOr<T> result) {
    if (result.ok()) {
      typed_slot().value.emplace(*std::move(result));
    } else {
      slot().status = std::move(result).status();
    }
  }

 private:
  Slot<T>& typed_slot() { return static_cast<Slot<T>&>(slot()); }
};

template <>
class CoroPromise<void> : public AwaitingPromise {
 public:
  std::suspend_never final_suspend() noexcept {
    OnEnd(/*failed=*/!typed_slot().has_value());
    return {};
  }

  void unhandled_exception() noexcept {
    typed_slot().value = false;
    AwaitingPromise::unhandled_exception();
  }

  void return_value(absl::Status status) {
    if (status.ok()) {
      typed_slot().value = true;
    } else {
      slot().status = std::move(status);
    }
  }

 private:
  Slot<void>& typed_slot() { return static_cast<Slot<void>&>(slot()); }
};

}  // namespace loop_internal

template <typename T>
class [[nodiscard]] Coro {
 public:
  class promise_type : public loop_internal::CoroPromise<T> {
   public:
    Coro get_return_object() {
      promise_type::template CheckLayout<promise_type>();
      return Coro(*this);
    }
  };

  Coro(Coro&& other) noexcept
      : promise_(std::exchange(other.promise_, nullptr)) {}
  Coro& operator=(Coro&& other) noexcept {
    std::swap(promise_, other.promise_);
    return *this;
  }
  [[gnu::always_inline]] ~Coro() {
    if (promise_ != nullptr) promise_->handle().destroy();
  }

  // False for one that was moved from or awaited.
  bool valid() const { return promise_ != nullptr; }

  loop_internal::CoroAwait<T> operator co_await() &&;

  // Hands the frame over. For those who run coroutines.
  loop_internal::PromiseBase* Release() {
    return std::exchange(promise_, nullptr);
  }

 private:
  explicit Coro(promise_type& promise) : promise_(&promise) {}

  promise_type* promise_;
};

namespace loop_internal {

// Calls a coroutine.
template <typename T>
class CoroAwait : public AwaitBase {
 public:
  explicit CoroAwait(Coro<T>&& callee) : called_(callee.Release()) {}
  // Where there is a value, there is nothing else: no frame, no failure.
  [[gnu::always_inline]] ~CoroAwait() {
    if (slot().has_value()) [[likely]] {
      if constexpr (!std::is_void_v<T>) slot().value.reset();
    } else {
      called_.~Called();
    }
  }

  bool await_ready() const noexcept { return false; }
  template <typename Promise>
  void await_suspend(std::coroutine_handle<Promise> caller) noexcept {
    called_.call.Begin(&caller.promise(), *caller.promise().stack());
  }
  Outcome<T> await_resume() { return slot().Take(); }

  // For OrReturn().
  bool failed() const { return !slot().has_value() && !slot().exception; }
  absl::Status TakeStatus() {
    return slot().status.ok() ? NoResultError() : std::move(slot().status);
  }
  // Requires that it has not failed.
  T TakeValue() {
    if (!slot().has_value()) [[unlikely]] {
      std::rethrow_exception(std::move(slot().exception));
    }
    if constexpr (!std::is_void_v<T>) return *std::move(slot().value);
  }

 private:
  class Called {
   public:
    explicit Called(PromiseBase* callee) : call(slot, callee) {}
    Slot<T> slot;
    Call call;
  };

  Slot<T>& slot() { return called_.slot; }
  const Slot<T>& slot() const { return called_.slot; }

  union {
    Called called_;
  };
};

}  // namespace loop_internal

template <typename T>
loop_internal::CoroAwait<T> Coro<T>::operator co_await() && {
  return loop_internal::CoroAwait<T>(std::move(*this));
}

}  // namespace evkit

#endif  // EVKIT_LOOP_CORO_CORO_H_
