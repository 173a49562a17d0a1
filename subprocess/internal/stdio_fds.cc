// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/subprocess/internal/stdio_fds.h"

#include <cerrno>
#include <cstddef>
#include <utility>

#include "absl/strings/str_cat.h"
#include "evkit/base/errno_status.h"
#include "evkit/base/syscalls.h"

namespace evkit::subprocess_internal {
namespace {

// Where the parent's own 0, 1 or 2 is closed, a new descriptor takes its
// number, and a child that inherits it would get something else than "closed".
absl::Status MoveAboveStdio(UniqueFd& fd) {
  if (fd.get() > 2) return absl::OkStatus();
  UniqueFd moved(sys::fcntl(fd.get(), F_DUPFD_CLOEXEC, 3));
  if (!moved) return StatusFromErrno(errno, "fcntl(F_DUPFD_CLOEXEC)");
  fd = std::move(moved);
  return absl::OkStatus();
}

absl::Status CheckIsOpen(int fd) {
  if (sys::fcntl(fd, F_GETFD, 0) >= 0) return absl::OkStatus();
  return StatusFromErrno(errno, absl::StrCat("fcntl(F_GETFD, fd=", fd, ")"));
}

absl::Status CheckPassedFds(const std::vector<PassedFd>& fds) {
  for (size_t i = 0; i < fds.size(); ++i) {
    if (fds[i].child_fd < 3) {
      return absl::InvalidArgumentError(
          absl::StrCat("pass_fds: descriptor ", fds[i].child_fd,
                       " of the child is not 3 or more"));
    }
    for (size_t j = 0; j < i; ++j) {
      if (fds[j].child_fd == fds[i].child_fd) {
        return absl::InvalidArgumentError(
            absl::StrCat("pass_fds: descriptor ", fds[i].child_fd,
                         " of the child is given twice"));
      }
    }
    if (absl::Status status = CheckIsOpen(fds[i].parent_fd); !status.ok()) {
      return status;
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status StdioFds::Open(const SpawnOptions& options, Child& child,
                            std::vector<FdMove>& moves) {
  const Stdio stdio[] = {options.stdin_from, options.stdout_to,
                         options.stderr_to};
  // The caller's descriptors are looked at before any is opened: a closed one
  // could otherwise be one of ours by then.
  for (int target = 0; target < 3; ++target) {
    if (stdio[target].kind() == Stdio::Kind::kFd) {
      if (absl::Status status = CheckIsOpen(stdio[target].fd()); !status.ok()) {
        return status;
      }
    }
    if (stdio[target].kind() == Stdio::Kind::kStdout && target != 2) {
      return absl::InvalidArgumentError(
          "Stdio::ToStdout() is for stderr_to only");
    }
  }
  if (absl::Status status = CheckPassedFds(options.pass_fds); !status.ok()) {
    return status;
  }

  UniqueFd* const parent_ends[] = {&child.stdin_pipe, &child.stdout_pipe,
                                   &child.stderr_pipe};
  int stdout_source = 1;
  for (int target = 0; target < 3; ++target) {
    if (stdio[target].kind() == Stdio::Kind::kStdout) {
      moves.push_back({2, stdout_source});
      continue;
    }
    const size_t moves_before = moves.size();
    if (absl::Status status =
            OpenOne(stdio[target], target, *parent_ends[target], moves);
        !status.ok()) {
      return status;
    }
    if (target == 1 && moves.size() > moves_before) {
      stdout_source = moves.back().source;
    }
  }
  for (const PassedFd& passed : options.pass_fds) {
    moves.push_back({passed.child_fd, passed.parent_fd});
  }
  return absl::OkStatus();
}

absl::Status StdioFds::OpenOne(Stdio stdio, int target, UniqueFd& parent_end,
                               std::vector<FdMove>& moves) {
  switch (stdio.kind()) {
    case Stdio::Kind::kInherit:
    case Stdio::Kind::kStdout:
      return absl::OkStatus();
    case Stdio::Kind::kFd:
      moves.push_back({target, stdio.fd()});
      return absl::OkStatus();
    case Stdio::Kind::kNull: {
      if (!null_) {
        null_.Reset(sys::open("/dev/null", O_RDWR | O_CLOEXEC, 0));
        if (!null_) return StatusFromErrno(errno, "open(/dev/null)");
        if (absl::Status status = MoveAboveStdio(null_); !status.ok()) {
          return status;
        }
      }
      moves.push_back({target, null_.get()});
      return absl::OkStatus();
    }
    case Stdio::Kind::kNewPipe: {
      int ends[2];
      if (sys::pipe2(ends, O_CLOEXEC) < 0) {
        return StatusFromErrno(errno, "pipe2");
      }
      UniqueFd read_end(ends[0]);
      UniqueFd write_end(ends[1]);
      UniqueFd& child_end = child_ends_[target];
      child_end = std::move(target == 0 ? read_end : write_end);
      parent_end = std::move(target == 0 ? write_end : read_end);
      if (absl::Status status = MoveAboveStdio(child_end); !status.ok()) {
        return status;
      }
      if (absl::Status status = MoveAboveStdio(parent_end); !status.ok()) {
        return status;
      }
      moves.push_back({target, child_end.get()});
      return absl::OkStatus();
    }
  }
  return absl::InternalError("unreachable");
}

}  // namespace evkit::subprocess_internal
