// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// The file that a bound socket of the Unix domain leaves, and how to take it
// away without taking somebody else's.

#ifndef EVKIT_NET_CONNECTIONS_INTERNAL_SOCKET_FILE_H_
#define EVKIT_NET_CONNECTIONS_INTERNAL_SOCKET_FILE_H_

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace evkit::net_internal {

// Removes what is at `path` if it is a socket, in use or not (UNIX-03). A
// symbolic link is none. OK if there is nothing to remove; else the errnos of
// lstat(2) and unlink(2).
absl::Status RemoveStaleSocket(const std::string& path);

// Remembers which file is at a path. As long as the socket that made it is
// open, no other file can be taken for it.
class SocketFile {
 public:
  // Fails with the errnos of lstat(2).
  static absl::StatusOr<SocketFile> At(const std::string& path);

  // Removes it, if it is still there (UNIX-04); not in a forked child, for
  // it is the parent's. Otherwise as RemoveStaleSocket().
  absl::Status Remove() const;

  const std::string& path() const { return path_; }

 private:
  SocketFile(const std::string& path, dev_t device, ino_t inode);

  std::string path_;
  dev_t device_;
  ino_t inode_;
  uint32_t fork_generation_;
};

}  // namespace evkit::net_internal

#endif  // EVKIT_NET_CONNECTIONS_INTERNAL_SOCKET_FILE_H_
