// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/subprocess/signal_child_watcher.h"

#include <signal.h>

#include <cerrno>
#include <optional>
#include <utility>
#include <vector>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "evkit/base/check.h"
#include "evkit/base/errno_status.h"
#include "evkit/base/syscalls.h"
#include "evkit/subprocess/internal/reap.h"

namespace evkit {
namespace {

using subprocess_internal::HasExited;
using subprocess_internal::TryReap;

constexpr int kExitsPerDispatch = 64;

absl::Status AddToSet(const UniqueFd& epoll, int fd) {
  epoll_event event = {};
  event.events = EPOLLIN;
  if (sys::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fd, &event) < 0) {
    return StatusFromErrno(errno, absl::StrCat("epoll_ctl(ADD, fd=", fd, ")"));
  }
  return absl::OkStatus();
}

// Makes the descriptor readable again, unless all was done or there is no
// watcher any more.
class WakeUnlessDone {
 public:
  WakeUnlessDone(const WakeupFd& wakeup, const bool& destroyed)
      : wakeup_(wakeup), destroyed_(destroyed) {}
  WakeUnlessDone(const WakeUnlessDone&) = delete;
  WakeUnlessDone& operator=(const WakeUnlessDone&) = delete;
  ~WakeUnlessDone() {
    if (!done_ && !destroyed_) wakeup_.Wake();
  }

  void Done() { done_ = true; }

 private:
  const WakeupFd& wakeup_;
  const bool& destroyed_;
  bool done_ = false;
};

}  // namespace

SignalChildWatcherOptions::SignalChildWatcherOptions() = default;
SignalChildWatcherOptions::SignalChildWatcherOptions(
    SignalChildWatcherOptions&&) = default;
SignalChildWatcherOptions& SignalChildWatcherOptions::operator=(
    SignalChildWatcherOptions&&) = default;
SignalChildWatcherOptions::~SignalChildWatcherOptions() = default;

absl::StatusOr<std::unique_ptr<SignalChildWatcher>> SignalChildWatcher::Create(
    SignalChildWatcherOptions options) {
  absl::StatusOr<WakeupFd> wakeup = WakeupFd::Create();
  if (!wakeup.ok()) return wakeup.status();
  absl::StatusOr<std::unique_ptr<SignalReceiver>> receiver =
      SignalReceiver::Create();
  if (!receiver.ok()) return receiver.status();
  UniqueFd epoll(sys::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll) return StatusFromErrno(errno, "epoll_create1");
  for (const int fd : {wakeup->fd(), (*receiver)->fd()}) {
    if (absl::Status status = AddToSet(epoll, fd); !status.ok()) return status;
  }
  auto watcher = absl::WrapUnique(
      new SignalChildWatcher(std::move(epoll), *std::move(wakeup),
                             *std::move(receiver), std::move(options)));
  if (watcher->reap_orphans_) {
    if (absl::Status status = watcher->Listen(); !status.ok()) return status;
    watcher->wakeup_.Wake();  // For those that are orphans already.
  }
  return watcher;
}

SignalChildWatcher::SignalChildWatcher(UniqueFd epoll, WakeupFd wakeup,
                                       std::unique_ptr<SignalReceiver> receiver,
                                       SignalChildWatcherOptions options)
    : epoll_(std::move(epoll)),
      wakeup_(std::move(wakeup)),
      receiver_(std::move(receiver)),
      reap_orphans_(options.reap_orphans),
      on_orphan_(
          options.on_orphan == nullptr
              ? nullptr
              : std::make_shared<Callback>(std::move(options.on_orphan))) {}

SignalChildWatcher::~SignalChildWatcher() {
  *destroyed_ = true;
  // Destroying a callback may run code that calls Unwatch().
  const Children children = std::exchange(children_, {});
}

absl::Status SignalChildWatcher::Watch(pid_t pid, Callback on_exit) {
  return Add(pid, -1, !children_.contains(pid), std::move(on_exit));
}

absl::Status SignalChildWatcher::WatchSpawned(pid_t pid, int pidfd,
                                              Callback on_exit) {
  return Add(pid, pidfd, false, std::move(on_exit));
}

