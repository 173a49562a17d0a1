// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Tasks of one loop that wait for each other: none goes on before all are
// there. Contract rules SYN-01, SYN-12, SYN-13.
//
//   Barrier all(3);
//
//   Coro<void> Work() {                       // in 3 tasks
//     co_await OrReturn(Prepare());
//     const int index = co_await OrReturn(all.Wait());
//     if (index == 0) std::cout << "all are prepared\n";
//     ...
//   }
//
// It can be used again and again: who comes while the tasks of one round have
// not all gone on waits for the next round to begin.
//
// Belongs to one thread, and to the first loop on which a task had to wait for
// it: on another one waiting is kFailedPrecondition (SYN-01). May be destroyed
// while tasks wait, who then wait until they are cancelled.

#ifndef EVKIT_LOOP_SYNC_BARRIER_H_
#define EVKIT_LOOP_SYNC_BARRIER_H_

#include "evkit/loop/coro/coro.h"
#include "evkit/loop/coro/internal/task_hub.h"

namespace evkit {

namespace loop_internal {
class BarrierState;
}  // namespace loop_internal

class Barrier {
 public:
  // For `parties` tasks. Less than 1 aborts the program (SYN-12).
  explicit Barrier(int parties);
  Barrier(const Barrier&) = delete;
  Barrier& operator=(const Barrier&) = delete;
  ~Barrier();

  int parties() const;
  // How many wait for the round to be complete; 0 while they go on (SYN-12).
  int waiting() const;
  bool broken() const;

  // Waits until as many tasks as there are parties wait, and gives each a
  // number of its own, from 0, in the order in which they came.
  //   kAborted: the barrier was aborted, or reset meanwhile (SYN-13).
  //   kCancelled: the task was cancelled. Cancel-safe: it does not count any
  //     more, unless the round was complete before.
  Coro<int> Wait();

  // Breaks the barrier: who waits, and whoever will, gets kAborted, until
  // `Reset()` (SYN-13). Suspends if the barrier is busy; who is cancelled then
  // has not broken it.
  Coro<void> Abort();

  // Makes it as new. Who waits gets kAborted (SYN-13). Suspends if the barrier
  // is busy; who is cancelled then has not reset it.
  Coro<void> Reset();

 private:
  const loop_internal::RefPtr<loop_internal::BarrierState> state_;
};

}  // namespace evkit

#endif  // EVKIT_LOOP_SYNC_BARRIER_H_
