// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Waiting for the first, the first failure, or all of several futures, without
// touching them.
//
//   WaitOptions options;
//   options.return_when = ReturnWhen::kFirstCompleted;
//   options.timeout = absl::Seconds(5);
//   auto race = co_await OrReturn(Wait(std::move(tasks), options));
//   for (Task<Page>& late : race.pending) late.Cancel();
//
// Nothing is cancelled when the time is up or the wait is cancelled (WAIT-03);
// a timeout is no error, it shows in what is pending (WAIT-02).

#ifndef EVKIT_LOOP_CORO_WAIT_H_
#define EVKIT_LOOP_CORO_WAIT_H_

#include <concepts>
#include <cstddef>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/loop/coro/future.h"
#include "evkit/loop/coro/internal/future_state.h"
#include "evkit/loop/coro/internal/owned_done_callback.h"
#include "evkit/loop/coro/task.h"
#include "evkit/loop/coro/waiter.h"
#include "evkit/loop/handle.h"

namespace evkit {

enum class ReturnWhen {
  kAllCompleted,
  // Any, failed or cancelled ones too.
  kFirstCompleted,
  // One that failed; being cancelled is no failure. If none does, all.
  kFirstException,
};

// Fill in a named object.
class WaitOptions {
 public:
  WaitOptions() {}

  ReturnWhen return_when = ReturnWhen::kAllCompleted;
  // Of the loop's time, from when the wait begins. Zero or less: one turn.
  absl::Duration timeout = absl::InfiniteDuration();
};

// F is the type of the futures that were waited for.
template <typename F>
class WaitResult {
 public:
  WaitResult() {}

  // Each in the order of the arguments, without repetitions.
  std::vector<F> done;
  std::vector<F> pending;
};

namespace loop_internal {

// A wait under way, in the frame of the one who waits.
class WaitState {
 public:
  explicit WaitState(const WaitOptions& options)
      : options_(options), waiter_("Wait") {}
  WaitState(const WaitState&) = delete;
  WaitState& operator=(const WaitState&) = delete;
  ~WaitState() { timer_.Cancel(); }

  // The future at each place that is true was there before: `futures` has to be
  // freed of it. kInvalidArgument if there is none at all.
  absl::Status Begin(const std::vector<FutureState*>& futures,
                     std::vector<bool>* repeated);

  Waiter& waiter() { return waiter_; }

 private:
  void OnDone(FutureState& future);

  const WaitOptions options_;
  Waiter waiter_;
  TimerHandle timer_;
  std::vector<OwnedDoneCallback> callbacks_;
  size_t left_ = 0;
};

}  // namespace loop_internal

// Waits as `options` say, at least one turn (WAIT-04), and says which of
// `futures` are done and which are not. They may be Future<T>, Task<T> or, for
// different types, AnyFuture.
//   kInvalidArgument: there are no futures (WAIT-01).
//   kCancelled: the task was cancelled; the futures go on. Cancel-safe.
template <std::derived_from<AnyFuture> F>
Coro<WaitResult<F>> Wait(std::vector<F> futures,
                         WaitOptions options = WaitOptions()) {
  std::vector<bool> repeated;
  {
    loop_internal::WaitState wait(options);
    std::vector<loop_internal::FutureState*> states;
    states.reserve(futures.size());
    for (const F& future : futures) states.push_back(future.state());
    absl::Status status = wait.Begin(states, &repeated);
    if (status.ok()) status = co_await wait.waiter();
    if (!status.ok()) co_return status;
  }
  WaitResult<F> result;
  for (size_t i = 0; i < futures.size(); ++i) {
    if (repeated[i]) continue;
    (futures[i].done() ? result.done : result.pending)
        .push_back(std::move(futures[i]));
  }
  co_return result;
}

}  // namespace evkit

#endif  // EVKIT_LOOP_CORO_WAIT_H_
