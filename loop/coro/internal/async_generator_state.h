// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Asynchronous generators but for the type of what they yield.
//
// A generator's coroutine has no task of its own. Each `Next()` lends it the
// stack of the task that awaits, as if it had been called there, and a yield
// takes it off again.

#ifndef EVKIT_LOOP_CORO_INTERNAL_ASYNC_GENERATOR_STATE_H_
#define EVKIT_LOOP_CORO_INTERNAL_ASYNC_GENERATOR_STATE_H_

#include <coroutine>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "evkit/loop/abstract_event_loop.h"
#include "evkit/loop/coro/internal/await.h"
#include "evkit/loop/coro/internal/coro_stack.h"
#include "evkit/loop/coro/internal/slot.h"
#include "evkit/loop/coro/internal/task_hub.h"

namespace evkit::loop_internal {

class AsyncGeneratorList;
class AsyncGeneratorState;
using AsyncGeneratorRef = RefPtr<AsyncGeneratorState>;

// The promise of a generator's coroutine.
class AsyncGeneratorPromise : public AwaitingPromise {
 public:
  ~AsyncGeneratorPromise();

  // Whether it was resumed in order to end.
  bool closing() const { return closing_; }

 protected:
  AsyncGeneratorState* NewState();

 private:
  friend class AsyncGeneratorState;

  AsyncGeneratorState* state_ = nullptr;  // Null: nobody needs to be told.
  bool closing_ = false;
};

// What the handle, the awaits and the loop's list know of one generator.
// Counted, not thread-safe. The frame belongs to this while it is suspended in
// a yield or has not begun, and to the await that runs it otherwise.
class AsyncGeneratorState {
 public:
  explicit AsyncGeneratorState(AsyncGeneratorPromise& frame) : frame_(&frame) {}
  AsyncGeneratorState(const AsyncGeneratorState&) = delete;
  AsyncGeneratorState& operator=(const AsyncGeneratorState&) = delete;

  void Ref() { ++references_; }
  void Unref() {
    if (--references_ == 0) delete this;
  }

  bool finished() const { return frame_ == nullptr; }
  bool running() const { return running_; }
  bool begun() const { return static_cast<bool>(hub_); }
  std::string DebugString() const;

  // OK if the task that is running may go on with it.
  absl::Status CheckCanStep(const char* what) const;
  // Runs it to its next yield, or its end: called by `caller`, through `call`.
  void BeginStep(bool closing, PromiseBase& caller, Call& call);
  // It has yielded: takes the frame back.
  void EndStep(Call& call);
  // Ends it where it is, unless it is running.
  void DestroyFrame();

 private:
  friend class AsyncGeneratorList;
  friend class AsyncGeneratorPromise;

  ~AsyncGeneratorState() { DestroyFrame(); }

  // The frame is destroyed, by whomever.
  void OnFrameDestroyed();

  AsyncGeneratorPromise* frame_;  // Null: it has ended.
  RefPtr<TaskHub> hub_;  // Of the loop that it was begun on; null before.
  AsyncGeneratorList* list_ = nullptr;  // Null: in none.
  AsyncGeneratorState* previous_ = nullptr;
  AsyncGeneratorState* next_ = nullptr;
  uint32_t references_ = 1;
  bool running_ = false;
};

// The generators of one loop that were begun and have not ended, in the order
// in which they were begun.
class AsyncGeneratorList {
 public:
  explicit AsyncGeneratorList(AbstractEventLoop& loop) : loop_(loop) {}
  AsyncGeneratorList(const AsyncGeneratorList&) = delete;
  AsyncGeneratorList& operator=(const AsyncGeneratorList&) = delete;
  // The loop is closed: destroys the frames, except those that run, which are
  // the tasks' to destroy.
  ~AsyncGeneratorList();

  // That of `loop`, which is open.
  static AsyncGeneratorList& Of(AbstractEventLoop& loop);

  void Add(AsyncGeneratorState& generator);
  void Remove(AsyncGeneratorState& generator);
  // From now on generators that begin are reported. Gives out the list.
  std::vector<AsyncGeneratorRef> ShutDown();

 private:
  AbstractEventLoop& loop_;
  AsyncGeneratorState* first_ = nullptr;
  AsyncGeneratorState* last_ = nullptr;
  bool shut_down_ = false;
};

// What `co_yield` waits in.
class AsyncYieldAwait final : public AwaitBase, public EndingAwait {
 public:
  // `tells`: a generator that is closed here goes on, and is told.
  AsyncYieldAwait(AsyncGeneratorPromise& promise, bool tells)
      : promise_(promise), tells_(tells) {}

  bool await_ready() const noexcept { return false; }
  template <typename Promise>
  void await_suspend(std::coroutine_handle<Promise>) noexcept {
    promise_.set_ending_await(this);
    promise_.MayHaveFailed();
    ignored_close_ = promise_.closing();
    promise_.stack()->SetNext(ignored_close_ ? promise_ : *promise_.caller());
  }
  bool await_resume() const noexcept { return promise_.closing(); }

 private:
  bool Evaluate(absl::Status& why) override;

  AsyncGeneratorPromise& promise_;
  const bool tells_;
  bool ignored_close_ = false;
};

// What the awaits of `Next()` and `Close()` have in common.
class AsyncGeneratorAwait : public AwaitBase {
 public:
  template <typename Promise>
  void await_suspend(std::coroutine_handle<Promise> handle) {
    stepped_ = true;
    generator_->BeginStep(closing_, handle.promise(), call_);
  }

 protected:
  AsyncGeneratorAwait(bool closing, AsyncGeneratorRef generator, SlotBase& slot)
      : closing_(closing),
        generator_(std::move(generator)),
        call_(slot, nullptr) {}
  ~AsyncGeneratorAwait() = default;

  AsyncGeneratorState& generator() { return *generator_; }
  // Whether it ran, and the slot says how that ended.
  bool stepped() const { return stepped_; }
  void EndStep() { generator_->EndStep(call_); }

 private:
  const bool closing_;
  bool stepped_ = false;
  const AsyncGeneratorRef generator_;
  Call call_;
};

class AsyncCloseAwait final : public AsyncGeneratorAwait {
 public:
  explicit AsyncCloseAwait(AsyncGeneratorRef generator)
      : AsyncGeneratorAwait(/*closing=*/true, std::move(generator), slot_) {}

  bool await_ready();
  absl::Status await_resume();

 private:
  Slot<void> slot_;
};

}  // namespace evkit::loop_internal

#endif  // EVKIT_LOOP_CORO_INTERNAL_ASYNC_GENERATOR_STATE_H_
