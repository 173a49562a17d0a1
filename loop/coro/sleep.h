// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Waiting for time to pass, or for a turn.
//
//   co_await OrReturn(Sleep(absl::Seconds(1)));

#ifndef EVKIT_LOOP_CORO_SLEEP_H_
#define EVKIT_LOOP_CORO_SLEEP_H_

#include <coroutine>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "evkit/loop/coro/internal/task_state.h"
#include "evkit/loop/handle.h"

namespace evkit {

namespace loop_internal {

class SleepAwait final : public Suspension {
 public:
  explicit SleepAwait(absl::Duration delay) : delay_(delay) {}
  ~SleepAwait() { timer_.Cancel(); }

  bool await_ready() const { return false; }
  template <typename Promise>
  void await_suspend(std::coroutine_handle<Promise> handle) {
    Suspend(handle);
    if (delay_ <= absl::ZeroDuration()) {
      task()->Yield();
    } else {
      Arm();
    }
  }
  absl::Status await_resume() {
    absl::Status status;
    if (TakeCancellation(&status) && cancelled_.ok()) return status;
    return std::move(cancelled_);
  }

  bool CancelWait(absl::string_view message) override;
  std::string Describe() const override;

 private:
  void Arm();

  const absl::Duration delay_;
  TimerHandle timer_;
  absl::Status cancelled_;
  bool elapsed_ = false;
};

}  // namespace loop_internal

// Suspends the task for `delay` of its loop's time, never less; zero or less
// means exactly one turn (TASK-04). OK, or kCancelled. Cancel-safe: there is
// nothing to lose. An infinite sleep ends by cancellation only.
[[nodiscard]] inline loop_internal::SleepAwait Sleep(absl::Duration delay) {
  return loop_internal::SleepAwait(delay);
}

}  // namespace evkit

#endif  // EVKIT_LOOP_CORO_SLEEP_H_
