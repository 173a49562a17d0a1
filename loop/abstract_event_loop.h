// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// What evkit's own components, and yours, ask of an event loop: call this soon,
// call it later, call it when that descriptor is ready. Sockets, streams,
// processes, tasks are built on this interface and never on an implementation,
// so they run unchanged on a loop of yours, or on one with a fake clock.
//
// A loop goes round in turns. In each it (a) sees how long it may sleep, (b)
// waits for descriptors that long, (c) queues the callbacks of the ready ones,
// (d) queues the timers that are due, and (e) runs what was in the queue at
// that moment, in order; what is queued meanwhile waits for the next turn
// (contract section 3, TURN-01 to TURN-04).
//
// Thread: a loop belongs to the thread that runs it, and while it is not
// running, to one thread at a time. Only `CallSoonThreadsafe()` may be called
// from others. In debug mode calls from the wrong thread are checked.
// Re-entrancy: any of these may be called from any callback, but for
// `RunForever()` and `Close()`. No user code runs inside any of them, but for
// `RunForever()`, exception handlers, and the destructors of what cancelled or
// refused callbacks captured.
// Memory: if there is none, a function has done nothing and lets std::bad_alloc
// out. One that a callback does not catch ends the process
// (docs/architecture.md, "Out of memory").

#ifndef EVKIT_LOOP_ABSTRACT_EVENT_LOOP_H_
#define EVKIT_LOOP_ABSTRACT_EVENT_LOOP_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "evkit/base/source_location.h"
#include "evkit/loop/callback.h"
#include "evkit/loop/context.h"
#include "evkit/loop/error_context.h"
#include "evkit/loop/handle.h"
#include "evkit/loop/handle_node.h"
#include "evkit/loop/internal/fd_waiter.h"
#include "evkit/timers/clock.h"

namespace evkit {

class ChildWatching;

namespace loop_internal {
class KeptTimer;
}  // namespace loop_internal

class AbstractEventLoop {
 public:
  AbstractEventLoop() = default;
  AbstractEventLoop(const AbstractEventLoop&) = delete;
  AbstractEventLoop& operator=(const AbstractEventLoop&) = delete;
  virtual ~AbstractEventLoop();

  // --- Scheduling -----------------------------------------------------------
  //
  // `where` records the caller, for reports. A callback runs in a copy of the
  // context that is current where it is scheduled, or in the very `context`
  // given. On a closed loop nothing is scheduled: the callback is destroyed,
  // the handle says `cancelled()`, and the exception handler gets
  // kFailedPrecondition (RUN-26).

  // Calls `callback` in the next turn, after those queued before (SOON-01). It
  // is never called inside this call (SOON-02).
  Handle CallSoon(Callback callback,
                  SourceLocation where = SourceLocation::Here()) {
    return DoCallSoon(std::move(callback), nullptr, where);
  }
  Handle CallSoon(Callback callback, const Context& context,
                  SourceLocation where = SourceLocation::Here()) {
    return DoCallSoon(std::move(callback), &context, where);
  }

  // `CallSoon()` from any thread; wakes the loop if it sleeps. Calls of one
  // thread keep their order, also towards `CallSoon()` on the loop's own thread
  // (SOON-08). Not for signal handlers: it may allocate. A refused callback is
  // destroyed on the calling thread before this returns.
  //   kFailedPrecondition: the loop is closed (SOON-06), or was inherited
  //     through fork.
  //   Another error, from write(2): the callback is queued, and the loop may
  //     sleep on until something else wakes it.
  absl::Status CallSoonThreadsafe(
      Callback callback, SourceLocation where = SourceLocation::Here()) {
    return DoCallSoonThreadsafe(std::move(callback), nullptr, where);
  }
  absl::Status CallSoonThreadsafe(
      Callback callback, const Context& context,
      SourceLocation where = SourceLocation::Here()) {
    return DoCallSoonThreadsafe(std::move(callback), &context, where);
  }

  // Calls `callback` in the first turn that begins its timers at or after
  // `Time() + delay`; never early. A delay of zero or less means the next turn,
  // after what was queued by then (TIME-03). Timers run in order of deadline,
  // equal ones in the order of these calls (TIME-05). Delays beyond the range
  // of the clock, and infinite ones, never come. A timeout that is put off over
  // and over is better a `Timer` (loop/timer/timer.h).
  TimerHandle CallLater(absl::Duration delay, Callback callback,
                        SourceLocation where = SourceLocation::Here()) {
    return DoCallAt(Time() + delay, std::move(callback), nullptr, where);
  }
  TimerHandle CallLater(absl::Duration delay, Callback callback,
                        const Context& context,
                        SourceLocation where = SourceLocation::Here()) {
    return DoCallAt(Time() + delay, std::move(callback), &context, where);
  }

