// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// The loop's side of a `Handle`: one scheduled callback. For those who
// implement an AbstractEventLoop; users of loops need loop/handle.h only.

#ifndef EVKIT_LOOP_HANDLE_NODE_H_
#define EVKIT_LOOP_HANDLE_NODE_H_

#include <cstdint>
#include <string>
#include <utility>

#include "evkit/base/source_location.h"
#include "evkit/loop/callback.h"
#include "evkit/loop/context.h"
#include "evkit/timers/clock.h"

namespace evkit {

// Reference-counted, not thread-safe: belongs to the loop's thread. What it
// runs, where its memory comes from and what cancelling it undoes is up to the
// derived class.
class HandleNode {
 public:
  HandleNode(const HandleNode&) = delete;
  HandleNode& operator=(const HandleNode&) = delete;

  void Ref() { ++references_; }
  void Unref() {
    if (--references_ == 0) Release();
  }

  // See `Handle::Cancel()`.
  void Cancel() {
    if (cancelled_) return;
    cancelled_ = true;
    Ref();  // What the callback captured may include the last handle to it.
    OnCancel();
    Discard();
    Unref();
  }
  bool cancelled() const { return cancelled_; }

  // Does what it stands for, once, in its context. Throws what the user's code
  // throws. Requires that it was not cancelled.
  virtual void Run() = 0;

  // Drops what it would have run, unless it is running, for a loop that closes.
  virtual void Discard() {}

  loop_internal::ContextSlot& context() { return context_; }
  const loop_internal::ContextSlot& context() const { return context_; }
  SourceLocation scheduled_at() const { return scheduled_at_; }

  // See `Handle::DebugString()`.
  std::string DebugString() const;

  // For the queue that the node is in.
  HandleNode* next = nullptr;
  bool queued = false;

 protected:
  HandleNode() = default;
  virtual ~HandleNode() = default;

  // Makes a fresh or recycled node, which has no context, one that belongs to
  // the current one, has one reference and is neither cancelled nor queued.
  void Begin(const SourceLocation& where) {
    context_.CopyCurrent();
    scheduled_at_ = where;
    references_ = 1;
    cancelled_ = false;
  }

  // Whether anybody counts a reference, as whoever watches, queues or runs it
  // does.
  bool referenced() const { return references_ != 0; }

  // For a node that is cancelled and taken up again.
  void set_cancelled(bool cancelled) { cancelled_ = cancelled; }

  // The last reference is gone. Empties itself, then frees or recycles the
  // node.
  virtual void Release() = 0;

  // The callback was cancelled: stop waiting for its time.
  virtual void OnCancel() {}

  // "TimerHandle when=..." or "Handle".
  virtual std::string Describe() const { return "Handle"; }

 private:
  friend class CallbackNode;

  bool cancelled_ = false;
  // The callback node's, for which there is no room elsewhere.
  bool persistent_ = false;
  bool running_ = false;
  uint32_t references_ = 0;
  loop_internal::ContextSlot context_;
  SourceLocation scheduled_at_;
};

// A node that holds a callback.
class CallbackNode : public HandleNode {
 public:
  // Makes a fresh or recycled node, which holds nothing, hold `callback`, in
  // the current context. Afterwards it has one reference, is neither cancelled
  // nor queued, and is one-shot.
  void Schedule(Callback&& callback, const SourceLocation& where) {
    callback_.TakeFrom(callback);
    persistent_ = false;
    running_ = false;
    Begin(where);
  }

  // A persistent callback may run many times: a reader's, a writer's.
  void set_persistent() { persistent_ = true; }

  void Run() final {
    const loop_internal::ScopedContextCell in_context(context().cell());
    const ScopedRun run(*this);
    callback_();
  }
  void Discard() final {
    if (!running_) callback_.Reset();
  }

 protected:
  // For `Release()`.
  bool IsClear() const { return !callback_ && context().empty(); }
  // Not inline: seldom needed.
  [[gnu::noinline]] void Clear() {
    callback_.Reset();
    context().Clear();
  }

 private:
  // A callback that is cancelled while it runs is destroyed afterwards.
  class ScopedRun {
   public:
    explicit ScopedRun(CallbackNode& node) : node_(node) {
      node_.running_ = true;
    }
    ScopedRun(const ScopedRun&) = delete;
    ScopedRun& operator=(const ScopedRun&) = delete;
    ~ScopedRun() {
      if (node_.persistent_) {
        node_.running_ = false;
        if (!node_.cancelled()) return;
      }
      node_.callback_.Reset();
    }

   private:
    CallbackNode& node_;
  };

  Callback callback_;
};

// "TimerHandle when=12.500000000", for `Describe()`.
std::string DescribeTimer(const char* name, MonotonicTime when);

// A node with a deadline.
class TimerHandleNode : public CallbackNode {
 public:
  MonotonicTime when() const { return when_; }
  void set_when(MonotonicTime when) { when_ = when; }

 protected:
  std::string Describe() const override;

 private:
  MonotonicTime when_;
};

}  // namespace evkit

#endif  // EVKIT_LOOP_HANDLE_NODE_H_
