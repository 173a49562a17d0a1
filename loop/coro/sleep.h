// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Waiting for time to pass, or for a turn.
//
//   co_await OrReturn(Sleep(absl::Seconds(1)));

#ifndef EVKIT_LOOP_CORO_SLEEP_H_
#define EVKIT_LOOP_CORO_SLEEP_H_

#include <coroutine>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "evkit/loop/coro/internal/sleep_timer.h"
#include "evkit/loop/coro/internal/task_state.h"

namespace evkit {

namespace loop_internal {

class SleepAwait final : public Suspension {
 public:
  static constexpr bool kTellsOfFailure = true;

  explicit SleepAwait(absl::Duration delay) : delay_(delay) {}

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
    const bool cancelled = TakeCancellation(&status);
    if (wait_.has_value() && !wait_->cancelled.ok()) {
      return std::move(wait_->cancelled);
    }
    return cancelled ? std::move(status) : absl::OkStatus();
  }

  bool CancelWait(absl::string_view message) override;
  std::string Describe() const override;

  // Called by the timer.
  void OnTime() {
    if (!wait_->cancelled.ok()) return;
    wait_->elapsed = true;
    task()->Wake();
  }

 private:
  // What a sleep has that takes time, or is cancelled, and a turn has not.
  class Wait {
   public:
    // Not by default: clang cannot tell yet, inside of SleepAwait, that it can.
    Wait() {}
    ~Wait() {
      if (timer != nullptr) timer->GiveBack(/*told=*/elapsed);
    }

    SleepTimer* timer = nullptr;
    absl::Status cancelled;
    bool elapsed = false;
  };

  void Arm();

  const absl::Duration delay_;
  std::optional<Wait> wait_;
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
