// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// The future of a `Gather()`, but for the type of its value.

#ifndef EVKIT_LOOP_CORO_INTERNAL_GATHER_STATE_H_
#define EVKIT_LOOP_CORO_INTERNAL_GATHER_STATE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "evkit/loop/coro/internal/future_state.h"
#include "evkit/loop/coro/internal/slot.h"
#include "evkit/loop/coro/internal/task_hub.h"
#include "evkit/loop/coro/outcome.h"
#include "evkit/loop/handle_node.h"

namespace evkit::loop_internal {

// Kept by its handles, and by its children as long as they are pending. Does
// not keep a pending child, which would be a circle.
class GatherState : public FutureState {
 public:
  // The hub that a gather of `children` belongs to.
  static RefPtr<TaskHub> HubOf(const std::vector<FutureRef>& children);

  // `outcomes`: children that fail do not end it, and are in the result.
  // `distinct`: no child is there twice. To be called once, before anybody else
  // sees this.
  void Begin(const std::vector<FutureRef>& children, bool outcomes,
             bool distinct);

  // Cancels the children; see `Gather()`.
  bool Cancel(absl::string_view message) override;

 protected:
  using FutureState::FutureState;

  // All children are done, and, without `outcomes`, have values: fills the
  // slot's value in, or returns why it cannot.
  virtual absl::Status Collect() = 0;

  // How the child ended that is this argument.
  template <typename T>
  Outcome<T> OutcomeOfChild(size_t argument);

 private:
  // One child, and the callback that tells of its end a turn later. As long as
  // the child is pending or the callback queued, the node's references count as
  // one to the gather, which so outlives its nodes.
  class Child final : public HandleNode, public DoneHook {
   public:
    Child() = default;

    // Of a child that is pending.
    void Await(GatherState& gather, FutureState& child);

    void OnDone(FutureState& child) override;
    void OnForgotten() override { Unref(); }
    FutureState* awaiter() override { return gather_; }
    void Run() override;

    FutureRef ended;     // Once the child is done.
    bool heard = false;  // The gather has been told.

   private:
    void Release() override { gather_->Unref(); }
    std::string Describe() const override { return "done callback"; }

    GatherState* gather_ = nullptr;
  };

  void OnChildDone(Child& child, FutureRef ended);
  void CollectAll();
  // Drops those that it has been told of.
  void ForgetChildren();
  // Whether all arguments are of one loop; fails if not.
  bool CheckHubs(const std::vector<FutureRef>& children);
  // For each argument the index of its child, which may be there repeatedly.
  void IndexArguments(const std::vector<FutureRef>& children);
  size_t IndexOf(size_t argument) const {
    return arguments_.empty() ? argument : arguments_[argument];
  }

  std::unique_ptr<Child[]> children_;
  std::vector<uint32_t> arguments_;  // Empty: each argument is a child.
  size_t child_count_ = 0;
  size_t argument_count_ = 0;
  size_t done_count_ = 0;
  bool outcomes_ = false;
  bool cancel_requested_ = false;
  bool being_cancelled_ = false;
};

template <typename T>
Outcome<T> GatherState::OutcomeOfChild(size_t argument) {
  FutureState& child = *children_[IndexOf(argument)].ended;
  child.MarkRetrieved();
  if (child.failed() || child.cancelled()) return child.Error();
  Slot<T>& slot = static_cast<Slot<T>&>(child.slot());
  if constexpr (!std::is_void_v<T>) {
    const bool nobody_else = child.unique() && child_count_ == argument_count_;
    if (nobody_else && slot.has_value()) return *std::move(slot.value);
  }
  return ReadSlot(slot);
}

}  // namespace evkit::loop_internal

#endif  // EVKIT_LOOP_CORO_INTERNAL_GATHER_STATE_H_
