// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// A coroutine that was called by a coroutine that was called by ... a task: the
// part of a task that knows nothing of loops.
//
// Control passes between the frames by a trampoline: a frame that calls, ends
// or is to go on says so in `SetNext()`, returns to `Resume()`, and that
// resumes the next. So the machine's stack does not grow with the number of
// frames or of awaits, with any compiler and any optimisation.

#ifndef EVKIT_LOOP_CORO_INTERNAL_CORO_STACK_H_
#define EVKIT_LOOP_CORO_INTERNAL_CORO_STACK_H_

#include <coroutine>
#include <cstddef>
#include <utility>

#include "absl/status/status.h"
#include "evkit/base/source_location.h"
#include "evkit/loop/coro/internal/frame_allocator.h"
#include "evkit/loop/coro/internal/slot.h"
#include "evkit/loop/internal/exceptions.h"

namespace evkit::loop_internal {

class CoroStack;
class PromiseBase;

// An await that ends its coroutine if what it waited for failed.
class EndingAwait {
 public:
  EndingAwait() = default;
  EndingAwait(const EndingAwait&) = delete;
  EndingAwait& operator=(const EndingAwait&) = delete;

  // Called when the coroutine is about to go on, and what it waited for may
  // have failed. False to end it; `why` is what its caller gets.
  virtual bool Evaluate(absl::Status& why) = 0;

 protected:
  ~EndingAwait() = default;
};

// What a coroutine's caller keeps: the frame and the result. A member of the
// await in the caller's frame; of the task, for the first coroutine.
class Call {
 public:
  // Takes over a coroutine that has not begun.
  Call(SlotBase& slot, PromiseBase* callee) : slot_(slot), callee_(callee) {}
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;
  // Destroys the callee's frame, if there is one.
  ~Call();

  // Begins it, when control is back at the stack's trampoline. Null `caller`:
  // it is the first on the stack.
  void Begin(PromiseBase* caller, CoroStack& stack);
  void DestroyFrame();
  // Calls another one, which has taken the callee over, in its place. Before it
  // begins.
  void Replace(PromiseBase* callee) { callee_ = callee; }

  // For coroutines that are called more than once. Takes over one that may have
  // begun, on another stack too, and is suspended; `Begin()` goes on with it.
  void Adopt(PromiseBase& callee) { callee_ = &callee; }
  // Gives it up, suspended.
  void Release() { callee_ = nullptr; }

  // Whether it has ended: there is no frame any more.
  bool done() const { return callee_ == nullptr; }
  SlotBase& slot() { return slot_; }
  PromiseBase* callee() const { return callee_; }

 private:
  friend class CoroStack;
  friend class PromiseBase;

  SlotBase& slot_;
  PromiseBase* callee_;
};

// What the promises of all coroutines have in common.
class PromiseBase {
 public:
  PromiseBase(const PromiseBase&) = delete;
  PromiseBase& operator=(const PromiseBase&) = delete;

  [[gnu::always_inline]] static void* operator new(size_t size) {
    return FrameAllocator::Allocate(size);
  }
  [[gnu::always_inline]] static void operator delete(void* memory,
                                                     size_t size) noexcept {
    FrameAllocator::Free(memory, size);
  }

  std::suspend_always initial_suspend() noexcept { return {}; }
  // Ends the coroutine: its caller goes on, once the frame has destroyed
  // itself, which it does without being resumed.
  std::suspend_never final_suspend() noexcept {
    OnEnd(/*failed=*/false);
    return {};
  }
  void unhandled_exception() noexcept {
    call_->slot().exception = UnhandledException();
  }

