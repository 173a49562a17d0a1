// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// A flag that tasks of one loop can wait for. Contract rules SYN-01, SYN-06.
//
//   Event ready;
//   co_await OrReturn(ready.Wait());   // in one task
//   ready.Set();                       // somewhere else
//
// `Set()` wakes everybody who waits then, in the order in which they came, even
// if `Clear()` follows before they have gone on.
//
// Belongs to one thread, and to the first loop on which a task had to wait for
// it: on another one waiting is kFailedPrecondition (SYN-01). May be destroyed
// while tasks wait, who then wait until they are cancelled.

#ifndef EVKIT_LOOP_SYNC_EVENT_H_
#define EVKIT_LOOP_SYNC_EVENT_H_

#include "absl/status/status.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/loop/coro/internal/task_hub.h"

namespace evkit {

namespace loop_internal {
class EventState;
}  // namespace loop_internal

class Event {
 public:
  // Not set.
  Event();
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  ~Event();

  bool is_set() const;
  void Set();
  void Clear();

  // Waits until the flag is set; no turn if it is. OK, or kCancelled, or
  // kFailedPrecondition if the event belongs to another loop. Cancel-safe:
  // there is nothing to lose.
  Coro<void> Wait();

 private:
  const loop_internal::RefPtr<loop_internal::EventState> state_;
};

}  // namespace evkit

#endif  // EVKIT_LOOP_SYNC_EVENT_H_
