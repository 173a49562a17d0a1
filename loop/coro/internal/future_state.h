// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// What the handles to one future share, but for the type of its value.

#ifndef EVKIT_LOOP_CORO_INTERNAL_FUTURE_STATE_H_
#define EVKIT_LOOP_CORO_INTERNAL_FUTURE_STATE_H_

#include <cstddef>
#include <cstdint>
#include <exception>
#include <string>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "evkit/base/source_location.h"
#include "evkit/loop/abstract_event_loop.h"
#include "evkit/loop/coro/internal/frame_allocator.h"
#include "evkit/loop/coro/internal/slot.h"
#include "evkit/loop/coro/internal/task_hub.h"
#include "evkit/loop/handle_node.h"

namespace evkit::loop_internal {

class FutureState;
class TaskState;

// Somebody who is told when a future is done. Linked into the future's list
// while that is pending; unlinks itself when destroyed.
class DoneHook {
 public:
  DoneHook() = default;
  DoneHook(const DoneHook&) = delete;
  DoneHook& operator=(const DoneHook&) = delete;

  // Called once, unlinked, inside the call that completes the future: runs no
  // code of the user's, only schedules what does.
  virtual void OnDone(FutureState& future) = 0;
  // The future is destroyed while it is pending: nobody will call.
  virtual void OnForgotten() {}
  // Who waits for the future through this hook, directly or by being made of
  // it: a task, a gather's future. Null if nobody does.
  virtual FutureState* awaiter() { return nullptr; }

  bool linked() const { return future_ != nullptr; }
  // The future that it is linked into.
  FutureState* future() const { return future_; }
  DoneHook* next_hook() const { return next_; }
  void Unlink();

 protected:
  ~DoneHook() { Unlink(); }

 private:
  friend class FutureState;

  FutureState* future_ = nullptr;
  DoneHook* previous_ = nullptr;
  DoneHook* next_ = nullptr;
};

// A callback that the loop runs when a future is done, in the context that was
// current when it was made. One reference is the future's, or the ready
// queue's; others are those of the handles that can remove it.
class DoneCallbackNode final : public CallbackNode, public DoneHook {
 public:
  using Function = absl::AnyInvocable<void(FutureState&)>;

  // Null `context`: a copy of the current one. `awaiter` is alive as long as
  // this is linked.
  DoneCallbackNode(Function function, const Context* context,
                   SourceLocation where, FutureState* awaiter = nullptr);

  // It will not run any more, queued or not, and what it captured is destroyed.
  void Withdraw();

  void OnDone(FutureState& future) override;
  void OnForgotten() override;
  FutureState* awaiter() override { return awaiter_; }

  static void* operator new(size_t size) {
    return FrameAllocator::Allocate(size);
  }
  static void operator delete(void* memory, size_t size) noexcept {
    FrameAllocator::Free(memory, size);
  }

 private:
  ~DoneCallbackNode() override = default;
  void Release() override;
  std::string Describe() const override { return "done callback"; }

  FutureState* const awaiter_;
  RefPtr<FutureState> done_;  // Until the callback has run.
};

// Reference-counted, not thread-safe: belongs to the loop's thread.
class FutureState {
 public:
  enum class State : uint8_t { kPending, kCancelled, kFinished };

  FutureState(const FutureState&) = delete;
  FutureState& operator=(const FutureState&) = delete;

  void Ref() { ++references_; }
  // The last one reports an error that nobody has seen.
  void Unref() {
    if (--references_ == 0) Delete();
  }

  // Whether there is one reference only.
  bool unique() const { return references_ == 1; }

  static void* operator new(size_t size) {
    return FrameAllocator::Allocate(size);
  }
  static void operator delete(void* memory, size_t size) noexcept {
    FrameAllocator::Free(memory, size);
  }

  State state() const { return state_; }
  bool done() const { return state_ != State::kPending; }
  bool cancelled() const { return state_ == State::kCancelled; }
  TaskHub& hub() const { return *hub_; }
  // Null once it is closed.
  AbstractEventLoop* loop() const { return hub_->loop(); }

  // See `AnyFuture::Cancel()`.
  virtual bool Cancel(absl::string_view message);
  // This as a task; null if it is none.
  virtual TaskState* AsTask() { return nullptr; }
  virtual std::string DebugString() const;
  // "Future" or "Task", for messages.
  virtual const char* Kind() const { return "Future"; }

  // OK if it can be completed from outside.
  absl::Status CheckCanComplete();
  // Ends it, with what is in the slot.
  void Finish();
  void FinishWith(absl::Status error);
  void FinishWith(std::exception_ptr exception);

  // OK if it is done.
  absl::Status CheckDone() const;
  // The failure: of one that is done. OK if it has a value. An exception is
  // described as kUnknown.
  absl::Status Error() const;
  bool failed() const { return failed_; }
  SlotBase& slot() const { return slot_; }
  // Somebody has looked at how it ended, or never will.
  void MarkRetrieved() { error_unseen_ = false; }

  // Links `hook`, or calls it if this is done already.
  void AddHook(DoneHook& hook);
  DoneHook* first_hook() const { return first_hook_; }

 protected:
  // `slot` is a member of the derived class, and empty.
  FutureState(TaskHub& hub, SlotBase& slot) : hub_(&hub), slot_(slot) {
    hub_->Ref();
  }
  virtual ~FutureState() { hub_->Unref(); }

  void CompleteCancelled(absl::string_view message);
  void CompleteFinished(bool failed) {
    state_ = State::kFinished;
    failed_ = failed;
    error_unseen_ = failed;
    if (first_hook_ != nullptr) CallHooks();
  }

  void set_error_unseen(bool unseen) { error_unseen_ = unseen; }

 private:
  friend class DoneHook;

  void CallHooks();
  [[gnu::noinline]] void Delete();
  void ReportUnseenError();

  TaskHub* const hub_;
  SlotBase& slot_;
  DoneHook* first_hook_ = nullptr;
  DoneHook* last_hook_ = nullptr;
  uint32_t references_ = 1;
  State state_ = State::kPending;
  bool failed_ = false;
  bool error_unseen_ = false;
};

using FutureRef = RefPtr<FutureState>;

// Adds the value to a FutureState or a class derived from it.
template <typename Base, typename T>
class Typed : public Base {
 public:
  template <typename... Args>
  explicit Typed(TaskHub& hub, Args&&... args)
      : Base(hub, typed_slot_, std::forward<Args>(args)...) {}

  Slot<T>& typed_slot() { return typed_slot_; }

 protected:
  ~Typed() override = default;

 private:
  Slot<T> typed_slot_;
};

template <typename T>
class TypedFuture final : public Typed<FutureState, T> {
 public:
  using Typed<FutureState, T>::Typed;
};

}  // namespace evkit::loop_internal

#endif  // EVKIT_LOOP_CORO_INTERNAL_FUTURE_STATE_H_
