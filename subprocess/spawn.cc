// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/subprocess/spawn.h"

#include <cerrno>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "evkit/base/check.h"
#include "evkit/base/errno_status.h"
#include "evkit/base/syscalls.h"
#include "evkit/subprocess/internal/child_plan.h"
#include "evkit/subprocess/internal/child_stack.h"
#include "evkit/subprocess/internal/reap.h"
#include "evkit/subprocess/internal/signal_block.h"
#include "evkit/subprocess/internal/stdio_fds.h"

namespace evkit {
namespace {

using subprocess_internal::ChildPlan;
using subprocess_internal::ChildStack;
using subprocess_internal::RunChild;
using subprocess_internal::SignalBlock;
using subprocess_internal::StdioFds;

// A thread that is cancelled must not unwind its stack in the child.
class CancellationBlock {
 public:
  CancellationBlock() {
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old_state_);
  }
  CancellationBlock(const CancellationBlock&) = delete;
  CancellationBlock& operator=(const CancellationBlock&) = delete;
  ~CancellationBlock() { pthread_setcancelstate(old_state_, nullptr); }

 private:
  int old_state_;
};

absl::Status CheckStrings(const SpawnOptions& options,
                          const std::string& program) {
  bool has_zero = program.find('\0') != std::string::npos ||
                  options.working_directory.find('\0') != std::string::npos;
  const auto look_at = [&](const std::vector<std::string>& strings) {
    for (const std::string& s : strings) {
      has_zero = has_zero || s.find('\0') != std::string::npos;
    }
  };
  look_at(options.argv);
  if (options.environment.has_value()) look_at(*options.environment);
  if (has_zero) {
    return absl::InvalidArgumentError("a string has a zero byte in it");
  }
  return absl::OkStatus();
}

// The paths at which `program` may be.
std::vector<std::string> Candidates(const std::string& program) {
  if (program.empty() || program.find('/') != std::string::npos) {
    return {program};
  }
  const char* const path = std::getenv("PATH");
  std::vector<std::string> candidates;
  for (absl::string_view directory :
       absl::StrSplit(path == nullptr ? "/bin:/usr/bin" : path, ':')) {
    candidates.push_back(
        absl::StrCat(directory.empty() ? "." : directory, "/", program));
  }
  return candidates;
}

std::vector<char*> Pointers(const std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  pointers.reserve(strings.size() + 1);
  for (const std::string& s : strings) {
    pointers.push_back(const_cast<char*>(s.c_str()));  // exec(2)'s type.
  }
  pointers.push_back(nullptr);
  return pointers;
}

template <typename T>
const T* PointerOrNull(const std::optional<T>& value) {
  return value.has_value() ? &*value : nullptr;
}

void FillIn(const SpawnOptions& options, ChildPlan& plan) {
  plan.argv = Pointers(options.argv);
  if (!options.working_directory.empty()) {
    plan.working_directory = options.working_directory.c_str();
  }
  plan.start_new_session = options.start_new_session;
  plan.process_group = PointerOrNull(options.process_group);
  plan.umask = PointerOrNull(options.umask);
  plan.user = PointerOrNull(options.user);
  plan.group = PointerOrNull(options.group);
  plan.extra_groups = PointerOrNull(options.extra_groups);
  plan.parent_death_signal = options.parent_death_signal;
  plan.parent = sys::getpid();
  for (const ResourceLimit& limit : options.resource_limits) {
    plan.limits.push_back({limit.resource, {limit.soft, limit.hard}});
  }
}

// Makes the child and waits until it has left our memory.
absl::Status CloneAndRun(ChildPlan& plan, Child& child) {
  const absl::StatusOr<void*> stack = ChildStack::TopForThisThread();
  if (!stack.ok()) return stack.status();

  CancellationBlock no_cancellation;
  SignalBlock no_signals;
  if (no_signals.error() != 0) {
    return StatusFromErrno(no_signals.error(), "rt_sigprocmask");
  }
  constexpr int kFlags = CLONE_VM | CLONE_VFORK | SIGCHLD;
  int pidfd = -1;
  child.pid = sys::clone(RunChild, *stack, kFlags | CLONE_PIDFD, &plan, &pidfd);
  if (child.pid < 0 && errno == EINVAL) {
    child.pid = sys::clone(RunChild, *stack, kFlags, &plan, nullptr);
  }
  if (child.pid < 0) return StatusFromErrno(errno, "clone");
  child.pidfd.Reset(pidfd);  // Kernels before 5.2 ignore the flag.
  if (plan.error != 0) {
    subprocess_internal::Reap(child.pid, child.pidfd.get());
    return StatusFromErrno(
        plan.error,
        plan.failed_fd < 0
            ? absl::StrCat(plan.failed_call)
            : absl::StrCat(plan.failed_call, "(fd=", plan.failed_fd, ")"));
  }
  if (!child.pidfd) child.pidfd.Reset(sys::pidfd_open(child.pid, 0));
  return absl::OkStatus();
}

absl::StatusOr<Child> SpawnProgram(const SpawnOptions& options,
                                   const std::string& program) {
  if (absl::Status status = CheckStrings(options, program); !status.ok()) {
    return status;
  }
  ChildPlan plan;
  FillIn(options, plan);
  const std::vector<std::string> candidates = Candidates(program);
  for (const std::string& path : candidates) {
    plan.candidates.push_back(path.c_str());
  }
  std::vector<char*> environment;
  if (options.environment.has_value()) {
    environment = Pointers(*options.environment);
  }
  plan.environment =
      options.environment.has_value() ? environment.data() : environ;

  Child child;
  StdioFds stdio;
  if (absl::Status status = stdio.Open(options, child, plan.moves);
      !status.ok()) {
    return status;
  }
  if (absl::Status status = CloneAndRun(plan, child); !status.ok()) {
    return status;
  }
  return child;
}

}  // namespace

absl::Status Child::Signal(int signal) const {
  EVKIT_CHECK(pid > 0, "there is no child");
  if (pidfd) {
    if (sys::pidfd_send_signal(pidfd.get(), signal, nullptr, 0) == 0) {
      return absl::OkStatus();
    }
    return StatusFromErrno(
        errno, absl::StrCat("pidfd_send_signal(pid=", pid, ", ", signal, ")"));
  }
  if (sys::kill(pid, signal) == 0) return absl::OkStatus();
  return StatusFromErrno(errno, absl::StrCat("kill(", pid, ", ", signal, ")"));
}

absl::StatusOr<Child> Spawn(const SpawnOptions& options) {
  if (options.argv.empty()) {
    return absl::InvalidArgumentError("Spawn: argv is empty");
  }
  const std::string& program =
      options.program.empty() ? options.argv.front() : options.program;
  absl::StatusOr<Child> child = SpawnProgram(options, program);
  if (child.ok()) return child;
  absl::Status status(
      child.status().code(),
      absl::StrCat("Spawn(", program, "): ", child.status().message()));
  child.status().ForEachPayload(
      [&](absl::string_view type, const absl::Cord& payload) {
        status.SetPayload(type, payload);
      });
  return status;
}

}  // namespace evkit
