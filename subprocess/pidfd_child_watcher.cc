// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/subprocess/pidfd_child_watcher.h"

#include <cerrno>
#include <cstdint>
#include <optional>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "evkit/base/check.h"
#include "evkit/base/errno_status.h"
#include "evkit/base/syscalls.h"
#include "evkit/subprocess/internal/reap.h"

namespace evkit {
namespace {

using subprocess_internal::TryReap;

constexpr int kExitsPerDispatch = 64;

}  // namespace

absl::StatusOr<std::unique_ptr<PidfdChildWatcher>> PidfdChildWatcher::Create() {
  UniqueFd epoll(sys::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll) return StatusFromErrno(errno, "epoll_create1");
  return absl::WrapUnique(new PidfdChildWatcher(std::move(epoll)));
}

PidfdChildWatcher::PidfdChildWatcher(UniqueFd epoll)
    : epoll_(std::move(epoll)) {}

PidfdChildWatcher::~PidfdChildWatcher() {
  *destroyed_ = true;
  // Destroying a callback may run code that calls Unwatch().
  const Children children = std::exchange(children_, {});
}

absl::Status PidfdChildWatcher::Watch(pid_t pid, Callback on_exit) {
  EVKIT_CHECK(on_exit != nullptr, "on_exit is null");
  if (pid <= 0) {
    return absl::InvalidArgumentError(absl::StrCat("Watch(", pid, ")"));
  }
  WatchedChild child;
  child.on_exit = std::move(on_exit);
  child.fd.Reset(sys::pidfd_open(pid, 0));
  if (child.fd) return Add(pid, std::move(child));

  const int error = errno;
  const auto watched = children_.find(pid);
  if (error == ESRCH && watched != children_.end()) {
    // It was reaped since, which is still to be reported.
    std::swap(watched->second.on_exit, child.on_exit);
    return absl::OkStatus();
  }
  return StatusFromErrno(error, absl::StrCat("pidfd_open(", pid, ")"));
}

absl::Status PidfdChildWatcher::WatchSpawned(pid_t pid, int pidfd,
                                             Callback on_exit) {
  EVKIT_CHECK(on_exit != nullptr, "on_exit is null");
  if (pid <= 0) {
    return absl::InvalidArgumentError(absl::StrCat("Watch(", pid, ")"));
  }
  WatchedChild child;
  child.on_exit = std::move(on_exit);
  if (pidfd >= 0) {
    child.fd.Reset(sys::fcntl(pidfd, F_DUPFD_CLOEXEC, 0));
    if (!child.fd) return StatusFromErrno(errno, "fcntl(F_DUPFD_CLOEXEC)");
    return Add(pid, std::move(child));
  }
  child.fd.Reset(sys::pidfd_open(pid, 0));
  if (!child.fd && errno == ESRCH) {
    child.gone = true;
    child.fd.Reset(sys::eventfd(1, EFD_CLOEXEC));
    if (!child.fd) return StatusFromErrno(errno, "eventfd");
  }
  if (child.fd) return Add(pid, std::move(child));
  return StatusFromErrno(errno, absl::StrCat("pidfd_open(", pid, ")"));
}

absl::Status PidfdChildWatcher::Add(pid_t pid, WatchedChild child) {
  epoll_event event = {};
  event.events = EPOLLIN;
  event.data.u64 = static_cast<uint64_t>(pid);
  if (sys::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, child.fd.get(), &event) < 0) {
    return StatusFromErrno(errno,
                           absl::StrCat("epoll_ctl(ADD, pid=", pid, ")"));
  }
  Callback replaced;
  if (const auto old = children_.find(pid); old != children_.end()) {
    replaced = Take(old);
  }
  children_.insert_or_assign(pid, std::move(child));
  return absl::OkStatus();
}

bool PidfdChildWatcher::Unwatch(pid_t pid) {
  const auto child = children_.find(pid);
  if (child == children_.end()) return false;
  const Callback forgotten = Take(child);
  return true;
}

void PidfdChildWatcher::Dispatch() {
  epoll_event events[kExitsPerDispatch];
  const int count = sys::epoll_wait(epoll_.get(), events, kExitsPerDispatch, 0);
  const std::shared_ptr<const bool> destroyed = destroyed_;
  for (int i = 0; i < count; ++i) {
    // An earlier callback may have unwatched it, or watched another child of
    // the same number: hence the question whether it has exited indeed.
    const pid_t pid = static_cast<pid_t>(events[i].data.u64);
    const auto child = children_.find(pid);
    if (child == children_.end()) continue;
    const std::optional<ExitStatus> status =
        child->second.gone ? ExitStatus::Unknown()
                           : TryReap(pid, child->second.fd.get());
    if (!status.has_value()) continue;
    {
      Callback on_exit = Take(child);
      on_exit(pid, *status);
    }
    if (*destroyed) return;
  }
}

ChildWatcher::Callback PidfdChildWatcher::Take(Children::iterator child) {
  // Closing it is not enough where a fork has copied the descriptor.
  sys::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, child->second.fd.get(), nullptr);
  Callback on_exit = std::move(child->second.on_exit);
  children_.erase(child);
  return on_exit;
}

}  // namespace evkit
