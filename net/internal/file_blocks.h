// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Reading a file in blocks, on another thread, since files are never "not
// ready": they block.

#ifndef EVKIT_NET_INTERNAL_FILE_BLOCKS_H_
#define EVKIT_NET_INTERNAL_FILE_BLOCKS_H_

#include <sys/types.h>

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "evkit/base/unique_fd.h"
#include "evkit/loop/coro/coro.h"

namespace evkit::net_internal {

class FileBlocks {
 public:
  // Of a duplicate of `file`, so that a read that nobody waits for any more
  // does not read from whatever gets the number next. Errnos of fcntl(2).
  static absl::StatusOr<FileBlocks> Of(int file);

  // Some bytes from `offset` on, at most `size`, read by the default executor
  // of the running loop; none at the end. What has no positions, a pipe, is
  // read on from where it is. Errnos of pread(2) and read(2), and what
  // RunInExecutor() fails with. Cancelled, what was read from a pipe is lost.
  Coro<std::string> Read(off_t offset, size_t size) const;

 private:
  FileBlocks(UniqueFd file, bool has_positions)
      : file_(std::make_shared<UniqueFd>(std::move(file))),
        has_positions_(has_positions) {}

  // Shared with the read that is under way.
  std::shared_ptr<const UniqueFd> file_;
  bool has_positions_;
};

}  // namespace evkit::net_internal

#endif  // EVKIT_NET_INTERNAL_FILE_BLOCKS_H_
