// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/internal/file_blocks.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "evkit/base/errno_status.h"
#include "evkit/base/syscalls.h"
#include "evkit/base/unique_fd.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/loop/coro/or_return.h"
#include "evkit/loop/coro/run_in_executor.h"
#include "evkit/policy/running_loop.h"

namespace evkit::net_internal {
namespace {

absl::StatusOr<std::string> ReadBlock(int file, bool has_positions,
                                      off_t offset, size_t size) {
  std::string block(size, '\0');
  for (;;) {
    const ssize_t read = has_positions
                             ? sys::pread(file, block.data(), size, offset)
                             : sys::read(file, block.data(), size);
    if (read >= 0) {
      block.resize(static_cast<size_t>(read));
      return block;
    }
    if (errno != EINTR) {
      return StatusFromErrno(
          errno, absl::StrCat(has_positions ? "p" : "", "read(fd=", file, ")"));
    }
  }
}

}  // namespace

absl::StatusOr<FileBlocks> FileBlocks::Of(int file) {
  UniqueFd duplicate(sys::fcntl(file, F_DUPFD_CLOEXEC, 0));
  if (!duplicate) {
    return StatusFromErrno(errno,
                           absl::StrCat("fcntl(F_DUPFD, fd=", file, ")"));
  }
  const bool has_positions = sys::lseek(file, 0, SEEK_CUR) >= 0;
  return FileBlocks(std::move(duplicate), has_positions);
}

Coro<std::string> FileBlocks::Read(off_t offset, size_t size) const {
  AbstractEventLoop* const loop = co_await OrReturn(GetRunningLoop());
  auto work = [file = file_, has_positions = has_positions_, offset, size] {
    return ReadBlock(file->get(), has_positions, offset, size);
  };
  co_return co_await RunInExecutor(*loop, nullptr, std::move(work));
}

}  // namespace evkit::net_internal
