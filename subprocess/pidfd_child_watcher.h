// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Watches children through an epoll set of pidfds: no thread, no signal. Needs
// Linux 5.3; see default_child_watcher.h for one that runs everywhere.

#ifndef EVKIT_SUBPROCESS_PIDFD_CHILD_WATCHER_H_
#define EVKIT_SUBPROCESS_PIDFD_CHILD_WATCHER_H_

#include <cstddef>
#include <memory>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "evkit/base/unique_fd.h"
#include "evkit/subprocess/child_watcher.h"

namespace evkit {

// Also watches processes that are not children of this one: their exit is seen,
// their status is Unknown. One descriptor for itself and one per process.
class PidfdChildWatcher final : public ChildWatcher {
 public:
  // Fails with what epoll_create1(2) fails with: kResourceExhausted.
  static absl::StatusOr<std::unique_ptr<PidfdChildWatcher>> Create();

  PidfdChildWatcher(const PidfdChildWatcher&) = delete;
  PidfdChildWatcher& operator=(const PidfdChildWatcher&) = delete;
  ~PidfdChildWatcher() override;

  absl::Status Watch(pid_t pid, Callback on_exit) override;
  absl::Status WatchSpawned(pid_t pid, int pidfd, Callback on_exit) override;
  bool Unwatch(pid_t pid) override;
  int fd() const override { return epoll_.get(); }
  void Dispatch() override;
  size_t size() const override { return children_.size(); }

 private:
  struct WatchedChild {
    UniqueFd fd;  // The pidfd; or, if the child is gone, one that is readable.
    bool gone = false;
    Callback on_exit;
  };
  using Children = absl::flat_hash_map<pid_t, WatchedChild>;

  explicit PidfdChildWatcher(UniqueFd epoll);
  absl::Status Add(pid_t pid, WatchedChild child);
  Callback Take(Children::iterator child);

  UniqueFd epoll_;
  Children children_;
  // Owned by the watcher and by its Dispatch() while it runs, which a callback
  // may leave without a watcher.
  const std::shared_ptr<bool> destroyed_ = std::make_shared<bool>(false);
};

}  // namespace evkit

#endif  // EVKIT_SUBPROCESS_PIDFD_CHILD_WATCHER_H_
