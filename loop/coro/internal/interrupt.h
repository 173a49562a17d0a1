// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// SIGINT as a cancellation of one task, once.

#ifndef EVKIT_LOOP_CORO_INTERNAL_INTERRUPT_H_
#define EVKIT_LOOP_CORO_INTERNAL_INTERRUPT_H_

#include "evkit/loop/abstract_event_loop.h"
#include "evkit/loop/coro/task.h"

namespace evkit::loop_internal {

// While it lives, the first SIGINT cancels `main`, in a callback of `loop`. The
// kernel restores the default as it delivers that one (SA_RESETHAND), so a
// second ends the process even if the loop is stuck.
//
// Does nothing if this is not the main thread, if SIGINT does something else
// than by default already, or if descriptors have run out. A handler that
// somebody else installs meanwhile stays.
class ScopedInterrupt {
 public:
  ScopedInterrupt(AbstractEventLoop& loop, const AnyTask& main);
  ScopedInterrupt(const ScopedInterrupt&) = delete;
  ScopedInterrupt& operator=(const ScopedInterrupt&) = delete;
  // A SIGINT that came too late to cancel `main` is sent again, now that the
  // default is back.
  ~ScopedInterrupt();

  // Whether `main` ended as cancelled by SIGINT and by nothing else. Takes that
  // cancellation back, so it may be asked once.
  bool CancelledMain();

 private:
  bool Install();
  void OnReadable();

  AbstractEventLoop& loop_;
  const AnyTask main_;
  bool installed_ = false;
  bool cancelled_main_ = false;
};

}  // namespace evkit::loop_internal

#endif  // EVKIT_LOOP_CORO_INTERNAL_INTERRUPT_H_
