// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/signals/internal/signal_registry.h"

#include <cerrno>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "evkit/base/errno_status.h"
#include "evkit/base/fork_generation.h"
#include "evkit/base/syscalls.h"

namespace evkit::signals_internal {
namespace {

// Whether a handler that ours has called is at work on this thread: it may be
// one that was installed over ours once, and calls ours in turn. Never of the
// kind that is allocated when it is first used.
[[gnu::tls_model("initial-exec")]] constinit thread_local bool in_earlier =
    false;

bool IsHandler(const struct sigaction& action) {
  return (action.sa_flags & SA_SIGINFO) != 0 ||
         (action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN);
}

// Whether the kernel is to reap children itself.
bool LeavesNoZombies(const struct sigaction& sigchld) {
  return (sigchld.sa_flags & SA_NOCLDWAIT) != 0 ||
         (!IsHandler(sigchld) && sigchld.sa_handler == SIG_IGN);
}

}  // namespace

constinit std::atomic<SignalRegistry*> SignalRegistry::current_{nullptr};

SignalRegistry& SignalRegistry::Get() {
  SignalRegistry* found = current_.load(std::memory_order_acquire);
  const uint32_t generation = ForkGeneration();
  if (found != nullptr && found->generation_ == generation) return *found;

  auto* const made = new SignalRegistry(found, generation);
  std::unique_lock<std::mutex> lock(made->mutex_);
  if (!current_.compare_exchange_strong(found, made,
                                        std::memory_order_acq_rel)) {
    lock.unlock();
    delete made;
    return *found;
  }
  made->RestoreInherited();
  return *made;
}

SignalRegistry::SignalRegistry(SignalRegistry* parents, uint32_t generation)
    : pid_(sys::getpid()), generation_(generation), parents_(parents) {}

bool SignalRegistry::inherited() const {
  return generation_ != ForkGeneration();
}

// Atomics, getpid(2) and write(2), and for SIGCHLD whatever the handler before
// ours does; in a child that has not yet noticed that it is one, sigaction(2)
// and kill(2).
void SignalRegistry::OnSignal(int signal, siginfo_t* info, void* context) {
  const int saved_errno = errno;
  const SignalRegistry* const registry =
      current_.load(std::memory_order_acquire);
  if (registry->IsOfThisProcess()) {
    for (SignalMailbox* mailbox =
             registry->mailboxes_.load(std::memory_order_acquire);
         mailbox != nullptr; mailbox = mailbox->next()) {
      mailbox->Deliver(signal);
    }
    if (signal == SIGCHLD) registry->CallEarlierHandler(signal, info, context);
  } else {
    registry->ActAsBefore(signal);
  }
  errno = saved_errno;
}

// The generation does not count vfork(), nor the first moments of a child of
// fork(); the pid does not tell a child in a namespace of its own, where it may
// be 1 as the parent is in its.
bool SignalRegistry::IsOfThisProcess() const {
  return pid_ == sys::getpid() && !inherited();
}

// What a forked child inherits is the handler, and it is not the child's wish
// to have it. The signal is blocked until the handler returns.
void SignalRegistry::ActAsBefore(int signal) const {
  sys::sigaction(signal, &before_[signal], nullptr);
  sys::kill(sys::getpid(), signal);
}

void SignalRegistry::CallEarlierHandler(int signal, siginfo_t* info,
                                        void* context) const {
  const struct sigaction* const earlier =
      earlier_.load(std::memory_order_acquire);
  if (earlier == nullptr || in_earlier) return;
  in_earlier = true;
  if ((earlier->sa_flags & SA_SIGINFO) != 0) {
    earlier->sa_sigaction(signal, info, context);
  } else {
    earlier->sa_handler(signal);
  }
  in_earlier = false;
}

void SignalRegistry::RestoreInherited() {
  if (parents_ == nullptr) return;
  before_ = parents_->before_;
  installed_ = parents_->installed_.load();
  for (int signal = 1; signal <= kLastSignal; ++signal) Restore(signal);
}

SignalMailbox& SignalRegistry::Open(WakeupFd wakeup) {
  const std::lock_guard<std::mutex> lock(mutex_);
  FreeRetired();
  SignalMailbox* const first = mailboxes_.load(std::memory_order_relaxed);
  SignalMailbox* mailbox = first;
  while (mailbox != nullptr && !mailbox->free()) mailbox = mailbox->next();
  if (mailbox == nullptr) {
    mailbox = new SignalMailbox(first);
    mailboxes_.store(mailbox, std::memory_order_release);
  }
  mailbox->Open(std::move(wakeup));
  return *mailbox;
}

void SignalRegistry::Close(SignalMailbox& mailbox) {
  for (int signal = 1; signal <= kLastSignal; ++signal) {
    if (mailbox.watches(signal)) Unwatch(mailbox, signal);
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  mailbox.Retire();
  FreeRetired();
}

// One that a handler is still using waits for the next call: a handler takes no
// longer than a write(2), but may be suspended in the middle of it.
void SignalRegistry::FreeRetired() {
  for (SignalMailbox* mailbox = mailboxes_.load(std::memory_order_relaxed);
       mailbox != nullptr; mailbox = mailbox->next()) {
    mailbox->FreeIfUnused();
  }
}

absl::Status SignalRegistry::Watch(SignalMailbox& mailbox, int signal) {
  const std::lock_guard<std::mutex> lock(mutex_);
  mailbox.Watch(signal);
  if (watchers_[signal] == 0) {
    if (absl::Status status = Install(signal); !status.ok()) {
      mailbox.Unwatch(signal);
      return status;
    }
  }
  ++watchers_[signal];
  return absl::OkStatus();
}

void SignalRegistry::Unwatch(SignalMailbox& mailbox, int signal) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (--watchers_[signal] == 0) Restore(signal);
  mailbox.Unwatch(signal);
}

absl::Status SignalRegistry::Install(int signal) {
  struct sigaction now;
  if (sys::sigaction(signal, nullptr, &now) < 0) {
    return StatusFromErrno(errno, absl::StrCat("sigaction(", signal, ")"));
  }
  if (!IsOurs(now)) before_[signal] = now;
  installed_.fetch_or(SignalBit(signal));

  struct sigaction ours = {};
  ours.sa_sigaction = &OnSignal;
  // Signals that are pending together are handled one after the other, in the
  // kernel's order; nested, they would be in the reverse of it.
  sigfillset(&ours.sa_mask);
  ours.sa_flags = SA_RESTART | SA_ONSTACK | SA_SIGINFO;
  if (signal == SIGCHLD) {
    KeepEarlierHandler();
    if (LeavesNoZombies(before_[signal])) ours.sa_flags |= SA_NOCLDWAIT;
  }
  if (sys::sigaction(signal, &ours, nullptr) < 0) {
    const int error = errno;
    installed_.fetch_and(~SignalBit(signal));
    return StatusFromErrno(error, absl::StrCat("sigaction(", signal, ")"));
  }
  return absl::OkStatus();
}

void SignalRegistry::KeepEarlierHandler() {
  const struct sigaction& before = before_[SIGCHLD];
  const struct sigaction* found = nullptr;
  if (IsHandler(before)) {
    for (const auto& one : earlier_ones_) {
      if (one->sa_handler == before.sa_handler &&
          one->sa_flags == before.sa_flags) {
        found = one.get();
      }
    }
    if (found == nullptr) {
      earlier_ones_.push_back(std::make_unique<const struct sigaction>(before));
      found = earlier_ones_.back().get();
    }
  }
  earlier_.store(found, std::memory_order_release);
}

// A handler that somebody else has installed since is left alone.
void SignalRegistry::Restore(int signal) {
  if ((installed_.load() & SignalBit(signal)) == 0) return;
  struct sigaction now;
  if (sys::sigaction(signal, nullptr, &now) < 0) return;
  if (IsOurs(now) && sys::sigaction(signal, &before_[signal], nullptr) < 0) {
    return;
  }
  installed_.fetch_and(~SignalBit(signal));
}

bool SignalRegistry::IsOurs(const struct sigaction& action) {
  return (action.sa_flags & SA_SIGINFO) != 0 &&
         action.sa_sigaction == &OnSignal;
}

}  // namespace evkit::signals_internal
