// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/signals/internal/signal_mailbox.h"

#include <utility>

namespace evkit::signals_internal {

void SignalMailbox::Deliver(int signal) noexcept {
  if (!watches(signal)) return;
  handlers_.fetch_add(1);
  if ((watched_.load() & SignalBit(signal)) != 0) {
    Put(signal);
    wakeup_->Wake();
  }
  handlers_.fetch_sub(1);
}

void SignalMailbox::Put(int signal) {
  uint64_t position = tail_.load(std::memory_order_relaxed);
  do {
    if (position - head_.load(std::memory_order_acquire) >= kRingSize) {
      overflow_[signal].fetch_add(1, std::memory_order_release);
      return;
    }
  } while (!tail_.compare_exchange_weak(position, position + 1,
                                        std::memory_order_acq_rel,
                                        std::memory_order_relaxed));
  ring_[position % kRingSize].store(static_cast<uint8_t>(signal),
                                    std::memory_order_release);
}

SignalMailbox::Delivery SignalMailbox::TakeBefore(uint64_t end) {
  const uint64_t head = head_.load(std::memory_order_relaxed);
  if (head >= end) return {0, head};
  std::atomic<uint8_t>& entry = ring_[head % kRingSize];
  const int signal = entry.load(std::memory_order_acquire);
  if (signal == 0) return {0, head};
  entry.store(0, std::memory_order_relaxed);
  head_.store(head + 1, std::memory_order_release);
  return {signal, head};
}

bool SignalMailbox::TakeOverflow(int signal) {
  // Only the receiver takes, so what it has seen is still there.
  if (overflow(signal) == 0) return false;
  overflow_[signal].fetch_sub(1, std::memory_order_acquire);
  return true;
}

void SignalMailbox::Open(WakeupFd wakeup) {
  wakeup_.emplace(std::move(wakeup));
  state_ = State::kOpen;
}

void SignalMailbox::Retire() {
  watched_.store(0);
  state_ = State::kRetired;
}

void SignalMailbox::FreeIfUnused() {
  if (state_ != State::kRetired || handlers_.load() != 0) return;
  wakeup_.reset();
  for (std::atomic<uint8_t>& entry : ring_) {
    entry.store(0, std::memory_order_relaxed);
  }
  for (std::atomic<uint32_t>& count : overflow_) {
    count.store(0, std::memory_order_relaxed);
  }
  head_.store(tail_.load(std::memory_order_relaxed), std::memory_order_relaxed);
  state_ = State::kFree;
}

}  // namespace evkit::signals_internal
