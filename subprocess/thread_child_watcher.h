// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Watches children with a thread each, which waits for the exit and leaves the
// reaping to the owner's thread, so that no pid becomes free behind the owner's
// back. For kernels and sandboxes without pidfds; see default_child_watcher.h.

#ifndef EVKIT_SUBPROCESS_THREAD_CHILD_WATCHER_H_
#define EVKIT_SUBPROCESS_THREAD_CHILD_WATCHER_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "evkit/subprocess/child_watcher.h"

namespace evkit {

// Watches children of this process only. Unwatching a child, or destroying the
// watcher, does not wait for the child's thread: that stays, detached and
// touching nothing of the watcher or the callbacks, until the child exits or
// the process does.
class ThreadChildWatcher final : public ChildWatcher {
 public:
  // Fails with what eventfd(2) fails with: kResourceExhausted.
  static absl::StatusOr<std::unique_ptr<ThreadChildWatcher>> Create();

  ThreadChildWatcher(const ThreadChildWatcher&) = delete;
  ThreadChildWatcher& operator=(const ThreadChildWatcher&) = delete;
  ~ThreadChildWatcher() override;

  absl::Status Watch(pid_t pid, Callback on_exit) override;
  absl::Status WatchSpawned(pid_t pid, int pidfd, Callback on_exit) override;
  bool Unwatch(pid_t pid) override;
  int fd() const override;
  void Dispatch() override;
  size_t size() const override { return children_.size(); }

 private:
  class Mailbox;
  class WaitingThread;
  struct WatchedChild {
    uint64_t id = 0;  // Tells this watch from earlier ones of the same pid.
    Callback on_exit;
  };

  explicit ThreadChildWatcher(std::shared_ptr<Mailbox> mailbox);
  absl::Status Add(pid_t pid, Callback on_exit);

  // Shared with the threads, which may outlive the watcher.
  const std::shared_ptr<Mailbox> mailbox_;
  absl::flat_hash_map<pid_t, WatchedChild> children_;
  uint64_t last_id_ = 0;
  // Owned by the watcher and by its Dispatch() while it runs, which a callback
  // may leave without a watcher.
  const std::shared_ptr<bool> destroyed_ = std::make_shared<bool>(false);
};

}  // namespace evkit

#endif  // EVKIT_SUBPROCESS_THREAD_CHILD_WATCHER_H_
