// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// What a loop that watches children itself can do, for those who know it as an
// AbstractEventLoop:
//
//   if (ChildWatching* const children = loop.child_watching()) {
//     status = children->WatchChild(pid, std::move(on_exit));
//   }
//
// Belongs to the loop's thread, and lives as long as the loop.

#ifndef EVKIT_LOOP_CHILD_WATCHING_H_
#define EVKIT_LOOP_CHILD_WATCHING_H_

#include <sys/types.h>

#include "absl/status/status.h"
#include "evkit/subprocess/child_watcher.h"

namespace evkit {

class ChildWatching {
 public:
  ChildWatching() = default;
  ChildWatching(const ChildWatching&) = delete;
  ChildWatching& operator=(const ChildWatching&) = delete;

  // Calls `on_exit` in a callback of this loop when the child `pid` has exited,
  // and reaps it; another's children are never touched. In the context that is
  // current here. See subprocess/child_watcher.h for what can be watched.
  //   kUnimplemented: the loop was made without a child watcher.
  //   kFailedPrecondition: the loop is closed, or was inherited through fork.
  //   Others: as `ChildWatcher::Watch()`.
  virtual absl::Status WatchChild(pid_t pid,
                                  ChildWatcher::Callback on_exit) = 0;

  // The same for a child that this process has just made; see
  // `ChildWatcher::WatchSpawned()`.
  virtual absl::Status WatchSpawnedChild(pid_t pid, int pidfd,
                                         ChildWatcher::Callback on_exit) = 0;

  // Forgets it, and does not reap it. Whether it was watched. A callback that
  // is already queued still runs.
  virtual bool UnwatchChild(pid_t pid) = 0;

 protected:
  ~ChildWatching() = default;
};

}  // namespace evkit

#endif  // EVKIT_LOOP_CHILD_WATCHING_H_
