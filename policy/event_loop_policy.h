// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Which event loop is mine? The rules of asyncio's event loop policies: a
// process-wide policy makes loops and remembers one for each thread.
//
// New code is better served by an explicit loop: make one, pass it on, and
// inside callbacks ask `GetRunningLoop()`. This is here for code that was
// written against asyncio's rules, and for libraries that must ask "the"
// loop without being handed one. It knows the loop's interface only; what makes
// loops comes from outside, so it serves a loop of yours as well.

#ifndef EVKIT_POLICY_EVENT_LOOP_POLICY_H_
#define EVKIT_POLICY_EVENT_LOOP_POLICY_H_

#include <cstdint>
#include <memory>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "evkit/loop/abstract_event_loop.h"

namespace evkit {

// Makes a fresh, open loop. Called from any thread, also from several at once.
using LoopFactory =
    absl::AnyInvocable<absl::StatusOr<std::unique_ptr<AbstractEventLoop>>()
                           const>;

// Thread-safe: one object serves all threads, each of which sees its own
// current loop.
class EventLoopPolicy {
 public:
  virtual ~EventLoopPolicy() = default;

  // This thread's current loop. The running loop is not this function's
  // business: `evkit::GetEventLoop()` (loop/current.h) asks for that first.
  virtual absl::StatusOr<AbstractEventLoop*> GetEventLoop() = 0;

  // Makes `loop`, which is borrowed, this thread's current loop; null means
  // none. Has no effect on which loop runs (LOOP-15).
  virtual void SetEventLoop(AbstractEventLoop* loop) = 0;

  // A fresh loop, which belongs to the caller and is not made current
  // (LOOP-13).
  virtual absl::StatusOr<std::unique_ptr<AbstractEventLoop>> NewEventLoop() = 0;
};

// asyncio's rules (LOOP-08 to LOOP-11). GetEventLoop() returns what
// SetEventLoop() stored in this thread last, closed or not (LOOP-14). If
// SetEventLoop() was never called in this thread, and it is the main thread, it
// makes a loop and keeps it. Otherwise kFailedPrecondition, naming the thread.
//
// A loop that it made and kept lives as long as the main thread, policy or not;
// if exit() is called in one of its callbacks, it is not destroyed. While a
// thread destroys its `thread_local` objects it has no current loop.
//
// A forked child starts anew, as if neither function had been called in its
// thread (LOOP-05), and leaves the parent's loop alone.
class DefaultEventLoopPolicy : public EventLoopPolicy {
 public:
  // A null factory is a bug (checked), and so is one that makes a null loop.
  explicit DefaultEventLoopPolicy(LoopFactory factory);

  absl::StatusOr<AbstractEventLoop*> GetEventLoop() override;
  void SetEventLoop(AbstractEventLoop* loop) override;
  absl::StatusOr<std::unique_ptr<AbstractEventLoop>> NewEventLoop() override;

 private:
  struct ThreadState;
  class ThreadStates;

  // This policy's state in the calling thread; null when that ends.
  ThreadState* ThisThread() const;

  const LoopFactory factory_;
  const uint64_t id_;  // Never reused, unlike an address.
};

// The process-wide policy: shared by the slot and by the callers of this
// function, so that it can be replaced while another thread uses it. Null until
// somebody sets or installs one. Thread-safe, all three.
std::shared_ptr<EventLoopPolicy> GetEventLoopPolicy();

// Replaces it, for all threads. Null empties the slot, and the next
// `GetOrInstallEventLoopPolicy()` fills it with the default (LOOP-16). The
// loops that the old policy has stored stay with the old policy.
void SetEventLoopPolicy(std::shared_ptr<EventLoopPolicy> policy);

// The process-wide policy; if there is none, a DefaultEventLoopPolicy with
// `factory`, which becomes it. First use decides.
std::shared_ptr<EventLoopPolicy> GetOrInstallEventLoopPolicy(
    LoopFactory factory);

}  // namespace evkit

#endif  // EVKIT_POLICY_EVENT_LOOP_POLICY_H_
