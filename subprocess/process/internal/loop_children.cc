// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/subprocess/process/internal/loop_children.h"

#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "evkit/loop/child_watching.h"
#include "evkit/loop/context.h"
#include "evkit/loop/loop_local.h"
#include "evkit/subprocess/default_child_watcher.h"

namespace evkit::subprocess_internal {
namespace {

// The watcher of a loop that watches no children.
class LentWatcher {
 public:
  explicit LentWatcher(AbstractEventLoop& loop) : loop_(loop) {}

  absl::Status Watch(pid_t pid, int pidfd, ChildWatcher::Callback on_exit) {
    if (watcher_ == nullptr) {
      absl::StatusOr<std::unique_ptr<ChildWatcher>> watcher =
          NewDefaultChildWatcher();
      if (!watcher.ok()) return watcher.status();
      // In a context of its own: it stays, and would keep the values of this.
      ChildWatcher& made = **watcher;
      absl::Status status = Context().Run([&] {
        return loop_.AddReader(made.fd(), [&made] { made.Dispatch(); });
      });
      if (!status.ok()) return status;
      watcher_ = *std::move(watcher);
    }
    return watcher_->WatchSpawned(
        pid, pidfd,
        [this, context = Context::CopyCurrent(), on_exit = std::move(on_exit)](
            pid_t exited, ExitStatus status) mutable {
          loop_.CallSoon([on_exit = std::move(on_exit), exited,
                          status]() mutable { on_exit(exited, status); },
                         context);
        });
  }

 private:
  AbstractEventLoop& loop_;
  std::unique_ptr<ChildWatcher> watcher_;
};

const LoopLocal<LentWatcher> lent_watcher;

}  // namespace

absl::Status WatchSpawnedChild(AbstractEventLoop& loop, pid_t pid, int pidfd,
                               ChildWatcher::Callback on_exit) {
  if (ChildWatching* const children = loop.child_watching()) {
    return children->WatchSpawnedChild(pid, pidfd, std::move(on_exit));
  }
  return lent_watcher.Get(loop).Watch(pid, pidfd, std::move(on_exit));
}

}  // namespace evkit::subprocess_internal
