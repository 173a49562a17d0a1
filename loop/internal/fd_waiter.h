// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Waiting for a descriptor again and again, as an await of a socket does: the
// descriptor stays registered between two waits, so that the second one costs
// no system call.

#ifndef EVKIT_LOOP_INTERNAL_FD_WAITER_H_
#define EVKIT_LOOP_INTERNAL_FD_WAITER_H_

#include "evkit/base/source_location.h"
#include "evkit/loop/handle_node.h"

namespace evkit::loop_internal {

class FdWaitNode;

// Who waits; see `AbstractEventLoop::WatchFd()`. Belongs to the loop's thread.
// May outlive the loop, and may be destroyed at any moment, which ends the
// wait.
class FdWaiter {
 public:
  FdWaiter(const FdWaiter&) = delete;
  FdWaiter& operator=(const FdWaiter&) = delete;

  // Called in each turn in which the descriptor is ready, or seemed to be, by a
  // callback that does nothing else.
  virtual void OnReady() = 0;

 protected:
  FdWaiter() = default;
  ~FdWaiter() { StopWatching(); }

  // Ends the wait at once. Nothing happens if it was not waiting, or if
  // another's watch has taken its place.
  inline void StopWatching();
  // Whether it waits; false after another's watch has taken its place.
  bool watching() const { return node_ != nullptr; }

 private:
  friend class FdWaitNode;

  FdWaitNode* node_ = nullptr;
};

// The loop's side: one direction of one descriptor. At rest, which is to say
// without a waiter, it counts as cancelled: a loop that finds the descriptor
// ready removes it.
class FdWaitNode final : public HandleNode {
 public:
  // Has one reference, and is at rest. In no context.
  FdWaitNode() {
    Begin(SourceLocation::Here());
    context().Clear();
    set_cancelled(true);
  }

  // Takes the place of another waiter.
  void Arm(FdWaiter& waiter) {
    Part();
    waiter.StopWatching();
    waiter_ = &waiter;
    waiter.node_ = this;
    set_cancelled(false);
  }
  void Rest() {
    Part();
    set_cancelled(true);
  }

  void Run() override { waiter_->OnReady(); }

 private:
  void Part() {
    if (waiter_ == nullptr) return;
    waiter_->node_ = nullptr;
    waiter_ = nullptr;
  }
  void OnCancel() override { Part(); }
  void Release() override {
    Part();
    delete this;
  }

  FdWaiter* waiter_ = nullptr;
};

inline void FdWaiter::StopWatching() {
  if (node_ != nullptr) node_->Rest();
}

}  // namespace evkit::loop_internal

#endif  // EVKIT_LOOP_INTERNAL_FD_WAITER_H_
