// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/connections/internal/socket_file.h"

#include <sys/stat.h>
#include <sys/types.h>

#include <cerrno>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "evkit/base/errno_status.h"
#include "evkit/base/fork_generation.h"
#include "evkit/base/syscalls.h"

namespace evkit::net_internal {
namespace {

absl::Status LstatError(const std::string& path) {
  return StatusFromErrno(errno, absl::StrCat("lstat(", path, ")"));
}

absl::Status Unlink(const std::string& path) {
  if (sys::unlink(path.c_str()) == 0 || errno == ENOENT) {
    return absl::OkStatus();
  }
  return StatusFromErrno(errno, absl::StrCat("unlink(", path, ")"));
}

}  // namespace

absl::Status RemoveStaleSocket(const std::string& path) {
  struct stat info;
  if (sys::lstat(path.c_str(), &info) != 0) {
    return errno == ENOENT ? absl::OkStatus() : LstatError(path);
  }
  return S_ISSOCK(info.st_mode) ? Unlink(path) : absl::OkStatus();
}

SocketFile::SocketFile(const std::string& path, dev_t device, ino_t inode)
    : path_(path),
      device_(device),
      inode_(inode),
      fork_generation_(ForkGeneration()) {}

absl::StatusOr<SocketFile> SocketFile::At(const std::string& path) {
  struct stat info;
  if (sys::lstat(path.c_str(), &info) != 0) return LstatError(path);
  return SocketFile(path, info.st_dev, info.st_ino);
}

absl::Status SocketFile::Remove() const {
  if (ForkGeneration() != fork_generation_) return absl::OkStatus();
  struct stat info;
  if (sys::lstat(path_.c_str(), &info) != 0) {
    return errno == ENOENT ? absl::OkStatus() : LstatError(path_);
  }
  if (info.st_dev != device_ || info.st_ino != inode_) return absl::OkStatus();
  return Unlink(path_);
}

}  // namespace evkit::net_internal
