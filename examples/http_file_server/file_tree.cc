// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/examples/http_file_server/file_tree.h"

#include <dirent.h>
#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <memory>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "evkit/base/errno_status.h"

namespace evkit {
namespace {

// A FIFO must not keep us waiting, nor a terminal take us over.
constexpr int kReading =
    O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
constexpr int kPassing = O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW;

absl::Status OpenError(int error, const std::string& name) {
  const std::string what = absl::StrCat("openat(", name, ")");
  if (error == ELOOP || error == ENOTDIR || error == ENAMETOOLONG) {
    error = ENOENT;
  }
  return StatusFromErrno(error, what);
}

}  // namespace

absl::StatusOr<FileTree> FileTree::Open(const std::string& root) {
  UniqueFd fd(open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return StatusFromErrno(errno, absl::StrCat("open(", root, ")"));
  return FileTree(std::move(fd));
}

absl::StatusOr<OpenFile> FileTree::Find(
    absl::Span<const std::string> path) const {
  if (!path.empty() && path.back().empty()) path.remove_suffix(1);
  UniqueFd folder;  // Empty: the root.
  const auto at = [&] { return folder ? folder.get() : root_.get(); };
  for (size_t i = 0; i + 1 < path.size(); ++i) {
    UniqueFd next(openat(at(), path[i].c_str(), kPassing));
    if (!next) return OpenError(errno, path[i]);
    folder = std::move(next);
  }
  const std::string name = path.empty() ? "." : path.back();
  UniqueFd fd(openat(at(), name.c_str(), kReading));
  if (!fd) return OpenError(errno, name);
  struct stat info;
  if (fstat(fd.get(), &info) != 0) return StatusFromErrno(errno, "fstat");
  if (!S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode)) {
    return absl::PermissionDeniedError("neither a file nor a directory");
  }
  return OpenFile(std::move(fd), info);
}

absl::StatusOr<std::vector<std::string>> FileTree::List(
    const OpenFile& folder) {
  UniqueFd fd(openat(folder.fd.get(), ".", kReading | O_DIRECTORY));
  if (!fd) return StatusFromErrno(errno, "openat");
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(fdopendir(fd.get()),
                                                    closedir);
  if (entries == nullptr) return StatusFromErrno(errno, "fdopendir");
  (void)fd.Release();  // It is `entries`' now.
  std::vector<std::string> names;
  while (const dirent* entry = readdir(entries.get())) {
    const absl::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    names.push_back(absl::StrCat(name, entry->d_type == DT_DIR ? "/" : ""));
    if (names.size() == kMaxListed) break;
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace evkit
