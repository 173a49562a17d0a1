// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// A child watcher whose children exit when a test says so. There need be no
// processes: any pid will do.
//
//   FakeChildWatcher watcher;
//   watcher.Watch(7, callback);
//   watcher.Exit(7, ExitStatus::Exited(3));    // fd() is readable now
//   watcher.Dispatch();                        // calls callback(7, exit code
//   3)

#ifndef EVKIT_SUBPROCESS_FAKE_CHILD_WATCHER_H_
#define EVKIT_SUBPROCESS_FAKE_CHILD_WATCHER_H_

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "evkit/base/wakeup_fd.h"
#include "evkit/subprocess/child_watcher.h"

namespace evkit {

// Callbacks are called in the order of the exits.
class FakeChildWatcher final : public ChildWatcher {
 public:
  FakeChildWatcher();
  FakeChildWatcher(const FakeChildWatcher&) = delete;
  FakeChildWatcher& operator=(const FakeChildWatcher&) = delete;
  ~FakeChildWatcher() override;

  // The process `pid` exits. If it is not watched, the exit is kept for whoever
  // watches it.
  void Exit(pid_t pid, ExitStatus status);

  // Every Watch() from now on returns `status`, unless that is ok.
  void FailWatch(absl::Status status) { watch_status_ = std::move(status); }

  bool IsWatched(pid_t pid) const { return callbacks_.count(pid) > 0; }
  // In ascending order.
  std::vector<pid_t> watched() const;

  absl::Status Watch(pid_t pid, Callback on_exit) override;
  absl::Status WatchSpawned(pid_t pid, int pidfd, Callback on_exit) override;
  bool Unwatch(pid_t pid) override;
  int fd() const override { return wakeup_.fd(); }
  void Dispatch() override;
  size_t size() const override { return callbacks_.size(); }

 private:
  using Exits = std::vector<std::pair<pid_t, ExitStatus>>;

  std::optional<Exits::iterator> FirstReportableExit();

  WakeupFd wakeup_;
  absl::Status watch_status_;
  std::map<pid_t, Callback> callbacks_;
  Exits exits_;
  // Owned by the watcher and by its Dispatch() while it runs, which a callback
  // may leave without a watcher.
  const std::shared_ptr<bool> destroyed_ = std::make_shared<bool>(false);
};

}  // namespace evkit

#endif  // EVKIT_SUBPROCESS_FAKE_CHILD_WATCHER_H_
