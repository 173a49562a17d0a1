// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/subprocess/internal/child_plan.h"

#include <cerrno>
#include <climits>
#include <cstddef>
#include <cstdint>

#include "evkit/base/syscalls.h"

// The child runs in the parent's memory on a stack that no sanitizer knows, and
// leaves through exec without returning from its functions.
#if defined(__clang__) || defined(__GNUC__)
#define EVKIT_IN_CHILD \
  __attribute__((no_sanitize("address", "thread", "undefined")))
#else
#define EVKIT_IN_CHILD
#endif

namespace evkit::subprocess_internal {
namespace {

constexpr unsigned kCloseRangeCloexec = 1U << 2;  // CLOSE_RANGE_CLOEXEC
constexpr int kSignals = 64;

EVKIT_IN_CHILD bool Fail(ChildPlan& plan, const char* call, int fd = -1) {
  plan.error = errno;
  plan.failed_call = call;
  plan.failed_fd = fd;
  return false;
}

// A handler of the parent must not run in the child, and what the parent
// ignores is not the child's business (exec keeps SIG_IGN).
EVKIT_IN_CHILD void ResetSignalHandlers() {
  alignas(8) const char default_action[64] = {};  // SIG_DFL, no flags.
  for (int signal = 1; signal <= kSignals; ++signal) {
    sys::raw_sigaction(signal, default_action, nullptr);
  }
}

EVKIT_IN_CHILD bool SetUpProcess(ChildPlan& plan) {
  if (plan.start_new_session && sys::raw_setsid() < 0) {
    return Fail(plan, "setsid");
  }
  if (plan.process_group != nullptr &&
      sys::raw_setpgid(0, *plan.process_group) < 0) {
    return Fail(plan, "setpgid");
  }
  if (plan.umask != nullptr) sys::raw_umask(*plan.umask);
  if (plan.working_directory != nullptr &&
      sys::raw_chdir(plan.working_directory) < 0) {
    return Fail(plan, "chdir");
  }
  return true;
}

EVKIT_IN_CHILD bool IsTarget(const ChildPlan& plan, int fd) {
  const FdMove* const moves = plan.moves.data();
  for (size_t i = 0, count = plan.moves.size(); i < count; ++i) {
    if (moves[i].target == fd) return true;
  }
  return false;
}

// Marks descriptors one by one, for kernels whose close_range(2) cannot.
EVKIT_IN_CHILD void SetCloseOnExecSlowly() {
  const int directory =
      sys::raw_open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory >= 0) {
    alignas(8) char buffer[2048];
    ssize_t size;
    while ((size = sys::raw_getdents64(directory, buffer, sizeof(buffer))) >
           0) {
      // struct linux_dirent64: d_reclen at 16, d_name at 19.
      for (ssize_t at = 0; at < size;
           at += *reinterpret_cast<const uint16_t*>(buffer + at + 16)) {
        int fd = 0;
        for (const char* c = buffer + at + 19; *c >= '0' && *c <= '9'; ++c) {
          fd = fd * 10 + (*c - '0');
        }
        if (fd > 2) sys::raw_fcntl(fd, F_SETFD, FD_CLOEXEC);
      }
    }
    sys::raw_close(directory);
    if (size == 0) return;
  }
  // No /proc either: every number that a descriptor may have.
  rlimit64 limit = {};
  if (sys::raw_prlimit(RLIMIT_NOFILE, nullptr, &limit) < 0 ||
      limit.rlim_max > (1U << 20)) {
    limit.rlim_max = 1U << 20;
  }
  for (int fd = 3; fd < static_cast<int>(limit.rlim_max); ++fd) {
    sys::raw_fcntl(fd, F_SETFD, FD_CLOEXEC);
  }
}

EVKIT_IN_CHILD bool MoveFds(ChildPlan& plan) {
  FdMove* const moves = plan.moves.data();
  const size_t count = plan.moves.size();

  // A source that is the target of another move would be overwritten: copy it
  // to a number that is nobody's target. Copies that land on a target keep it
  // occupied, so the next one lands elsewhere.
  for (size_t i = 0; i < count; ++i) {
    if (moves[i].source == moves[i].target) continue;
    const int original = moves[i].source;
    while (IsTarget(plan, moves[i].source)) {
      const int copy = sys::raw_fcntl(original, F_DUPFD_CLOEXEC, 3);
      if (copy < 0) return Fail(plan, "fcntl F_DUPFD", original);
      moves[i].source = copy;
    }
  }
  if (sys::close_range(3, UINT_MAX, kCloseRangeCloexec) < 0) {
    SetCloseOnExecSlowly();
  }
  for (size_t i = 0; i < count; ++i) {
    const FdMove& move = moves[i];
    if (move.source == move.target) {
      if (sys::raw_fcntl(move.source, F_SETFD, 0) < 0) {
        return Fail(plan, "fcntl F_SETFD", move.source);
      }
    } else if (sys::raw_dup3(move.source, move.target, 0) < 0) {
      return Fail(plan, "dup3", move.target);
    }
  }
  return true;
}

EVKIT_IN_CHILD bool SetLimitsAndUser(ChildPlan& plan) {
  const Limit* const limits = plan.limits.data();
  for (size_t i = 0, count = plan.limits.size(); i < count; ++i) {
    if (sys::raw_prlimit(limits[i].resource, &limits[i].values, nullptr) < 0) {
      return Fail(plan, "setrlimit");
    }
  }
  if (plan.extra_groups != nullptr &&
      sys::raw_setgroups(plan.extra_groups->size(), plan.extra_groups->data()) <
          0) {
    return Fail(plan, "setgroups");
  }
  if (plan.group != nullptr &&
      sys::raw_setresgid(*plan.group, *plan.group, *plan.group) < 0) {
    return Fail(plan, "setresgid");
  }
  if (plan.user != nullptr &&
      sys::raw_setresuid(*plan.user, *plan.user, *plan.user) < 0) {
    return Fail(plan, "setresuid");
  }
  // After the change of user, which clears it.
  if (plan.parent_death_signal != 0) {
    if (sys::raw_prctl(PR_SET_PDEATHSIG, plan.parent_death_signal) < 0) {
      return Fail(plan, "prctl(PR_SET_PDEATHSIG)");
    }
    if (sys::raw_getppid() != plan.parent) {
      errno = ESRCH;  // It died before the call.
      return Fail(plan, "prctl(PR_SET_PDEATHSIG)");
    }
  }
  return true;
}

// As execvp(3): goes on to the next directory where this one has no such
// program, and tells of one that may not be run rather than of none.
EVKIT_IN_CHILD void Exec(ChildPlan& plan) {
  const char* const* const candidates = plan.candidates.data();
  char* const* const argv = plan.argv.data();
  bool forbidden = false;
  for (size_t i = 0, count = plan.candidates.size(); i < count; ++i) {
    sys::raw_execve(candidates[i], argv, plan.environment);
    if (errno == EACCES) {
      forbidden = true;
    } else if (errno != ENOENT && errno != ENOTDIR && errno != ESTALE &&
               errno != ENODEV && errno != ETIMEDOUT) {
      forbidden = false;
      break;
    }
  }
  if (forbidden) errno = EACCES;
  Fail(plan, "execve");
}

}  // namespace

EVKIT_IN_CHILD int RunChild(void* argument) {
  ChildPlan& plan = *static_cast<ChildPlan*>(argument);
  ResetSignalHandlers();
  if (!SetUpProcess(plan) || !MoveFds(plan) || !SetLimitsAndUser(plan)) {
    return 127;
  }
  const uint64_t no_signals = 0;
  if (sys::rt_sigprocmask(SIG_SETMASK, &no_signals, nullptr) < 0) {
    Fail(plan, "rt_sigprocmask");
    return 127;
  }
  Exec(plan);
  return 127;
}

}  // namespace evkit::subprocess_internal
