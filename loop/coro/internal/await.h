// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// What stands behind `co_await x` in a coroutine of evkit's.

#ifndef EVKIT_LOOP_CORO_INTERNAL_AWAIT_H_
#define EVKIT_LOOP_CORO_INTERNAL_AWAIT_H_

#include <coroutine>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "evkit/base/source_location.h"
#include "evkit/loop/coro/internal/coro_stack.h"

namespace evkit::loop_internal {

// Base of every await. What one does beyond C++'s protocol: `await_suspend()`
// takes a handle whose promise is a PromiseBase, returns nothing, and says to
// the promise's stack what is next, or nothing if the task is to wait.
class AwaitBase {
 public:
  AwaitBase() = default;
  AwaitBase(const AwaitBase&) = delete;
  AwaitBase& operator=(const AwaitBase&) = delete;
};

// An await that gives a status, OK if it is ready at once, and otherwise calls
// `MayHaveFailed()` of the promise if it is not OK: so that nobody need look at
// it in most cases. Says so by a constant.
template <typename A>
concept TellsOfFailure = requires {
  requires std::remove_cvref_t<A>::kTellsOfFailure;
};

// Stands for an await that exists already. By value, since g++ 12 copies what
// `await_transform()` returns by reference.
template <typename A>
class AwaitRef : public AwaitBase {
 public:
  static constexpr bool kTellsOfFailure = TellsOfFailure<A>;

  explicit AwaitRef(A& await) : await_(await) {}

  bool await_ready() { return await_.await_ready(); }
  template <typename Promise>
  void await_suspend(std::coroutine_handle<Promise> handle) {
    await_.await_suspend(handle);
  }
  decltype(auto) await_resume() { return await_.await_resume(); }

 private:
  A& await_;
};

template <typename A>
concept HasAwait = requires(A&& awaitable) {
  std::forward<A>(awaitable).operator co_await();
};

template <typename A>
concept HasOrIsAwait =
    HasAwait<A> || std::is_base_of_v<AwaitBase, std::remove_cvref_t<A>>;

// The await of an awaitable: what its `operator co_await` makes, or itself.
// Constrained, since clang looks at the result types of overloads before it
// looks at their constraints.
template <HasOrIsAwait A>
decltype(auto) AwaitOf(A&& awaitable) {
  if constexpr (HasAwait<A>) {
    return std::forward<A>(awaitable).operator co_await();
  } else {
    return AwaitRef<std::remove_reference_t<A>>(awaitable);
  }
}

template <typename A>
using AwaitType = decltype(AwaitOf(std::declval<A>()));

// What `co_await` of an A gives.
template <typename A>
using AwaitedOutcome =
    std::decay_t<decltype(std::declval<AwaitType<A>&>().await_resume())>;

// The value in it: T of an Outcome<T>.
template <typename O>
struct ValueOf;
template <typename T>
struct ValueOf<absl::StatusOr<T>> {
  using Type = T;
};
template <>
struct ValueOf<absl::Status> {
  using Type = void;
};
template <typename A>
using AwaitedValue = typename ValueOf<AwaitedOutcome<A>>::Type;

// A promise whose coroutine may await what evkit can be awaited for.
class AwaitingPromise : public PromiseBase {
 public:
  // The place in parts: g++ keeps each copy of an object in the frame.
  template <typename A>
  decltype(auto) await_transform(A&& awaitable,
                                 const char* file = __builtin_FILE(),
                                 int line = __builtin_LINE(),
                                 const char* function = __builtin_FUNCTION()) {
    static_assert(
        HasOrIsAwait<A>,
        "a coroutine of evkit's awaits a Coro (as an rvalue), Future, Task, or "
        "what a function of evkit's returns; wrap others in a Future");
    set_where(SourceLocation::Here(file, line, function));
    return AwaitOf(std::forward<A>(awaitable));
  }
};

}  // namespace evkit::loop_internal

#endif  // EVKIT_LOOP_CORO_INTERNAL_AWAIT_H_
