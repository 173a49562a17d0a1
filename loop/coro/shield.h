// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Waiting for something that goes on if the wait is cancelled.
//
//   absl::Status saved = co_await Shield(Save(document));
//
// A task that is cancelled here gets kCancelled, and `Save()` runs on to its
// end. To let it end before passing the cancellation on, keep a handle:
//
//   Task<void> saving = CreateTask(Save(document));
//   absl::Status status = co_await Shield(saving);
//   if (absl::IsCancelled(status)) (co_await saving).IgnoreError();

#ifndef EVKIT_LOOP_CORO_SHIELD_H_
#define EVKIT_LOOP_CORO_SHIELD_H_

#include <type_traits>
#include <utility>

#include "absl/strings/string_view.h"
#include "evkit/base/source_location.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/loop/coro/future.h"
#include "evkit/loop/coro/internal/ensure_future.h"
#include "evkit/loop/coro/internal/future_state.h"
#include "evkit/loop/coro/internal/owned_done_callback.h"
#include "evkit/loop/coro/internal/slot.h"
#include "evkit/loop/coro/internal/task_hub.h"
#include "evkit/loop/coro/task.h"

namespace evkit {

namespace loop_internal {

// The outer future, but for its type. Kept by its handles, and by the inner
// one, which it does not keep.
class ShieldState : public FutureState {
 public:
  void Begin(FutureState& inner);
  bool Cancel(absl::string_view message) override;

 protected:
  using FutureState::FutureState;

 private:
  void OnInnerDone(FutureState& inner);
  // Fills the slot's value in.
  virtual void TakeValue(FutureState& inner) = 0;

  OwnedDoneCallback callback_;
};

template <typename T>
class TypedShield final : public Typed<ShieldState, T> {
 public:
  using Typed<ShieldState, T>::Typed;

 private:
  void TakeValue(FutureState& inner) override {
    Slot<T>& from = static_cast<Slot<T>&>(inner.slot());
    Slot<T>& to = this->typed_slot();
    if constexpr (std::is_void_v<T> || IsCopyable<T>::value) {
      to.value = from.value;
    } else {
      Outcome<T> outcome = ReadSlot(from);
      if (outcome.ok()) {
        to.value.emplace(*std::move(outcome));
      } else {
        to.status = std::move(outcome).status();
      }
    }
  }
};

}  // namespace loop_internal

// A future that ends as `inner` does, one turn later: with its value, its error
// or its cancellation (SHD-01). Cancelling it does not cancel `inner`, whose
// error is then reported if nobody else looks at it (SHD-02). If `inner` is
// done, it is returned itself. Belongs to the loop's thread.
template <typename T>
Future<T> Shield(Future<T> inner) {
  if (inner.done()) return inner;
  auto* const outer = new loop_internal::TypedShield<T>(inner.state()->hub());
  Future<T> handle(loop_internal::FutureRef::Adopt(outer));
  outer->Begin(*inner.state());
  return handle;
}
template <typename T>
Future<T> Shield(Task<T> inner) {
  return Shield<T>(static_cast<Future<T>&&>(inner));
}

// Of a coroutine, which becomes a task of the running loop; or of a function
// object that returns one.
template <typename T>
Future<T> Shield(Coro<T> coro, SourceLocation where = SourceLocation::Here()) {
  return Shield<T>(loop_internal::EnsureFuture(std::move(coro), where));
}
template <loop_internal::CoroFunction F>
Future<loop_internal::CoroFunctionValue<F>> Shield(
    F function, SourceLocation where = SourceLocation::Here()) {
  return Shield(loop_internal::EnsureFuture(std::move(function), where));
}

}  // namespace evkit

#endif  // EVKIT_LOOP_CORO_SHIELD_H_
