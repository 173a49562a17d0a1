// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// What scheduling a callback returns: the means to take it back.
//
//   TimerHandle timeout = loop.CallLater(absl::Seconds(30), GiveUp);
//   ...
//   timeout.Cancel();

#ifndef EVKIT_LOOP_HANDLE_H_
#define EVKIT_LOOP_HANDLE_H_

#include <compare>
#include <string>
#include <utility>

#include "evkit/base/source_location.h"
#include "evkit/loop/context.h"
#include "evkit/loop/handle_node.h"
#include "evkit/timers/clock.h"

namespace evkit {

// Refers to one scheduled callback; copies refer to the same. A small value:
// dropping it does not cancel. Belongs to the loop's thread, and may outlive
// the loop. A default-constructed handle refers to nothing and counts as
// cancelled.
class Handle {
 public:
  Handle() = default;
  // Takes over one reference. For implementations of loops.
  explicit Handle(HandleNode* node) : node_(node) {}
  Handle(const Handle& other) : node_(other.node_) {
    if (node_ != nullptr) node_->Ref();
  }
  Handle(Handle&& other) noexcept
      : node_(std::exchange(other.node_, nullptr)) {}
  Handle& operator=(Handle other) noexcept {
    std::swap(node_, other.node_);
    return *this;
  }
  ~Handle() {
    if (node_ != nullptr) node_->Unref();
  }

  // The callback will not run any more, and what it captured is destroyed at
  // once (when called from within that very callback, after it returns). Once
  // it has run this only makes `cancelled()` true. Idempotent. Contract rules
  // HND-01, TURN-13.
  void Cancel() {
    if (node_ != nullptr) node_->Cancel();
  }

  // Whether `Cancel()` was called, or the loop refused the callback.
  bool cancelled() const { return node_ == nullptr || node_->cancelled(); }

  // The context that the callback runs in (HND-02). A new, empty one if the
  // handle refers to nothing.
  Context context() const {
    return node_ == nullptr ? Context() : node_->context().context();
  }

  // Where it was scheduled.
  SourceLocation scheduled_at() const {
    return node_ == nullptr ? SourceLocation() : node_->scheduled_at();
  }

  // `<Handle scheduled at main.cc:12 in Start>`, `<Handle cancelled>`.
  std::string DebugString() const;

  // Whether both refer to the same scheduled callback.
  friend bool operator==(const Handle& a, const Handle& b) {
    return a.node_ == b.node_;
  }

 protected:
  HandleNode* node() const { return node_; }

 private:
  HandleNode* node_ = nullptr;
};

// A handle of a delayed callback.
class TimerHandle : public Handle {
 public:
  TimerHandle() = default;
  // Takes over one reference. For implementations of loops.
  explicit TimerHandle(TimerHandleNode* node) : Handle(node) {}

  // The deadline, exactly as it was given; also after `Cancel()` and after it
  // has run (HND-03). The infinite past if the handle refers to nothing.
  MonotonicTime when() const {
    return node() == nullptr
               ? MonotonicTime::InfinitePast()
               : static_cast<const TimerHandleNode*>(node())->when();
  }

  // `<TimerHandle when=12.500000000 scheduled at main.cc:12 in Start>`.
  std::string DebugString() const;

  // By deadline (HND-04); handles of the same callback are equal.
  friend bool operator==(const TimerHandle& a, const TimerHandle& b) {
    return a.node() == b.node();
  }
  friend std::partial_ordering operator<=>(const TimerHandle& a,
                                           const TimerHandle& b) {
    if (a == b) return std::partial_ordering::equivalent;
    if (a.when() < b.when()) return std::partial_ordering::less;
    if (b.when() < a.when()) return std::partial_ordering::greater;
    return std::partial_ordering::unordered;  // Same deadline, other callback.
  }
};

}  // namespace evkit

#endif  // EVKIT_LOOP_HANDLE_H_
