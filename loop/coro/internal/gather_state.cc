// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/coro/internal/gather_state.h"

#include <string>

#include "absl/container/flat_hash_map.h"
#include "evkit/loop/abstract_event_loop.h"
#include "evkit/policy/running_loop.h"

namespace evkit::loop_internal {

RefPtr<TaskHub> GatherState::HubOf(const std::vector<FutureRef>& children) {
  for (const FutureRef& child : children) {
    if (child->loop() != nullptr) return RefPtr<TaskHub>(&child->hub());
  }
  AbstractEventLoop* const loop = GetRunningLoopOrNull();
  return loop == nullptr ? TaskHub::Detached() : TaskHub::Of(*loop);
}

void GatherState::Begin(const std::vector<FutureRef>& children, bool outcomes) {
  outcomes_ = outcomes;
  if (!CheckHubs(children)) return;
  IndexArguments(children);
  if (children.empty()) {
    CollectAll();
    return;
  }
  const FutureRef self(this);
  // Of each child the first argument that it is.
  std::vector<FutureState*> distinct(children_.size());
  for (size_t i = children.size(); i-- > 0;) {
    distinct[arguments_[i]] = children[i].get();
  }
  for (size_t i = 0; i < distinct.size(); ++i) {
    if (distinct[i]->done()) continue;
    children_[i].callback =
        OwnedDoneCallback(*distinct[i], this, [self, i](FutureState& child) {
          static_cast<GatherState&>(*self).OnChildDone(i, child);
        });
  }
  for (size_t i = 0; i < distinct.size(); ++i) {
    if (distinct[i]->done()) OnChildDone(i, *distinct[i]);
  }
}

bool GatherState::CheckHubs(const std::vector<FutureRef>& children) {
  for (const FutureRef& child : children) {
    if (&child->hub() == &hub()) continue;
    if (child->loop() == nullptr && child->done()) continue;
    FinishWith(
        absl::InvalidArgumentError("Gather: futures of different loops"));
    return false;
  }
  return true;
}

void GatherState::IndexArguments(const std::vector<FutureRef>& children) {
  arguments_.reserve(children.size());
  absl::flat_hash_map<const FutureState*, uint32_t> indices;
  indices.reserve(children.size());
  for (const FutureRef& child : children) {
    const auto index = static_cast<uint32_t>(indices.size());
    arguments_.push_back(indices.emplace(child.get(), index).first->second);
  }
  children_.resize(indices.size());
}

bool GatherState::Cancel(absl::string_view message) {
  MarkRetrieved();
  if (done()) return false;
  if (being_cancelled_) {
    // A child waits for this very gather: nothing else would ever end it.
    FinishWith(absl::CancelledError(message));
    return true;
  }
  being_cancelled_ = true;
  const FutureRef keep_alive(this);
  bool any = false;
  for (const uint32_t index : arguments_) {
    FutureState* const child = children_[index].callback.pending();
    if (child != nullptr && child->Cancel(message)) any = true;
  }
  being_cancelled_ = false;
  if (any) cancel_requested_ = true;
  return any;
}

void GatherState::OnChildDone(size_t index, FutureState& child) {
  ++done_count_;
  if (done()) {
    child.MarkRetrieved();
    return;
  }
  children_[index].done = FutureRef(&child);
  if (!outcomes_ && (child.cancelled() || child.failed())) {
    child.MarkRetrieved();
    if (child.slot().exception != nullptr) {
      FinishWith(child.slot().exception);
    } else {
      FinishWith(child.slot().status);
    }
    for (Child& other : children_) other.done = FutureRef();
    return;
  }
  if (done_count_ == children_.size()) CollectAll();
}

void GatherState::CollectAll() {
  absl::Status status;
  if (cancel_requested_) {
    for (const Child& child : children_) child.done->MarkRetrieved();
    const FutureState& last = *children_[arguments_.back()].done;
    status = last.cancelled() ? last.slot().status : absl::CancelledError();
  } else {
    status = Collect();
  }
  if (status.ok()) {
    Finish();
  } else {
    FinishWith(std::move(status));
  }
  std::vector<Child>().swap(children_);
  std::vector<uint32_t>().swap(arguments_);
}

}  // namespace evkit::loop_internal
