// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Where the signal handler puts what one receiver is to be told: a ring that
// keeps the order of deliveries, and a counter for each signal for when the
// ring is full, so that nothing is lost. Lock-free.

#ifndef EVKIT_LOOP_SIGNALS_INTERNAL_SIGNAL_MAILBOX_H_
#define EVKIT_LOOP_SIGNALS_INTERNAL_SIGNAL_MAILBOX_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "evkit/base/wakeup_fd.h"

namespace evkit::signals_internal {

// Signals are numbered from 1 to this.
constexpr int kLastSignal = 64;

constexpr uint64_t SignalBit(int signal) {
  return uint64_t{1} << static_cast<unsigned>(signal - 1);
}

// Never freed, since a handler on another thread may be looking at it: opened
// and closed again for one receiver after another (signal_registry.h does).
//
// `Deliver()` is for the signal handler, on any threads at once. The middle
// group belongs to the receiver's thread, the last to whoever holds the
// registry's lock.
class SignalMailbox {
 public:
  // So many deliveries keep their order among each other.
  static constexpr uint64_t kRingSize = 256;

  // One delivery in the ring. `signal` 0 stands for none.
  struct Delivery {
    int signal;
    uint64_t position;
  };

  explicit SignalMailbox(SignalMailbox* next) : next_(next) {}
  SignalMailbox(const SignalMailbox&) = delete;
  SignalMailbox& operator=(const SignalMailbox&) = delete;

  // Notes one delivery of `signal` and makes `fd()` readable, if that signal is
  // watched. Async-signal-safe: atomics and one write(2). May change errno.
  void Deliver(int signal) noexcept;

  SignalMailbox* next() const { return next_; }

  // --- The receiver ---------------------------------------------------------

  int fd() const { return wakeup_->fd(); }
  void Wake() { wakeup_->Wake(); }
  // Whatever is delivered after this makes `fd()` readable again.
  void ClearWakeup() { wakeup_->Dispatch(); }

  // The position that the next delivery in the ring will have.
  uint64_t end() const { return tail_.load(std::memory_order_acquire); }

  // Takes the oldest delivery out of the ring, if its position is before `end`
  // and its handler has got round to writing it; if not, that will wake.
  Delivery TakeBefore(uint64_t end);

  // Deliveries that found the ring full.
  uint32_t overflow(int signal) const {
    return overflow_[signal].load(std::memory_order_acquire);
  }
  // Takes one of them, if there is any.
  bool TakeOverflow(int signal);
  void DropOverflow(int signal) {
    overflow_[signal].store(0, std::memory_order_relaxed);
  }

  // Closes `fd()` in a forked child, where no handler is at work here, and
  // nobody uses it again.
  void CloseInForkedChild() { wakeup_.reset(); }

  // --- The registry ---------------------------------------------------------

  bool free() const { return state_ == State::kFree; }
  // Requires that it is free.
  void Open(WakeupFd wakeup);
  // Nothing is watched any more, and nobody uses it but handlers that are
  // already at work. `FreeIfUnused()` closes the descriptor after them.
  void Retire();
  void FreeIfUnused();

  bool watches(int signal) const {
    return (watched_.load(std::memory_order_relaxed) & SignalBit(signal)) != 0;
  }
  void Watch(int signal) { watched_.fetch_or(SignalBit(signal)); }
  void Unwatch(int signal) { watched_.fetch_and(~SignalBit(signal)); }

 private:
  enum class State { kFree, kOpen, kRetired };

  void Put(int signal);

  SignalMailbox* const next_;
  State state_ = State::kFree;

  // A handler counts itself in `handlers_` before it looks at `watched_` for
  // the decision; the registry looks in the other order. Both in the one order
  // that sequential consistency gives: either the handler sees that nothing is
  // watched, or the registry sees the handler.
  std::atomic<uint64_t> watched_{0};
  std::atomic<uint32_t> handlers_{0};
  std::optional<WakeupFd> wakeup_;

  // Handlers take positions at `tail_`, then fill them; the receiver empties
  // them, then advances `head_`. 0: not filled.
  std::atomic<uint64_t> head_{0};
  std::atomic<uint64_t> tail_{0};
  std::array<std::atomic<uint8_t>, kRingSize> ring_{};
  std::array<std::atomic<uint32_t>, kLastSignal + 1> overflow_{};

  static_assert(std::atomic<uint64_t>::is_always_lock_free);
  static_assert(std::atomic<uint32_t>::is_always_lock_free);
  static_assert(std::atomic<uint8_t>::is_always_lock_free);
};

}  // namespace evkit::signals_internal

#endif  // EVKIT_LOOP_SIGNALS_INTERNAL_SIGNAL_MAILBOX_H_
