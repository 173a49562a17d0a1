// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/coro/internal/gather_state.h"

#include <string>

#include "absl/container/flat_hash_map.h"
#include "evkit/base/source_location.h"
#include "evkit/loop/abstract_event_loop.h"
#include "evkit/loop/context.h"
#include "evkit/policy/running_loop.h"

namespace evkit::loop_internal {

RefPtr<TaskHub> GatherState::HubOf(const std::vector<FutureRef>& children) {
  for (const FutureRef& child : children) {
    if (child->loop() != nullptr) return RefPtr<TaskHub>(&child->hub());
  }
  AbstractEventLoop* const loop = GetRunningLoopOrNull();
  return loop == nullptr ? TaskHub::Detached() : TaskHub::Of(*loop);
}

void GatherState::Child::Await(GatherState& gather, FutureState& child) {
  gather_ = &gather;
  gather.Ref();
  Begin(SourceLocation::Here());
  child.AddHook(*this);
}

void GatherState::Child::OnDone(FutureState& child) {
  AbstractEventLoop* const loop = child.loop();
  if (loop == nullptr) {
    OnForgotten();
    return;
  }
  Ref();
  ended = FutureRef(&child);
  // Otherwise the loop is being closed.
  if (!loop->CallSoonNode(*this)) ended = FutureRef();
  Unref();
}

void GatherState::Child::Run() {
  const ScopedContextCell in_context(context().cell());
  gather_->OnChildDone(*this, std::move(ended));
}

void GatherState::Begin(const std::vector<FutureRef>& children, bool outcomes,
                        bool distinct) {
  outcomes_ = outcomes;
  if (!CheckHubs(children)) return;
  argument_count_ = children.size();
  child_count_ = argument_count_;
  if (!distinct) IndexArguments(children);
  if (children.empty()) {
    CollectAll();
    return;
  }
  const FutureRef self(this);
  children_ = std::make_unique<Child[]>(child_count_);
  // Each child at the first argument that it is.
  for (size_t i = 0, next = 0; next < child_count_; ++i) {
    if (IndexOf(i) != next) continue;
    Child& child = children_[next++];
    if (!children[i]->done()) child.Await(*this, *children[i]);
  }
  for (size_t i = 0, next = 0; next < child_count_; ++i) {
    if (IndexOf(i) != next) continue;
    Child& child = children_[next++];
    if (children[i]->done()) OnChildDone(child, children[i]);
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
  child_count_ = indices.size();
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
  for (size_t i = 0; i < argument_count_; ++i) {
    FutureState* const child = children_[IndexOf(i)].future();
    if (child != nullptr && child->Cancel(message)) any = true;
  }
  being_cancelled_ = false;
  if (any) cancel_requested_ = true;
  return any;
}

void GatherState::OnChildDone(Child& child, FutureRef ended) {
  ++done_count_;
  if (done()) {
    ended->MarkRetrieved();
    return;
  }
  child.heard = true;
  child.ended = std::move(ended);
  FutureState& future = *child.ended;
  if (!outcomes_ && (future.cancelled() || future.failed())) {
    future.MarkRetrieved();
    if (future.slot().exception != nullptr) {
      FinishWith(future.slot().exception);
    } else {
      FinishWith(future.slot().status);
    }
    ForgetChildren();
    return;
  }
  if (done_count_ == child_count_) CollectAll();
}

void GatherState::ForgetChildren() {
  for (size_t i = 0; i < child_count_; ++i) {
    if (children_[i].heard) children_[i].ended = FutureRef();
  }
}

void GatherState::CollectAll() {
  absl::Status status;
  if (cancel_requested_) {
    for (size_t i = 0; i < child_count_; ++i) {
      children_[i].ended->MarkRetrieved();
    }
    const FutureState& last = *children_[IndexOf(argument_count_ - 1)].ended;
    status = last.cancelled() ? last.slot().status : absl::CancelledError();
  } else {
    status = Collect();
  }
  if (status.ok()) {
    Finish();
  } else {
    FinishWith(std::move(status));
  }
  ForgetChildren();
}

}  // namespace evkit::loop_internal
