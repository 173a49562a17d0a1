// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Starts a program in a child process, at the price of vfork(2) however big the
// parent is, and says exactly what went wrong if it could not.
//
//   SpawnOptions options;
//   options.argv = {"grep", "-c", "^model name", "/proc/cpuinfo"};
//   options.stdout_to = Stdio::Pipe();
//   absl::StatusOr<Child> child = Spawn(options);
//   // child->pid, child->pidfd, child->stdout_pipe
//
// It does not wait for the child: subprocess/child_watcher.h tells when it
// ends. There is no loop here, and no global state.
//
// The child gets what it is given and nothing else: descriptors 0, 1, 2 and
// `pass_fds`, even if other threads opened theirs without O_CLOEXEC; an empty
// signal mask; every signal at its default, SIGPIPE and the ignored ones too.
//
// See docs/subprocess.md for how and why.

#ifndef EVKIT_SUBPROCESS_SPAWN_H_
#define EVKIT_SUBPROCESS_SPAWN_H_

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "evkit/base/unique_fd.h"

namespace evkit {

// What one of the child's descriptors 0, 1, 2 is.
class Stdio {
 public:
  // The parent's descriptor of the same number, as exec(2) would leave it:
  // closed if the parent's is closed or close-on-exec.
  static Stdio Inherit() { return Stdio(Kind::kInherit, -1); }
  // /dev/null. asyncio's DEVNULL.
  static Stdio Null() { return Stdio(Kind::kNull, -1); }
  // A new pipe, whose other end is in the `Child`.
  static Stdio Pipe() { return Stdio(Kind::kNewPipe, -1); }
  // A copy of the parent's `fd`, which stays the caller's.
  static Stdio Fd(int fd) { return Stdio(Kind::kFd, fd); }
  // For `stderr_to` only: where the child's stdout goes. asyncio's STDOUT.
  static Stdio ToStdout() { return Stdio(Kind::kStdout, -1); }

  enum class Kind : uint8_t { kInherit, kNull, kNewPipe, kFd, kStdout };
  Kind kind() const { return kind_; }
  int fd() const { return fd_; }

 private:
  Stdio(Kind kind, int fd) : kind_(kind), fd_(fd) {}

  Kind kind_;
  int fd_;
};

// A descriptor that the child has besides 0, 1, 2: its `child_fd`, 3 or more,
// is a copy of the parent's `parent_fd`. The two may be the same number.
struct PassedFd {
  PassedFd(int number_in_child, int number_in_parent)
      : child_fd(number_in_child), parent_fd(number_in_parent) {}

  int child_fd;
  int parent_fd;
};

// One setrlimit(2) of the child.
struct ResourceLimit {
  ResourceLimit(int which, uint64_t soft_limit, uint64_t hard_limit)
      : resource(which), soft(soft_limit), hard(hard_limit) {}

  int resource;  // RLIMIT_NOFILE, ...
  uint64_t soft;
  uint64_t hard;
};

struct SpawnOptions {
  SpawnOptions() {}

  // The arguments; the first is by custom the name of the program. Not empty.
  std::vector<std::string> argv;

  // The program; if empty, argv[0]. Without a slash it is looked for in the
  // parent's PATH, as execvp(3) does. With one and relative, it is relative to
  // the child's working directory. A script needs a #! line (else ENOEXEC).
  std::string program;

  // "NAME=value" each, in place of the parent's environment.
  std::optional<std::vector<std::string>> environment;

  // Empty: the parent's.
  std::string working_directory;

  Stdio stdin_from = Stdio::Inherit();
  Stdio stdout_to = Stdio::Inherit();
  Stdio stderr_to = Stdio::Inherit();
  std::vector<PassedFd> pass_fds;

  // setsid(2): a session and a process group of its own, no terminal.
  bool start_new_session = false;
  // setpgid(2): the group to join; 0 makes one whose number is the child's pid.
  std::optional<pid_t> process_group;

  std::optional<mode_t> umask;

  // All three of real, effective, saved. Groups are set first. Extra groups
  // stay the parent's unless given: a parent with privileges that sets `user`
  // wants to set the other two.
  std::optional<uid_t> user;
  std::optional<gid_t> group;
  std::optional<std::vector<gid_t>> extra_groups;

  // What the child gets when the thread (not: the process) that spawned it
  // ends; 0 is nothing. prctl(PR_SET_PDEATHSIG).
  int parent_death_signal = 0;

  std::vector<ResourceLimit> resource_limits;
};

// A running child. Movable. Destroying it closes the descriptors and does
// nothing to the process: somebody has to wait for the pid, or it becomes a
// zombie.
struct Child {
  Child() {}

  // Sends `signal`, through the pidfd if there is one: then it can reach only
  // this child, and fails with kNotFound (ESRCH) once that has been reaped.
  // Without one it is kill(2), and must not be called after the reaping.
  absl::Status Signal(int signal) const;

  pid_t pid = -1;
  // Refers to the process as long as it is open, whatever becomes of the pid.
  // Empty on kernels before 5.2, and where pidfds are forbidden.
  UniqueFd pidfd;
  // The parent's ends of the pipes asked for; blocking.
  UniqueFd stdin_pipe;
  UniqueFd stdout_pipe;
  UniqueFd stderr_pipe;
};

// Starts a child. Returns when it runs the program, or could not: exec(2)'s own
// error then is in the status, "Spawn(/no/such): execve: No such file or
// directory" with kNotFound, and its errno in ErrnoFromStatus(). A failure
// leaves no process, zombie or descriptor behind; but where the child had been
// made already, SIGCHLD is sent to the process as for any other child.
//
// kInvalidArgument: no arguments, a zero byte in a string, `pass_fds` below 3
// or twice the same. Everything else is what a system call said, and names it.
//
// Blocks the calling thread until the exec, some hundreds of microseconds.
// Thread-safe, but for the environment: no other thread may be in setenv(3).
absl::StatusOr<Child> Spawn(const SpawnOptions& options);

}  // namespace evkit

#endif  // EVKIT_SUBPROCESS_SPAWN_H_