  // The same at a time of this loop's clock.
  TimerHandle CallAt(MonotonicTime when, Callback callback,
                     SourceLocation where = SourceLocation::Here()) {
    return DoCallAt(when, std::move(callback), nullptr, where);
  }
  TimerHandle CallAt(MonotonicTime when, Callback callback,
                     const Context& context,
                     SourceLocation where = SourceLocation::Here()) {
    return DoCallAt(when, std::move(callback), &context, where);
  }

  // `CallSoon()` for those who keep the callback's node themselves, and so need
  // no allocation and no copy of the context: a task's next step. Takes over
  // one reference to `node`, which has its callback and its context and is in
  // no queue. On a closed loop, gives the reference back and returns false.
  virtual bool CallSoonNode(HandleNode& node);

  // For `Timer` (loop/timer/timer.h). Puts its deadline into a wheel of the
  // loop's, in place of the one that it had; on a closed loop, as `CallAt()`.
  // False: this loop has none, and `CallAt()` has to do.
  virtual bool ArmTimer(loop_internal::KeptTimer& timer, MonotonicTime when);

  // The loop's clock, read at this moment: monotonic, unrelated to the time of
  // day (TIME-01). Works on a closed loop.
  virtual MonotonicTime Time() const = 0;

  // A number that nobody can guess, or, on a loop made with a seed, the next of
  // that seed's: whatever in a program is left to chance and should replay
  // (jitter, shuffles) draws from here. Uniform over 64 bits; not for keys.
  virtual uint64_t Random() = 0;

  // --- Descriptors ----------------------------------------------------------

  // Calls `callback` in each turn in which `fd` is readable, which end of file,
  // errors and hang-ups count as (FDW-01). A second call for the same fd takes
  // the first one's place (FDW-02); readers and writers do not affect each
  // other. The descriptor is borrowed and its flags are left alone: remove
  // before closing it. One that was closed without that, and whose number came
  // back, is watched afresh, and the callbacks of its predecessor are dropped,
  // as far as the selector can tell (epoll can; poll and select cannot, and
  // leave the other direction's in place).
  //   kInvalidArgument: `fd` is negative.
  //   kFailedPrecondition: the loop is closed, or was inherited through fork;
  //     or EBADF, not open.
  //   kPermissionDenied: EPERM, a kind that cannot be waited for (a regular
  //     file, with epoll).
  //   Other errnos of epoll_ctl(2). After an error nothing is watched that was
  //   not watched before (FDW-07).
  absl::Status AddReader(int fd, Callback callback,
                         SourceLocation where = SourceLocation::Here()) {
    return DoAddReader(fd, std::move(callback), where);
  }

  // Calls `callback` in each turn in which `fd` is writable. As above.
  absl::Status AddWriter(int fd, Callback callback,
                         SourceLocation where = SourceLocation::Here()) {
    return DoAddWriter(fd, std::move(callback), where);
  }

  // Stops watching, and says whether `fd` was watched that way; also when it
  // is already queued in this turn, the callback will not run (TURN-18).
  // Afterwards the descriptor may be closed. False, and nothing done, on a
  // closed loop (RUN-27) or one inherited through fork.
  virtual bool RemoveReader(int fd) = 0;
  virtual bool RemoveWriter(int fd) = 0;

  // For awaits of sockets. As `AddReader()` or `AddWriter()`, until `waiter`
  // has had enough; it is then not watched any more, for all that can be seen
  // here, but the selector keeps the registration, if only until the descriptor
  // is ready and nobody waits. `file` is not 0 and stands for the open file:
  // only if it is the same as last time is what was registered then relied
  // upon, so that it does not matter if the descriptor was closed, and its
  // number came back.
  //   kUnimplemented: this loop knows no descriptors. Others: as `AddReader()`.
  virtual absl::Status WatchFd(int fd, uint32_t file, bool for_writing,
                               loop_internal::FdWaiter& waiter);

  // `AddReader()` for those who keep the callback's node themselves, and so
  // need no allocation: a transport. Counts a reference to `node`, which has
  // its context, while it is watched, queued or running; once it was removed,
  // it is cancelled.
  //   kUnimplemented: this loop can not, and `AddReader()` has to do. Others:
  //     as `AddReader()`.
  virtual absl::Status AddReaderNode(int fd, HandleNode& node);

