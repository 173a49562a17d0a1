// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// The results of several futures, the first to come first.
//
//   AsCompleted pages(std::move(fetches), absl::Seconds(10));
//   while (pages.remaining() > 0) {
//     absl::StatusOr<Page> page = co_await pages.Next();
//     ...
//   }
//
// `NextFuture()` gives the future itself, to tell which it was.

#ifndef EVKIT_LOOP_CORO_AS_COMPLETED_H_
#define EVKIT_LOOP_CORO_AS_COMPLETED_H_

#include <cstddef>
#include <deque>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "evkit/base/source_location.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/loop/coro/future.h"
#include "evkit/loop/coro/internal/ensure_future.h"
#include "evkit/loop/coro/internal/future_state.h"
#include "evkit/loop/coro/internal/owned_done_callback.h"
#include "evkit/loop/coro/or_return.h"
#include "evkit/loop/coro/waiter.h"
#include "evkit/loop/handle.h"

namespace evkit {

namespace loop_internal {

// What does not depend on the type: a queue of those that are done, in which an
// empty reference says that one will be too late.
class AsCompletedState {
 public:
  AsCompletedState(std::vector<FutureRef> futures, absl::Duration timeout);
  AsCompletedState(const AsCompletedState&) = delete;
  AsCompletedState& operator=(const AsCompletedState&) = delete;
  ~AsCompletedState() { timer_.Cancel(); }

  size_t remaining() const { return remaining_; }
  // Takes one of what remains; false if nothing does.
  bool Claim() {
    if (remaining_ == 0) return false;
    --remaining_;
    return true;
  }
  // Waits for one that was claimed.
  Coro<FutureRef> Get(bool claimed);

 private:
  class Getter;

  void OnDone(FutureState& future);
  void OnTimeout();
  void Put(FutureRef future);
  void WakeNextGetter();

  std::vector<FutureRef> futures_;
  std::vector<OwnedDoneCallback> callbacks_;
  std::deque<FutureRef> done_;
  std::deque<Waiter*> getters_;
  TimerHandle timer_;
  FutureRef creator_;  // The task, if any, that waits for the futures.
  size_t to_come_ = 0;
  size_t remaining_ = 0;
};

}  // namespace loop_internal

// Belongs to the loop's thread. What is not done when it is destroyed runs on;
// the coroutines that it gave out may outlive it.
template <typename T>
class AsCompleted {
 public:
  // Of vectors of Coro, Future, Task or function objects that return a Coro.
  // Coroutines become tasks of the running loop at once, in order. A future
  // that is there twice counts once. `timeout` runs from now on.
  template <loop_internal::FutureOrCoro A>
  explicit AsCompleted(std::vector<A> arguments,
                       absl::Duration timeout = absl::InfiniteDuration(),
                       SourceLocation where = SourceLocation::Here())
      : state_(std::make_shared<loop_internal::AsCompletedState>(
            Ensure(std::move(arguments), where), timeout)) {}
  AsCompleted(const AsCompleted&) = delete;
  AsCompleted& operator=(const AsCompleted&) = delete;

  // How many were not given out yet.
  size_t remaining() const { return state_->remaining(); }

  // The result of the next that is done; counts as given out from this call on,
  // unless the wait is cancelled.
  //   kDeadlineExceeded: the time was up before; what is left runs on (ASC-02).
  //   kOutOfRange: nothing remains.
  //   kCancelled: the task was cancelled, and nothing was given out:
  //   cancel-safe. Others, kCancelled too: the future's.
  Coro<T> Next() { return GetResult(state_, state_->Claim()); }

  // The next future that is done, whatever its result (ASC-01). The errors are
  // those above, but for the future's.
  Coro<Future<T>> NextFuture() { return GetFuture(state_, state_->Claim()); }

 private:
  // Shared by this and the coroutines given out: a loop that is closed destroys
  // tasks in the order of their creation, so either may go first.
  using StatePtr = std::shared_ptr<loop_internal::AsCompletedState>;

  template <typename A>
  static std::vector<loop_internal::FutureRef> Ensure(std::vector<A> arguments,
                                                      SourceLocation where) {
    std::vector<loop_internal::FutureRef> states;
    states.reserve(arguments.size());
    for (A& argument : arguments) {
      const Future<T> future =
          loop_internal::EnsureFuture(std::move(argument), where);
      states.push_back(loop_internal::FutureRef(future.state()));
    }
    return states;
  }
  static Coro<T> GetResult(StatePtr state, bool claimed) {
    Future<T> future(co_await OrReturn(state->Get(claimed)));
    co_return co_await std::move(future);
  }
  static Coro<Future<T>> GetFuture(StatePtr state, bool claimed) {
    co_return Future<T>(co_await OrReturn(state->Get(claimed)));
  }

  const StatePtr state_;
};

template <typename A>
explicit AsCompleted(std::vector<A>)
    -> AsCompleted<loop_internal::EnsuredValue<A>>;
template <typename A>
explicit AsCompleted(std::vector<A>, absl::Duration)
    -> AsCompleted<loop_internal::EnsuredValue<A>>;

}  // namespace evkit

#endif  // EVKIT_LOOP_CORO_AS_COMPLETED_H_
