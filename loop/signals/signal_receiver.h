// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Signals as a descriptor: told outside the signal handler, on a thread of your
// choice, one call for each delivery. For any loop, or none.
//
//   absl::StatusOr<std::unique_ptr<SignalReceiver>> receiver =
//       SignalReceiver::Create();
//   (*receiver)->Watch(SIGTERM, [&](int) { quit = true; });
//   // whenever (*receiver)->fd() is readable:
//   (*receiver)->Dispatch();
//
// With a loop of evkit's, signal_handlers.h is more convenient.

#ifndef EVKIT_LOOP_SIGNALS_SIGNAL_RECEIVER_H_
#define EVKIT_LOOP_SIGNALS_SIGNAL_RECEIVER_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "evkit/loop/signals/internal/signal_mailbox.h"
#include "evkit/loop/signals/internal/signal_registry.h"

namespace evkit {

// Any number of receivers may watch the same signal, on any threads, and each
// is told of each delivery (contract rule SIG-09).
//
// The handler is one for the process, installed with SA_RESTART (SIG-10) while
// anybody watches the signal. It counts and writes to descriptors, and nothing
// else; errno is kept. What the signal did before is restored when the last
// receiver unwatches it, unless somebody else has installed another handler
// meanwhile. Nobody else should call sigaction(2) for that signal while
// Watch(), Unwatch() or the destructor are at work.
//
// SIGCHLD is news, not a request, and may be about somebody else's child: the
// handler that was there before is called as well, and where the kernel was to
// reap children by itself (SIG_IGN, SA_NOCLDWAIT) it goes on doing so.
//
// A signal that all threads have blocked is never delivered: the mask is yours.
// A fault (SIGSEGV, SIGBUS, SIGFPE, SIGILL) of the program's own cannot be
// handled this way: the faulting instruction would be repeated for ever.
//
// Thread: not thread-safe, belongs to one thread, whichever that is; the
// signals may arrive on any.
// Lifetime: may be destroyed at any moment, also from a callback; what is not
// yet dispatched is dropped.
// fork: the child may only destroy it. A signal sent to the child never reaches
// the parent's receivers, nor the other way round: in the child it does what it
// did before. A receiver that the child makes is the child's.
class SignalReceiver {
 public:
  // May watch and unwatch anything, dispatch, and destroy the receiver. What it
  // throws leaves `Dispatch()`, and the rest waits for the next one.
  using Callback = absl::AnyInvocable<void(int signal)>;

  // Deliveries that are not yet dispatched keep their order up to this many;
  // those on top come after them, sorted by number. None is lost.
  static constexpr size_t kDeliveriesInOrder =
      signals_internal::SignalMailbox::kRingSize;

  // Fails with what eventfd(2) fails with: kResourceExhausted.
  static absl::StatusOr<std::unique_ptr<SignalReceiver>> Create();

  SignalReceiver(const SignalReceiver&) = delete;
  SignalReceiver& operator=(const SignalReceiver&) = delete;
  ~SignalReceiver();

  // Calls `callback` from `Dispatch()` for each delivery of `signal` from now
  // on. A signal that is sent again while it is pending in the kernel is
  // delivered once, real-time signals as often as they are sent. Watching it
  // again replaces the callback, which is destroyed, and loses no delivery.
  //   kInvalidArgument: not a signal that can be used; 32 and 33 are libc's.
  //   kFailedPrecondition: SIGKILL and SIGSTOP cannot be caught; or the
  //     receiver was inherited through fork.
  //   Other errnos of sigaction(2).
  // On an error nothing has changed. A null callback is a bug (checked).
  absl::Status Watch(int signal, Callback callback);

  // Whether it was watched. Its callback is destroyed, and what is not yet
  // dispatched is dropped. False in a forked child.
  bool Unwatch(int signal);

  // Readable when Dispatch() has work. Stays the receiver's own.
  int fd() const { return mailbox_.fd(); }

  // Calls the callbacks of what has been delivered up to now; what arrives
  // meanwhile makes `fd()` readable again. Never blocks. Does nothing in a
  // forked child.
  void Dispatch();

  // How many signals are watched.
  size_t size() const { return size_; }

 private:
  struct Watched {
    // Shared with the call of it that is under way, which may replace it. Null:
    // not watched.
    std::shared_ptr<Callback> callback;
    // What is before this in the mailbox was for an earlier watch.
    uint64_t since = 0;
  };

  SignalReceiver(signals_internal::SignalRegistry& registry,
                 signals_internal::SignalMailbox& mailbox);
  void Call(int signal);

  signals_internal::SignalRegistry& registry_;
  signals_internal::SignalMailbox& mailbox_;
  std::array<Watched, signals_internal::kLastSignal + 1> watched_;
  size_t size_ = 0;
  // Owned by the receiver and by its Dispatch() while it runs, which a callback
  // may leave without a receiver.
  const std::shared_ptr<bool> destroyed_ = std::make_shared<bool>(false);
};

}  // namespace evkit

#endif  // EVKIT_LOOP_SIGNALS_SIGNAL_RECEIVER_H_