absl::Status SignalChildWatcher::Add(pid_t pid, int pidfd, bool must_exist,
                                     Callback on_exit) {
  EVKIT_CHECK(on_exit != nullptr, "on_exit is null");
  if (pid <= 0) {
    return absl::InvalidArgumentError(absl::StrCat("Watch(", pid, ")"));
  }
  UniqueFd copy;
  if (pidfd >= 0) {
    copy.Reset(sys::fcntl(pidfd, F_DUPFD_CLOEXEC, 0));
    if (!copy) return StatusFromErrno(errno, "fcntl(F_DUPFD_CLOEXEC)");
  }
  if (absl::Status status = Listen(); !status.ok()) return status;
  // Asked only now: from here on a signal tells.
  const int exited = HasExited(pid, copy.get());
  if (exited < 0 && must_exist) {
    const int error = errno == ECHILD ? ESRCH : errno;
    if (children_.empty() && !reap_orphans_) receiver_->Unwatch(SIGCHLD);
    return StatusFromErrno(error, absl::StrCat("waitid(", pid, ")"));
  }
  if (exited != 0) wakeup_.Wake();
  WatchedChild& child = children_[pid];
  child.pidfd = std::move(copy);
  std::swap(child.on_exit, on_exit);  // A replaced one is destroyed last.
  return absl::OkStatus();
}

absl::Status SignalChildWatcher::Listen() {
  if (receiver_->size() > 0) return absl::OkStatus();
  return receiver_->Watch(SIGCHLD, [](int) {});
}

bool SignalChildWatcher::Unwatch(pid_t pid) {
  const auto child = children_.find(pid);
  if (child == children_.end()) return false;
  const Callback forgotten = Take(child);
  return true;
}

void SignalChildWatcher::Dispatch() {
  // The wake-up of a forked child is the parent's, too.
  if (fork_generation_ != ForkGeneration()) return;
  wakeup_.Dispatch();
  receiver_->Dispatch();
  const std::shared_ptr<const bool> destroyed = destroyed_;
  WakeUnlessDone wake_unless_done(wakeup_, *destroyed);
  int budget = kExitsPerDispatch;
  if (DispatchWatched(budget, *destroyed) &&
      (!reap_orphans_ || DispatchOrphans(budget, *destroyed))) {
    wake_unless_done.Done();
  }
}

// Whether all were looked at.
bool SignalChildWatcher::DispatchWatched(int& budget, const bool& destroyed) {
  std::vector<pid_t> pids;
  pids.reserve(children_.size());
  for (const auto& [pid, child] : children_) pids.push_back(pid);
  for (const pid_t pid : pids) {
    if (budget == 0) return false;
    // An earlier callback may have unwatched it, or watched another child of
    // the same number.
    const auto child = children_.find(pid);
    if (child == children_.end()) continue;
    const std::optional<ExitStatus> status =
        TryReap(pid, child->second.pidfd.get());
    if (!status.has_value()) continue;
    --budget;
    {
      Callback on_exit = Take(child);
      on_exit(pid, *status);
    }
    if (destroyed) return false;
  }
  return true;
}

// Whether there are no more.
bool SignalChildWatcher::DispatchOrphans(int& budget, const bool& destroyed) {
  for (; budget > 0; --budget) {
    siginfo_t info = {};
    if (sys::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0) {
      return errno == ECHILD;
    }
    const pid_t pid = info.si_pid;
    if (pid == 0) return true;
    // Exited since it was looked at.
    if (children_.contains(pid)) return false;
    const std::optional<ExitStatus> status = TryReap(pid, -1);
    if (!status.has_value() || on_orphan_ == nullptr) continue;
    const std::shared_ptr<Callback> on_orphan = on_orphan_;
    (*on_orphan)(pid, *status);
    if (destroyed) return false;
  }
  return false;
}

ChildWatcher::Callback SignalChildWatcher::Take(Children::iterator child) {
  Callback on_exit = std::move(child->second.on_exit);
  children_.erase(child);
  if (children_.empty() && !reap_orphans_) receiver_->Unwatch(SIGCHLD);
  return on_exit;
}

}  // namespace evkit
