// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// asyncio's `add_done_callback()` and `remove_done_callback()` for what is
// built on futures: a callback one turn after the future is done, which its
// owner takes back.

#ifndef EVKIT_LOOP_CORO_INTERNAL_OWNED_DONE_CALLBACK_H_
#define EVKIT_LOOP_CORO_INTERNAL_OWNED_DONE_CALLBACK_H_

#include <utility>

#include "evkit/base/source_location.h"
#include "evkit/loop/coro/internal/future_state.h"
#include "evkit/loop/coro/internal/task_hub.h"

namespace evkit::loop_internal {

// Destroying it takes the callback back, queued or not; so the callback may
// refer to what lives in the frame or object that this is part of.
class OwnedDoneCallback {
 public:
  OwnedDoneCallback() = default;
  // Also of a future that is done. `awaiter`: see DoneHook; it stays alive as
  // long as this or until the future is done.
  OwnedDoneCallback(FutureState& future, FutureState* awaiter,
                    DoneCallbackNode::Function function)
      : node_(new DoneCallbackNode(std::move(function), nullptr,
                                   SourceLocation::Here(), awaiter)) {
    future.AddHook(*node_);
  }
  OwnedDoneCallback(OwnedDoneCallback&& other) noexcept = default;
  OwnedDoneCallback& operator=(OwnedDoneCallback&& other) noexcept {
    std::swap(node_, other.node_);
    return *this;
  }
  ~OwnedDoneCallback() {
    if (node_) node_->Withdraw();
  }

  // The future, while it is pending.
  FutureState* pending() const { return node_ ? node_->future() : nullptr; }

 private:
  RefPtr<DoneCallbackNode> node_;
};

}  // namespace evkit::loop_internal

#endif  // EVKIT_LOOP_CORO_INTERNAL_OWNED_DONE_CALLBACK_H_
