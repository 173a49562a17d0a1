// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Tells when a child exits, and with what. Reaps only what it was given: no
// wait for just any child, so any number of them live in a process, each on a
// thread of its own.
//
//   absl::StatusOr<std::unique_ptr<ChildWatcher>> watcher =
//       NewDefaultChildWatcher();
//   (*watcher)->WatchSpawned(child.pid, child.pidfd.get(),
//                            [](pid_t pid, ExitStatus status) { ... });
//   // whenever (*watcher)->fd() is readable:
//   (*watcher)->Dispatch();
//
// Implementations: pidfd_child_watcher.h, thread_child_watcher.h and
// signal_child_watcher.h; for tests fake_child_watcher.h, and
// child_watcher_conformance.h for one of your own.

#ifndef EVKIT_SUBPROCESS_CHILD_WATCHER_H_
#define EVKIT_SUBPROCESS_CHILD_WATCHER_H_

#include <sys/types.h>

#include <cstddef>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "evkit/subprocess/exit_status.h"

namespace evkit {

// Not thread-safe: belongs to one thread, whichever that is. May be destroyed
// at any moment, also from a callback; what is still watched then is neither
// reported nor reaped.
class ChildWatcher {
 public:
  // May watch and unwatch anything, and destroy the watcher.
  using Callback = absl::AnyInvocable<void(pid_t pid, ExitStatus status)>;

  virtual ~ChildWatcher() = default;

  // Arranges for `on_exit` to be called once, from Dispatch(), when the child
  // has exited and this watcher has reaped it. If somebody else reaps it first
  // (waitpid(-1) elsewhere in the process, SIGCHLD ignored), its status is
  // ExitStatus::Unknown(). A child that has exited already is reported in the
  // next Dispatch(). Watching a pid again replaces the callback, which is
  // destroyed uncalled.
  //
  // kNotFound if there is no such child; kInvalidArgument if `pid` <= 0;
  // otherwise what the system was short of. On an error nothing has changed.
  virtual absl::Status Watch(pid_t pid, Callback on_exit) = 0;

  // Watch() for a child that this process is known to have made, so that "no
  // such child" means that it is gone: reported as Unknown, never kNotFound.
  // `pidfd`, unless it is -1, refers to the child, so that no child that got
  // the same pid since is taken for it; it is borrowed for the call.
  virtual absl::Status WatchSpawned(pid_t pid, int pidfd, Callback on_exit) = 0;

  // Forgets `pid`: `on_exit` is destroyed uncalled, and the child is the
  // caller's to reap. Returns whether it was watched.
  virtual bool Unwatch(pid_t pid) = 0;

  // Readable when Dispatch() has work. Stays the watcher's own.
  virtual int fd() const = 0;

  // Reaps the watched children that have exited and calls their callbacks, in
  // no particular order. Never blocks. A bounded number per call; `fd()` stays
  // readable if there are more.
  virtual void Dispatch() = 0;

  // How many children are watched.
  virtual size_t size() const = 0;
};

}  // namespace evkit

#endif  // EVKIT_SUBPROCESS_CHILD_WATCHER_H_
