// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/signals/signal_receiver.h"

#include <signal.h>

#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "evkit/base/check.h"
#include "evkit/base/wakeup_fd.h"

namespace evkit {
namespace {

using signals_internal::kLastSignal;
using signals_internal::SignalMailbox;
using signals_internal::SignalRegistry;

// A full set is without the signals that libc keeps for itself.
bool IsSignal(int signal) {
  sigset_t all;
  sigfillset(&all);
  return signal > 0 && signal <= kLastSignal && sigismember(&all, signal) == 1;
}

absl::Status CheckCatchable(int signal) {
  if (!IsSignal(signal)) {
    return absl::InvalidArgumentError(
        absl::StrCat("invalid signal number ", signal));
  }
  if (signal == SIGKILL || signal == SIGSTOP) {
    return absl::FailedPreconditionError(
        absl::StrCat("sig ", signal, " cannot be caught"));
  }
  return absl::OkStatus();
}

// Makes the descriptor readable again, unless all was done or there is no
// receiver any more.
class WakeUnlessDone {
 public:
  WakeUnlessDone(SignalMailbox& mailbox, const bool& destroyed)
      : mailbox_(mailbox), destroyed_(destroyed) {}
  WakeUnlessDone(const WakeUnlessDone&) = delete;
  WakeUnlessDone& operator=(const WakeUnlessDone&) = delete;
  ~WakeUnlessDone() {
    if (!done_ && !destroyed_) mailbox_.Wake();
  }

  void Done() { done_ = true; }

 private:
  SignalMailbox& mailbox_;
  const bool& destroyed_;
  bool done_ = false;
};

}  // namespace

absl::StatusOr<std::unique_ptr<SignalReceiver>> SignalReceiver::Create() {
  absl::StatusOr<WakeupFd> wakeup = WakeupFd::Create();
  if (!wakeup.ok()) return wakeup.status();
  SignalRegistry& registry = SignalRegistry::Get();
  return absl::WrapUnique(
      new SignalReceiver(registry, registry.Open(*std::move(wakeup))));
}

SignalReceiver::SignalReceiver(SignalRegistry& registry, SignalMailbox& mailbox)
    : registry_(registry), mailbox_(mailbox) {}

SignalReceiver::~SignalReceiver() {
  *destroyed_ = true;
  if (registry_.inherited()) {
    mailbox_.CloseInForkedChild();
  } else {
    registry_.Close(mailbox_);
  }
}

absl::Status SignalReceiver::Watch(int signal, Callback callback) {
  EVKIT_CHECK(callback != nullptr, "a signal's callback must not be null");
  if (absl::Status status = CheckCatchable(signal); !status.ok()) return status;
  if (registry_.inherited()) {
    return absl::FailedPreconditionError(
        "Watch: the signal receiver belongs to the parent process");
  }
  Watched& watched = watched_[signal];
  if (watched.callback == nullptr) {
    watched.since = mailbox_.end();
    mailbox_.DropOverflow(signal);
    if (absl::Status status = registry_.Watch(mailbox_, signal); !status.ok()) {
      return status;
    }
    ++size_;
  }
  // Destroyed last: that may run code of the user's, which finds all in order.
  const std::shared_ptr<Callback> old = std::exchange(
      watched.callback, std::make_shared<Callback>(std::move(callback)));
  return absl::OkStatus();
}

bool SignalReceiver::Unwatch(int signal) {
  if (!IsSignal(signal) || watched_[signal].callback == nullptr ||
      registry_.inherited()) {
    return false;
  }
  const std::shared_ptr<Callback> old =
      std::exchange(watched_[signal].callback, nullptr);
  --size_;
  registry_.Unwatch(mailbox_, signal);
  return true;
}

void SignalReceiver::Dispatch() {
  // The wake-up of a forked child is the parent's, too.
  if (registry_.inherited()) return;
  mailbox_.ClearWakeup();
  const std::shared_ptr<bool> destroyed = destroyed_;
  WakeUnlessDone wake_unless_done(mailbox_, *destroyed);
  const uint64_t end = mailbox_.end();
  while (true) {
    const SignalMailbox::Delivery delivery = mailbox_.TakeBefore(end);
    if (delivery.signal == 0) break;
    if (delivery.position < watched_[delivery.signal].since) continue;
    Call(delivery.signal);
    if (*destroyed) return;
  }
  for (int signal = 1; signal <= kLastSignal; ++signal) {
    for (uint32_t left = mailbox_.overflow(signal);
         left > 0 && mailbox_.TakeOverflow(signal); --left) {
      Call(signal);
      if (*destroyed) return;
    }
  }
  wake_unless_done.Done();
}

void SignalReceiver::Call(int signal) {
  const std::shared_ptr<Callback> callback = watched_[signal].callback;
  if (callback != nullptr) (*callback)(signal);
}

}  // namespace evkit
