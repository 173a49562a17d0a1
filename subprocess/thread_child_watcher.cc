// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/subprocess/thread_child_watcher.h"

#include <cerrno>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "evkit/base/check.h"
#include "evkit/base/errno_status.h"
#include "evkit/base/syscalls.h"
#include "evkit/base/wakeup_fd.h"
#include "evkit/subprocess/internal/reap.h"
#include "evkit/subprocess/internal/signal_block.h"

namespace evkit {
namespace {

using subprocess_internal::SignalBlock;
using subprocess_internal::TryReap;

constexpr size_t kStackSize = 256 * 1024;

}  // namespace

// Where the threads say which children have exited. Thread-safe.
class ThreadChildWatcher::Mailbox {
 public:
  struct Exit {
    pid_t pid;
    uint64_t id;
  };

  explicit Mailbox(WakeupFd wakeup) : wakeup_(std::move(wakeup)) {}

  int fd() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return wakeup_->fd();
  }

  void Post(Exit exit) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!wakeup_.has_value()) return;
    exits_.push_back(exit);
    wakeup_->Wake();
  }

  std::vector<Exit> TakeAll() {
    const std::lock_guard<std::mutex> lock(mutex_);
    wakeup_->Dispatch();
    return std::exchange(exits_, {});
  }

  // The watcher is gone: what is posted from now on is nobody's.
  void Close() {
    const std::lock_guard<std::mutex> lock(mutex_);
    wakeup_.reset();
  }

 private:
  // Guards the rest. Not an absl::Mutex: g++'s ThreadSanitizer takes what that
  // does when it is contended for a race.
  std::mutex mutex_;
  std::optional<WakeupFd> wakeup_;
  std::vector<Exit> exits_;
};

// Waits for one child, without reaping it, and posts that it has exited.
class ThreadChildWatcher::WaitingThread {
 public:
  static absl::Status Start(std::shared_ptr<Mailbox> mailbox,
                            Mailbox::Exit exit) {
    auto self = absl::WrapUnique(new WaitingThread(std::move(mailbox), exit));
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, kStackSize);
    pthread_t thread;
    int result;
    {
      SignalBlock no_signals;  // The thread's mask: no handler runs on it.
      result = sys::pthread_create(&thread, &attributes, &Run, self.get());
    }
    const int error = errno;
    pthread_attr_destroy(&attributes);
    if (result < 0) return StatusFromErrno(error, "pthread_create");
    (void)self.release();
    return absl::OkStatus();
  }

 private:
  WaitingThread(std::shared_ptr<Mailbox> mailbox, Mailbox::Exit exit)
      : mailbox_(std::move(mailbox)), exit_(exit) {}

  static void* Run(void* argument) {
    const auto self = absl::WrapUnique(static_cast<WaitingThread*>(argument));
    siginfo_t info = {};
    while (sys::waitid(P_PID, static_cast<id_t>(self->exit_.pid), &info,
                       WEXITED | WNOWAIT) < 0 &&
           errno == EINTR) {
    }
    self->mailbox_->Post(self->exit_);
    return nullptr;
  }

  const std::shared_ptr<Mailbox> mailbox_;
  const Mailbox::Exit exit_;
};

absl::StatusOr<std::unique_ptr<ThreadChildWatcher>>
ThreadChildWatcher::Create() {
  absl::StatusOr<WakeupFd> wakeup = WakeupFd::Create();
  if (!wakeup.ok()) return wakeup.status();
  return absl::WrapUnique(
      new ThreadChildWatcher(std::make_shared<Mailbox>(*std::move(wakeup))));
}

ThreadChildWatcher::ThreadChildWatcher(std::shared_ptr<Mailbox> mailbox)
    : mailbox_(std::move(mailbox)) {}

ThreadChildWatcher::~ThreadChildWatcher() {
  *destroyed_ = true;
  mailbox_->Close();
  // Destroying a callback may run code that calls Unwatch().
  const auto children = std::exchange(children_, {});
}

int ThreadChildWatcher::fd() const { return mailbox_->fd(); }

absl::Status ThreadChildWatcher::Watch(pid_t pid, Callback on_exit) {
  if (pid > 0 && !children_.contains(pid)) {
    siginfo_t info = {};
    if (sys::waitid(P_PID, static_cast<id_t>(pid), &info,
                    WEXITED | WNOHANG | WNOWAIT) < 0) {
      // ESRCH is what there being no such process is called elsewhere.
      return StatusFromErrno(errno == ECHILD ? ESRCH : errno,
                             absl::StrCat("waitid(", pid, ")"));
    }
  }
  return Add(pid, std::move(on_exit));
}

absl::Status ThreadChildWatcher::WatchSpawned(pid_t pid, int /*pidfd*/,
                                              Callback on_exit) {
  return Add(pid, std::move(on_exit));
}

absl::Status ThreadChildWatcher::Add(pid_t pid, Callback on_exit) {
  EVKIT_CHECK(on_exit != nullptr, "on_exit is null");
  if (pid <= 0) {
    return absl::InvalidArgumentError(absl::StrCat("Watch(", pid, ")"));
  }
  const uint64_t id = ++last_id_;
  if (absl::Status status = WaitingThread::Start(mailbox_, {pid, id});
      !status.ok()) {
    return status;
  }
  WatchedChild& child = children_[pid];
  child.id = id;
  std::swap(child.on_exit, on_exit);  // A replaced one is destroyed last.
  return absl::OkStatus();
}

bool ThreadChildWatcher::Unwatch(pid_t pid) {
  const auto child = children_.find(pid);
  if (child == children_.end()) return false;
  const Callback forgotten = std::move(child->second.on_exit);
  children_.erase(child);
  return true;
}

void ThreadChildWatcher::Dispatch() {
  const std::shared_ptr<const bool> destroyed = destroyed_;
  for (const Mailbox::Exit& exit : mailbox_->TakeAll()) {
    const auto child = children_.find(exit.pid);
    if (child == children_.end() || child->second.id != exit.id) continue;
    std::optional<ExitStatus> status = TryReap(exit.pid, -1);
    if (!status.has_value()) {
      // A wait that failed, or a new child of the same number: wait on.
      if (WaitingThread::Start(mailbox_, exit).ok()) continue;
      status = ExitStatus::Unknown();
    }
    {
      Callback on_exit = std::move(child->second.on_exit);
      children_.erase(child);
      on_exit(exit.pid, *status);
    }
    if (*destroyed) return;
  }
}

}  // namespace evkit
