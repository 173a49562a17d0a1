// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Queues between the tasks of one loop: those who put wait while it is full,
// those who get wait while it is empty. Contract rules QUE-01 to QUE-06.
//
//   Queue<Job> jobs(/*maxsize=*/100);
//
//   Coro<void> Produce() {
//     while (std::optional<Job> job = NextJob()) {
//       co_await OrReturn(jobs.Put(*std::move(job)));   // waits for room
//     }
//     jobs.Shutdown();                                  // no more will come
//     co_return absl::OkStatus();
//   }
//   Coro<void> Consume() {
//     for (;;) {
//       absl::StatusOr<Job> job = co_await jobs.Get();
//       if (absl::IsOutOfRange(job.status())) break;    // shut down and empty
//       co_await OrReturn(Work(*std::move(job)));
//       co_await OrReturn(jobs.TaskDone());
//     }
//     co_return absl::OkStatus();
//   }
//
// Fair: getters and putters are woken in the order in which they came, one for
// each item or slot (QUE-02). One that is woken may find that somebody else,
// who did not have to wait, was faster, and then waits again, last in line.
//
// What it may fail with, beside kCancelled from what waits:
//   kOutOfRange         it is shut down
//   kResourceExhausted  PutNowait(): it is full
//   kUnavailable        GetNowait(): it is empty
//   kInvalidArgument    TaskDone() too often
//   kFailedPrecondition waiting on another loop than the first on which a task
//                       had to wait for it (SYN-01)
//
// No item is ever lost: it is in the queue, or with whoever put or got it, or
// its destructor has run because a failed `Put()`, `Shutdown(true)` or the
// queue's end dropped it.
//
// Belongs to one thread: from others post `PutNowait()` to the loop with
// `CallSoonThreadsafe()`. May be destroyed while tasks wait, who then wait
// until they are cancelled. Putting and getting without waiting allocates
// nothing but a recycled coroutine frame, once the queue has been as long as it
// gets.
//
// T is movable. Its move and the comparison must neither throw nor use the
// queue; its destructor may use it.

#ifndef EVKIT_LOOP_SYNC_QUEUE_H_
#define EVKIT_LOOP_SYNC_QUEUE_H_

#include <cstddef>
#include <functional>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/loop/coro/internal/task_hub.h"
#include "evkit/loop/coro/or_return.h"
#include "evkit/loop/sync/internal/queue_core.h"
#include "evkit/loop/sync/internal/queue_state.h"

namespace evkit {

// First in, first out.
template <typename T>
class Queue {
 public:
  // Holds at most `maxsize` items; any number if that is 0 (QUE-01).
  explicit Queue(size_t maxsize = 0)
      : Queue(StateRef::Adopt(new loop_internal::FifoState<T>(maxsize))) {}
  Queue(const Queue&) = delete;
  Queue& operator=(const Queue&) = delete;

  size_t size() const { return state_->size(); }
  size_t maxsize() const { return state_->maxsize(); }
  bool empty() const { return state_->empty(); }
  // Whether there are `maxsize` items; never if that is 0.
  bool full() const { return state_->full(); }

  // Waits until there is room, and adds `item`; no turn if there is room. It is
  // in the queue if and only if the result is OK: otherwise it is destroyed, so
  // cancelling is safe, but the item is gone. To keep it use `PutFrom()`.
  Coro<void> Put(T item) { return PutItem(state_, std::move(item)); }

  // The same, but moves from `item` only when it is added: after a failure, the
  // caller has it as it was. Cancel-safe. `item` outlives the await.
  Coro<void> PutFrom(T& item) { return PutItem(state_, std::ref(item)); }

  // Adds `item` at once, or fails, and has not moved from it.
  absl::Status PutNowait(T&& item) {
    absl::Status status = state_->CheckPut();
    if (status.ok()) state_->Add(std::move(item));
    return status;
  }
  absl::Status PutNowait(const T& item) {
    absl::Status status = state_->CheckPut();
    if (status.ok()) state_->Add(item);
    return status;
  }

  // Waits until there is an item, and takes it out; no turn if there is one.
  // Cancel-safe: who is cancelled has taken nothing.
  Coro<T> Get() { return GetItem(state_); }

  absl::StatusOr<T> GetNowait() {
    absl::Status status = state_->CheckGet();
    if (!status.ok()) return status;
    return state_->Take();
  }

  // The work that one item meant is done. kInvalidArgument, and nothing
  // happens, if it was called for every item already (QUE-03).
  absl::Status TaskDone() { return state_->TaskDone(); }

  // Waits until `TaskDone()` was called for every item that was put; no turn if
  // it was. Cancel-safe: there is nothing to lose.
  Coro<void> Join() {
    return loop_internal::QueueCore::Join(CoreRef(state_.get()));
  }

  // From now on nothing can be put, and when the items are used up nothing can
  // be got; whoever waits for room or for an item is woken, and fails
  // (QUE-04). `immediate`: the items are dropped, and count as done (QUE-05).
  void Shutdown(bool immediate = false) {
    const StateRef state = state_;
    state->Shutdown(immediate);
    if (immediate) state->Clear();
  }

 protected:
  using StateRef = loop_internal::RefPtr<loop_internal::QueueState<T>>;

  // One of another order.
  explicit Queue(StateRef state) : state_(std::move(state)) {}

 private:
  using CoreRef = loop_internal::RefPtr<loop_internal::QueueCore>;

  // `Item` is a T or a reference to one.
  template <typename Item>
  static Coro<void> PutItem(StateRef queue, Item item) {
    while (queue->full()) {
      absl::Status status = queue->CheckWait();
      if (!status.ok()) co_return status;
      loop_internal::QueueTurn turn(*queue, loop_internal::QueueTurn::kRoom);
      co_await OrReturn(turn.waiter());
      turn.Take();
    }
    absl::Status status = queue->CheckPut();
    if (status.ok()) {
      T& source = item;
      queue->Add(std::move(source));
    }
    co_return status;
  }
  static Coro<T> GetItem(StateRef queue) {
    while (queue->empty()) {
      absl::Status status = queue->CheckWait();
      if (!status.ok()) co_return status;
      loop_internal::QueueTurn turn(*queue, loop_internal::QueueTurn::kItem);
      co_await OrReturn(turn.waiter());
      turn.Take();
    }
    co_return queue->Take();
  }

  const StateRef state_;
};

// Gives the smallest item first, in the order of `Less`; equal ones in no
// particular order (QUE-06).
template <typename T, typename Less = std::less<T>>
class PriorityQueue : public Queue<T> {
 public:
  explicit PriorityQueue(size_t maxsize = 0, Less less = Less())
      : Queue<T>(
            Queue<T>::StateRef::Adopt(new loop_internal::PriorityState<T, Less>(
                maxsize, std::move(less)))) {}
};

// Gives the newest item first (QUE-06).
template <typename T>
class LifoQueue : public Queue<T> {
 public:
  explicit LifoQueue(size_t maxsize = 0)
      : Queue<T>(Queue<T>::StateRef::Adopt(
            new loop_internal::LifoState<T>(maxsize))) {}
};

}  // namespace evkit

#endif  // EVKIT_LOOP_SYNC_QUEUE_H_
