// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Watches children by SIGCHLD, as event loops did before there were pidfds: for
// kernels and sandboxes that have none, where a thread for each child is too
// much; and for the first process of a container, which has to reap what its
// descendants leave behind.
//
//   EventLoopOptions options;
//   options.child_watcher = *SignalChildWatcher::Create();

#ifndef EVKIT_SUBPROCESS_SIGNAL_CHILD_WATCHER_H_
#define EVKIT_SUBPROCESS_SIGNAL_CHILD_WATCHER_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "evkit/base/fork_generation.h"
#include "evkit/base/unique_fd.h"
#include "evkit/base/wakeup_fd.h"
#include "evkit/loop/signals/signal_receiver.h"
#include "evkit/subprocess/child_watcher.h"

namespace evkit {

// Fill in a named object.
class SignalChildWatcherOptions {
 public:
  SignalChildWatcherOptions();
  SignalChildWatcherOptions(SignalChildWatcherOptions&&);
  SignalChildWatcherOptions& operator=(SignalChildWatcherOptions&&);
  ~SignalChildWatcherOptions();

  // Reaps also, in Dispatch(), every child of the process that this watcher
  // does not watch: for PID 1 and for PR_SET_CHILD_SUBREAPER, who inherit the
  // orphans of others. Only where all children of the program's own are watched
  // here, and by the time of the next Dispatch(): it cannot tell an orphan from
  // a child of another loop or library, and would take that, too.
  bool reap_orphans = false;
  // Told of each that was reaped so. May do what a `Callback` may. May be null.
  ChildWatcher::Callback on_orphan;
};

// SIGCHLD says that some child has exited, perhaps several: each that is
// watched is asked for, by name, so Dispatch() costs a system call for each
// child that runs. Choose PidfdChildWatcher if you can.
//
// The handler is there while anything is watched. It is shared: any number of
// these watchers, SignalReceivers and loops, on any threads, hear of SIGCHLD,
// and so does the handler that was there before (loop/signals/
// signal_receiver.h). Whoever installs another one later, or ignores SIGCHLD,
// while children are watched, should call the one found: else nothing is heard
// until that is undone. SIGCHLD must not be blocked in all threads.
//
// In a forked child, Dispatch() does nothing.
class SignalChildWatcher final : public ChildWatcher {
 public:
  // Fails with what eventfd(2), epoll_create1(2) and, for orphans,
  // sigaction(2) fail with: kResourceExhausted.
  static absl::StatusOr<std::unique_ptr<SignalChildWatcher>> Create(
      SignalChildWatcherOptions options = SignalChildWatcherOptions());

  SignalChildWatcher(const SignalChildWatcher&) = delete;
  SignalChildWatcher& operator=(const SignalChildWatcher&) = delete;
  ~SignalChildWatcher() override;

  absl::Status Watch(pid_t pid, Callback on_exit) override;
  absl::Status WatchSpawned(pid_t pid, int pidfd, Callback on_exit) override;
  bool Unwatch(pid_t pid) override;
  int fd() const override { return epoll_.get(); }
  void Dispatch() override;
  size_t size() const override { return children_.size(); }

 private:
  struct WatchedChild {
    UniqueFd pidfd;  // Empty if none was given.
    Callback on_exit;
  };
  using Children = absl::flat_hash_map<pid_t, WatchedChild>;

  SignalChildWatcher(UniqueFd epoll, WakeupFd wakeup,
                     std::unique_ptr<SignalReceiver> receiver,
                     SignalChildWatcherOptions options);
  absl::Status Add(pid_t pid, int pidfd, bool must_exist, Callback on_exit);
  absl::Status Listen();
  Callback Take(Children::iterator child);
  bool DispatchWatched(int& budget, const bool& destroyed);
  bool DispatchOrphans(int& budget, const bool& destroyed);

  const UniqueFd epoll_;
  const WakeupFd wakeup_;  // For what no signal will tell of any more.
  const std::unique_ptr<SignalReceiver> receiver_;
  const bool reap_orphans_;
  // Shared with the call of it that is under way.
  const std::shared_ptr<Callback> on_orphan_;
  const uint32_t fork_generation_ = ForkGeneration();
  Children children_;
  // Owned by the watcher and by its Dispatch() while it runs, which a callback
  // may leave without a watcher.
  const std::shared_ptr<bool> destroyed_ = std::make_shared<bool>(false);
};

}  // namespace evkit

#endif  // EVKIT_SUBPROCESS_SIGNAL_CHILD_WATCHER_H_
