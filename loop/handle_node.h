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

// Reference-counted, not thread-safe: belongs to the loop's thread. A loop
// derives its own kind, which says where the memory comes from and what
// cancelling undoes.
class HandleNode {
 public:
  HandleNode(const HandleNode&) = delete;
  HandleNode& operator=(const HandleNode&) = delete;

  void Ref() { ++references_; }
  void Unref() {
    if (--references_ == 0) Release();
  }

  // Makes a fresh or recycled node hold `callback`, in the current context.
  // Afterwards it has one reference, is neither cancelled nor queued, and is
  // one-shot.
  void Schedule(Callback&& callback, SourceLocation where) {
    callback_ = std::move(callback);
    context_.CopyCurrent();
    scheduled_at_ = where;
    references_ = 1;
    cancelled_ = false;
    persistent_ = false;
  }

  // See `Handle::Cancel()`.
  void Cancel() {
    if (cancelled_) return;
    cancelled_ = true;
    Ref();  // What the callback captured may include the last handle to it.
    OnCancel();
    if (!running_) callback_.Reset();
    Unref();
  }
  bool cancelled() const { return cancelled_; }

  // Calls the callback once, in the calling context; see invoke_callback.h for
  // the whole of it. `FinishRun()` must follow, whatever the callback throws.
  void Run() {
    running_ = true;
    callback_();
  }
  void FinishRun() {
    running_ = false;
    if (!persistent_ || cancelled_) callback_.Reset();
  }

  // Drops the callback without calling it, for a loop that closes.
  void Discard() {
    if (!running_) callback_.Reset();
  }

  // A persistent callback may run many times: a reader's, a writer's.
  void set_persistent() { persistent_ = true; }

  loop_internal::ContextSlot& context() { return context_; }
  SourceLocation scheduled_at() const { return scheduled_at_; }

  // See `Handle::DebugString()`.
  std::string DebugString() const;

  // For the queue that the node is in.
  HandleNode* next = nullptr;
  bool queued = false;

 protected:
  HandleNode() = default;
  virtual ~HandleNode() = default;

  // The last reference is gone. Empties itself with `Clear()`, then frees or
  // recycles the node.
  virtual void Release() = 0;

  // The callback was cancelled: stop waiting for its time.
  virtual void OnCancel() {}

  // "TimerHandle when=..." or "Handle".
  virtual std::string Describe() const { return "Handle"; }

  void Clear() {
    callback_.Reset();
    context_.Clear();
  }

 private:
  // What each turn looks at comes first.
  bool cancelled_ = false;
  bool persistent_ = false;
  bool running_ = false;
  uint32_t references_ = 0;
  Callback callback_;
  loop_internal::ContextSlot context_;
  SourceLocation scheduled_at_;
};

namespace loop_internal {

// Runs a node's callback for a scope's length.
class ScopedRun {
 public:
  explicit ScopedRun(HandleNode& node) : node_(node) {}
  ScopedRun(const ScopedRun&) = delete;
  ScopedRun& operator=(const ScopedRun&) = delete;
  ~ScopedRun() { node_.FinishRun(); }

 private:
  HandleNode& node_;
};

}  // namespace loop_internal

// A node with a deadline.
class TimerHandleNode : public HandleNode {
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
