// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// The files below a directory, and no others, whatever path is asked for.

#ifndef EVKIT_EXAMPLES_HTTP_FILE_SERVER_FILE_TREE_H_
#define EVKIT_EXAMPLES_HTTP_FILE_SERVER_FILE_TREE_H_

#include <sys/stat.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "evkit/base/unique_fd.h"

namespace evkit {

class OpenFile {
 public:
  OpenFile(UniqueFd fd_in, const struct stat& info_in)
      : fd(std::move(fd_in)), info(info_in) {}

  bool is_directory() const { return S_ISDIR(info.st_mode); }

  UniqueFd fd;
  struct stat info;  // Of `fd`, so of this very file.
};

// Looks on the calling thread, as it takes microseconds where the disk is local
// and its directories are in memory; over a network file system it would have
// to be RunInExecutor()'s.
class FileTree {
 public:
  // The errnos of open(2), of the root.
  static absl::StatusOr<FileTree> Open(const std::string& root);

  // Opens what `path`, part by part, leads to from the root, for reading. Parts
  // are not empty, but the last, which is passed over. Symbolic links are not
  // followed, so that nothing that somebody puts into the tree leads out of it.
  //   kNotFound: there is no such file, or a link is in the way.
  //   kPermissionDenied: it may not be read, or is neither file nor directory.
  //   Other errnos of openat(2).
  absl::StatusOr<OpenFile> Find(absl::Span<const std::string> path) const;

  // What is in a directory of the tree, sorted, directories with a slash; at
  // most `kMaxListed`.
  static constexpr size_t kMaxListed = 10000;
  static absl::StatusOr<std::vector<std::string>> List(const OpenFile& folder);

 private:
  explicit FileTree(UniqueFd root) : root_(std::move(root)) {}

  UniqueFd root_;
};

}  // namespace evkit

#endif  // EVKIT_EXAMPLES_HTTP_FILE_SERVER_FILE_TREE_H_