  // Every promise begins with this, and none is aligned otherwise; each asserts
  // it by `CheckLayout<promise_type>()`.
  std::coroutine_handle<> handle() {
    return std::coroutine_handle<PromiseBase>::from_promise(*this);
  }
  // The stack that it runs on. Requires that it has begun, as all below do.
  CoroStack* stack() const { return stack_; }
  // The coroutine that called it; null for the first one.
  PromiseBase* caller() const { return caller_; }
  SlotBase& slot() { return call_->slot(); }
  // The await that it is in, or was in last.
  SourceLocation where() const { return where_; }
  void set_where(SourceLocation where) { where_ = where; }
  // The await in which this coroutine is being suspended wants to be asked
  // should it fail; null: it does not, which every await that suspends has to
  // say.
  void set_ending_await(EndingAwait* await) { ending_await_ = await; }
  // What it waits for has failed, or may have: the ending await, if there is
  // one, is asked before this coroutine is resumed.
  void MayHaveFailed() { may_have_failed_ = true; }

 protected:
  PromiseBase() = default;
  ~PromiseBase() = default;

  template <typename Promise>
  static void CheckLayout() {
    static_assert(alignof(Promise) == alignof(PromiseBase),
                  "a promise that is aligned otherwise than its base is not "
                  "where handle() looks for it");
  }

  void OnEnd(bool failed) noexcept;

 private:
  friend class Call;
  friend class CoroStack;

  // Those without a value get it when the coroutine begins, and awaits.
  CoroStack* stack_;
  PromiseBase* caller_;
  Call* call_;
  EndingAwait* ending_await_;
  bool may_have_failed_ = false;
  SourceLocation where_;
};

class CoroStack {
 public:
  CoroStack() = default;
  CoroStack(const CoroStack&) = delete;
  CoroStack& operator=(const CoroStack&) = delete;

  // Which frame runs after the one that is about to return to the trampoline.
  void SetNext(PromiseBase& next) { next_ = &next; }
  void ForgetNext() { next_ = nullptr; }
  // The innermost frame: the one that is running, or was last. Null before the
  // first has begun and after it has ended.
  PromiseBase* innermost() const { return innermost_; }

  // Goes on with the innermost frame until one waits for something outside of
  // the stack, or the last has ended.
  void Resume();

  // Destroys all frames, the innermost first, one after the other. Requires
  // that none of them is running.
  void Destroy();

 private:
  friend class PromiseBase;

  // Asks the frame's ending await whether to resume it, or else ends it where
  // it stands. Not inline: it would make `Resume()` slower.
  [[gnu::noinline]] void ResumeOrEnd(PromiseBase& frame);
  // A frame has ended that was called by this one.
  void ReturnTo(PromiseBase* caller) {
    next_ = caller;
    if (caller == nullptr) innermost_ = nullptr;
  }

  PromiseBase* next_ = nullptr;
  PromiseBase* innermost_ = nullptr;
};

inline void PromiseBase::OnEnd(bool failed) noexcept {
  call_->callee_ = nullptr;
  if (failed && caller_ != nullptr) caller_->MayHaveFailed();
  stack_->ReturnTo(caller_);
}

inline void CoroStack::Resume() {
  PromiseBase* frame = next_ != nullptr ? next_ : innermost_;
  while (frame != nullptr) {
    innermost_ = frame;
    next_ = nullptr;
    if (!frame->may_have_failed_) [[likely]] {
      frame->handle().resume();
    } else {
      ResumeOrEnd(*frame);
    }
    frame = next_;
  }
}

inline Call::~Call() { DestroyFrame(); }

inline void Call::DestroyFrame() {
  if (callee_ != nullptr) std::exchange(callee_, nullptr)->handle().destroy();
}

inline void Call::Begin(PromiseBase* caller, CoroStack& stack) {
  if (caller != nullptr) caller->set_ending_await(nullptr);
  callee_->call_ = this;
  callee_->caller_ = caller;
  callee_->stack_ = &stack;
  stack.SetNext(*callee_);
}

}  // namespace evkit::loop_internal

#endif  // EVKIT_LOOP_CORO_INTERNAL_CORO_STACK_H_
