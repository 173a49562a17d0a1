// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// A coroutine that gives one value after the other, and may wait in between.
// Python's asynchronous generator.
//
//   AsyncGenerator<std::string> Lines(Reader reader) {
//     while (!reader.at_end()) {
//       std::string line = co_await OrReturn(reader.ReadLine());
//       co_yield line;
//     }
//     co_return absl::OkStatus();
//   }
//
//   AsyncGenerator<std::string> lines = Lines(std::move(reader));
//   while (auto line = co_await OrReturn(lines.Next())) Use(*line);
//
// It awaits what a Coro may await, with OrReturn() too, and ends by
// `co_return` of a status; an error goes to the `Next()` that is waiting, and
// so does what it throws. It has no task: each `Next()` runs it, in the task,
// the context and the stack of whoever awaits, up to the next value, without a
// turn of the loop unless it waits for one itself. Cancelling that task cancels
// the await inside of the generator.
//
// Ending it early. `co_await lines.Close()` ends it at its yield: its locals
// are destroyed there, in order. If it has to wait for its own clean-up, it
// asks to be told:
//
//   if (co_yield NoticeClose(line)) {       // true: it is being closed
//     co_await OrReturn(connection.Shutdown());
//     co_return absl::OkStatus();
//   }
//
// Destroying the AsyncGenerator ends it as well, at once, with its locals, and
// without being told. One that is still suspended when the loop is closed is
// destroyed there, on the loop's thread, wherever its handle is. `Run()`
// closes all that are left before, see ShutdownAsyncGenerators().
//
// Lifetime: the parameters are copied into the coroutine, so take them by
// value. A generator belongs to the thread of the loop on which it was begun,
// and may be destroyed from anywhere there, from inside itself too.
//
// g++ 12: name an aggregate before you yield it (docs/pitfalls.md).

#ifndef EVKIT_LOOP_CORO_ASYNC_GENERATOR_H_
#define EVKIT_LOOP_CORO_ASYNC_GENERATOR_H_

#include <coroutine>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "evkit/base/source_location.h"
#include "evkit/loop/abstract_event_loop.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/loop/coro/internal/async_generator_state.h"
#include "evkit/loop/coro/internal/slot.h"
#include "evkit/loop/coro/outcome.h"

namespace evkit {

// `co_yield NoticeClose(value)` yields `value`, and is false if more is wanted,
// true if the generator is being closed: then it may await to clean up, and
// ends; it must not yield any more. A plain `co_yield value` does not return in
// that case.
template <typename U>
class NoticeClose {
 public:
  explicit NoticeClose(U to_yield) : value(std::move(to_yield)) {}
  U value;
};

namespace loop_internal {

template <typename T>
class AsyncNextAwait final : public AsyncGeneratorAwait {
 public:
  explicit AsyncNextAwait(AsyncGeneratorRef generator)
      : AsyncGeneratorAwait(/*closing=*/false, std::move(generator), slot_) {}

  bool await_ready() {
    if (generator().finished()) return true;
    slot_.status = generator().CheckCanStep("Next");
    return !slot_.status.ok();
  }
  Outcome<std::optional<T>> await_resume() {
    if (stepped()) {
      EndStep();
    } else if (slot_.status.ok()) {
      return std::optional<T>();
    }
    return slot_.Take();
  }

 private:
  Slot<std::optional<T>> slot_;
};

template <typename T>
class AsyncGeneratorPromiseOf : public AsyncGeneratorPromise {
 public:
  template <typename U = T>
  requires std::is_convertible_v<U, T> AsyncYieldAwait
  yield_value(U&& value, SourceLocation where = SourceLocation::Here()) {
    return Yield(std::forward<U>(value), /*tells=*/false, where);
  }
  template <typename U>
  requires std::is_convertible_v<U, T> AsyncYieldAwait yield_value(
      NoticeClose<U> notice, SourceLocation where = SourceLocation::Here()) {
    return Yield(std::move(notice.value), /*tells=*/true, where);
  }

  void return_value(absl::Status status) {
    slot().status = std::move(status);
    if (!closing() && slot().status.ok()) typed_value().emplace();
  }

 private:
  template <typename U>
  AsyncYieldAwait Yield(U&& value, bool tells, SourceLocation where) {
    set_where(where);
    if (!closing()) {
      typed_value().emplace(std::in_place, std::forward<U>(value));
    }
    return AsyncYieldAwait(*this, tells);
  }
  std::optional<std::optional<T>>& typed_value() {
    return static_cast<Slot<std::optional<T>>&>(slot()).value;
  }
};

}  // namespace loop_internal

template <typename T>
class [[nodiscard]] AsyncGenerator {
 public:
  class promise_type : public loop_internal::AsyncGeneratorPromiseOf<T> {
   public:
    AsyncGenerator get_return_object() {
      promise_type::template CheckLayout<promise_type>();
      return AsyncGenerator(
          loop_internal::AsyncGeneratorRef::Adopt(this->NewState()));
    }
  };

  AsyncGenerator(AsyncGenerator&&) noexcept = default;
  AsyncGenerator& operator=(AsyncGenerator&&) noexcept = default;

  // False for one that was moved from; then nothing else may be called.
  bool valid() const { return static_cast<bool>(state_); }
  // Whether it has ended: `Next()` gives nothing any more.
  bool finished() const { return state_->finished(); }

  // Awaited, gives the next value; nullopt if the generator has ended, and from
  // then on; the status that it ended with, once. Runs nothing before that.
  // Cancelling the task cancels what the generator waits for, so it usually
  // ends with kCancelled; destroying the task destroys the generator's frame.
  //   kFailedPrecondition: another task, or the generator itself, is in its
  //     `Next()` or `Close()`, or it was begun on another loop. It is not
  //     affected.
  [[nodiscard]] loop_internal::AsyncNextAwait<T> Next() const {
    return loop_internal::AsyncNextAwait<T>(state_);
  }

  // Awaited, ends it; also if that fails, so that a second call does nothing.
  // One that has not begun never will. Gives the status that it ended with.
  //   kFailedPrecondition: it ignored close, that is, yielded once more, and
  //     was destroyed there. Or, and nothing has happened: as for `Next()`.
  [[nodiscard]] loop_internal::AsyncCloseAwait Close() const {
    return loop_internal::AsyncCloseAwait(state_);
  }

  // `<AsyncGenerator suspended at lines.cc:12 in Lines>`.
  std::string DebugString() const { return state_->DebugString(); }

 private:
  explicit AsyncGenerator(loop_internal::AsyncGeneratorRef state)
      : state_(std::move(state)) {}

  loop_internal::AsyncGeneratorRef state_;
};

// Closes all generators that were begun on `loop` and have not ended, each in a
// task of its own, and returns when all have (RUN-31). What one of them fails
// with goes to the exception handler, "an error occurred during closing of
// asynchronous generator". Generators that are begun afterwards are reported as
// well, and run. Cancelling it cancels the tasks, and waits for them. To be
// awaited on `loop`, which it must outlive.
Coro<void> ShutdownAsyncGenerators(AbstractEventLoop& loop);

}  // namespace evkit

#endif  // EVKIT_LOOP_CORO_ASYNC_GENERATOR_H_
