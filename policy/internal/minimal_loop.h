// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// The least that is an event loop: it runs what `CallSoon()` was given. Stands
// for a loop of the user's own in the tests of this package, which must not
// need a real one.

#ifndef EVKIT_POLICY_INTERNAL_MINIMAL_LOOP_H_
#define EVKIT_POLICY_INTERNAL_MINIMAL_LOOP_H_

#include <cstdint>
#include <deque>
#include <string>

#include "absl/status/status.h"
#include "evkit/loop/abstract_event_loop.h"
#include "evkit/loop/callback.h"
#include "evkit/timers/clock.h"

namespace evkit::policy_internal {

// Belongs to one thread. Schedules nothing but `CallSoon()`, whose handle
// refers to nothing.
class MinimalLoop final : public AbstractEventLoop {
 public:
  MinimalLoop() = default;
  // Closes it. Must not be running (checked).
  ~MinimalLoop() override;

  // Runs until nothing is queued, or stopped.
  absl::Status RunForever() override;
  void Stop() override { stopping_ = true; }
  bool IsRunning() const override { return running_; }
  absl::Status Close() override;
  bool IsClosed() const override { return closed_; }

  MonotonicTime Time() const override { return MonotonicTime(); }
  uint64_t Random() override { return 4; }
  bool RemoveReader(int) override { return false; }
  bool RemoveWriter(int) override { return false; }
  ExceptionHandler SetExceptionHandler(ExceptionHandler) override {
    return nullptr;
  }
  void CallExceptionHandler(const ErrorContext&) override {}
  void DefaultExceptionHandler(const ErrorContext&) override {}
  void SetDebug(bool) override {}
  bool GetDebug() const override { return false; }
  std::string DebugString() const override { return "<MinimalLoop>"; }

 private:
  Handle DoCallSoon(Callback&& callback, const Context* context,
                    SourceLocation where) override;
  absl::Status DoCallSoonThreadsafe(Callback&& callback, const Context* context,
                                    SourceLocation where) override;
  TimerHandle DoCallAt(MonotonicTime when, Callback&& callback,
                       const Context* context, SourceLocation where) override;
  absl::Status DoAddReader(int fd, Callback&& callback,
                           SourceLocation where) override;
  absl::Status DoAddWriter(int fd, Callback&& callback,
                           SourceLocation where) override;

  std::deque<Callback> ready_;
  bool running_ = false;
  bool stopping_ = false;
  bool closed_ = false;
};

}  // namespace evkit::policy_internal

#endif  // EVKIT_POLICY_INTERNAL_MINIMAL_LOOP_H_
