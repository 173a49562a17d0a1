// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// The one signal handler of the process: which mailboxes want which signal, and
// what each signal did before anybody here wanted it.

#ifndef EVKIT_LOOP_SIGNALS_INTERNAL_SIGNAL_REGISTRY_H_
#define EVKIT_LOOP_SIGNALS_INTERNAL_SIGNAL_REGISTRY_H_

#include <signal.h>
#include <sys/types.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "absl/status/status.h"
#include "evkit/base/wakeup_fd.h"
#include "evkit/loop/signals/internal/signal_mailbox.h"

namespace evkit::signals_internal {

// Thread-safe. Lives as long as the process. A forked child makes one of its
// own when it first needs one: the parent's mutex may have been held, and its
// mailboxes in use, by threads that the child does not have.
class SignalRegistry {
 public:
  // This process's.
  static SignalRegistry& Get();

  SignalRegistry(const SignalRegistry&) = delete;
  SignalRegistry& operator=(const SignalRegistry&) = delete;

  // Whether this is the parent's, seen from a forked child. Nothing else may be
  // called then.
  bool inherited() const;

  // A mailbox for one receiver, which watches nothing yet.
  SignalMailbox& Open(WakeupFd wakeup);
  // Unwatches all.
  void Close(SignalMailbox& mailbox);

  // Delivers `signal` to `mailbox`, which does not watch it, from now on. The
  // first to watch a signal installs the handler. An error of sigaction(2)
  // leaves everything as it was.
  absl::Status Watch(SignalMailbox& mailbox, int signal);
  // The last to unwatch it restores what was there before.
  void Unwatch(SignalMailbox& mailbox, int signal);

 private:
  SignalRegistry(SignalRegistry* parents, uint32_t generation);

  static void OnSignal(int signal, siginfo_t* info, void* context);
  static bool IsOurs(const struct sigaction& action);
  bool IsOfThisProcess() const;
  void ActAsBefore(int signal) const;
  void CallEarlierHandler(int signal, siginfo_t* info, void* context) const;

  absl::Status Install(int signal);
  void KeepEarlierHandler();
  void Restore(int signal);
  void RestoreInherited();
  void FreeRetired();

  static std::atomic<SignalRegistry*> current_;

  const pid_t pid_;
  const uint32_t generation_;
  // Of a forked child: kept so that what the parent's refers to can be found.
  SignalRegistry* const parents_;

  // Guards the rest, but for what is atomic. Not an absl::Mutex: see
  // subprocess/thread_child_watcher.cc.
  std::mutex mutex_;
  std::array<int, kLastSignal + 1> watchers_{};
  // What each signal did when our handler was installed; means something while
  // the handler is ours. Read in forked children without the lock, which is why
  // it is written before the handler is installed, and not while it is.
  std::array<struct sigaction, kLastSignal + 1> before_{};
  // What handled SIGCHLD before us, which is still to hear of it; null if
  // nothing did. The handler may hold on to any that there ever was.
  std::atomic<const struct sigaction*> earlier_{nullptr};
  std::vector<std::unique_ptr<const struct sigaction>> earlier_ones_;
  // Signals whose handler may be ours.
  std::atomic<uint64_t> installed_{0};
  // Read by the handler. Grows at the front, never shrinks.
  std::atomic<SignalMailbox*> mailboxes_{nullptr};
};

}  // namespace evkit::signals_internal

#endif  // EVKIT_LOOP_SIGNALS_INTERNAL_SIGNAL_REGISTRY_H_