  // Both at once, for the owner of `fd` who closes it right afterwards: whether
  // it was watched in either way. Requires that `fd` is the only descriptor of
  // its file, as far as the caller knows; the kernel forgets a file with its
  // last descriptor, and need not be told, which saves a system call. If there
  // is another one after all (a duplicate, a copy in a forked child), nobody
  // is called wrongly, but the loop pays once for finding out
  // (docs/selectors.md): use the other two then.
  virtual bool ForgetFd(int fd);

  // --- Children -------------------------------------------------------------

  // What this loop does about child processes (loop/child_watching.h). Null if
  // it leaves them to who starts them, as a loop may.
  virtual ChildWatching* child_watching() { return nullptr; }

  // --- Running --------------------------------------------------------------

  // Goes round until `Stop()`. May be called again afterwards: what is queued
  // or pending stays (RUN-36).
  //   kFailedPrecondition: closed (RUN-02), already running (RUN-03), another
  //     loop is running in this thread (RUN-04), or inherited through fork.
  //     Nothing has run, and a loop that is running goes on. (A child that is
  //     forked in a callback and returns from it gets this when the loop looks
  //     at its descriptors next.)
  //   Other errors: the selector failed for good (TURN-20).
  virtual absl::Status RunForever() = 0;

  // Ends `RunForever()` after the current turn's callbacks (RUN-07); what those
  // scheduled stays queued. If the loop is not running, the next run makes one
  // turn, without sleeping (RUN-08). Idempotent; works on a closed loop.
  virtual void Stop() = 0;

  virtual bool IsRunning() const = 0;

  // Drops all that is queued, pending or watched, without running it, and frees
  // what the loop holds: selector, wake-up descriptor, attached objects
  // (RUN-24). The user's descriptors stay open (RUN-29). Idempotent.
  //   kFailedPrecondition: the loop is running (RUN-22); nothing changes.
  virtual absl::Status Close() = 0;

  virtual bool IsClosed() const = 0;

  // --- Errors and debugging -------------------------------------------------

  // Sets who is told of errors that have nobody else to go to; null means the
  // default handler (ERR-03). Returns the one that it replaces, null for the
  // default.
  virtual ExceptionHandler SetExceptionHandler(ExceptionHandler handler) = 0;

  // Tells it (ERR-01). What the handler throws goes to the default handler
  // (ERR-04). Never fails.
  virtual void CallExceptionHandler(const ErrorContext& error) = 0;

  // Writes the report to the loop's log, which is stderr if nothing else was
  // said.
  virtual void DefaultExceptionHandler(const ErrorContext& error) = 0;

  // Debug mode: calls from the wrong thread abort with a message (DBG-02), slow
  // callbacks are reported (DBG-03). Takes full effect in the next turn.
  virtual void SetDebug(bool enabled) = 0;
  virtual bool GetDebug() const = 0;

  // `<EventLoop running=false closed=false debug=false>`.
  virtual std::string DebugString() const = 0;

 protected:
  virtual Handle DoCallSoon(Callback&& callback, const Context* context,
                            SourceLocation where) = 0;
  virtual absl::Status DoCallSoonThreadsafe(Callback&& callback,
                                            const Context* context,
                                            SourceLocation where) = 0;
  virtual TimerHandle DoCallAt(MonotonicTime when, Callback&& callback,
                               const Context* context,
                               SourceLocation where) = 0;
  virtual absl::Status DoAddReader(int fd, Callback&& callback,
                                   SourceLocation where) = 0;
  virtual absl::Status DoAddWriter(int fd, Callback&& callback,
                                   SourceLocation where) = 0;

  // Destroys what `LoopLocal` attached, last attached first. To be called by
  // `Close()`, while `IsClosed()` is already true.
  void DestroyLocals();

 private:
  template <typename T>
  friend class LoopLocal;

  // One attached object; see loop_local.h.
  class Local {
   public:
    Local(const void* key, void* object, void (*destroy)(void*))
        : key_(key), object_(object, destroy) {}
    const void* key() const { return key_; }
    void* object() const { return object_.get(); }

   private:
    const void* key_;
    std::unique_ptr<void, void (*)(void*)> object_;
  };

  void* FindLocal(const void* key) const;

  std::vector<Local> locals_;
};

}  // namespace evkit

#endif  // EVKIT_LOOP_ABSTRACT_EVENT_LOOP_H_
