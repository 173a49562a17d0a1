// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Owns a file descriptor and closes it once.

#ifndef EVKIT_BASE_UNIQUE_FD_H_
#define EVKIT_BASE_UNIQUE_FD_H_

#include <utility>

namespace evkit {

// Move-only. Not thread-safe. Holds a descriptor (>= 0) or nothing (-1).
class UniqueFd {
 public:
  UniqueFd() = default;

  // Takes ownership of `fd`; a negative number means nothing.
  explicit UniqueFd(int fd) : fd_(fd < 0 ? -1 : fd) {}

  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) Reset(other.Release());
    return *this;
  }
  ~UniqueFd() {
    if (fd_ >= 0) Reset();  // Most are moved from.
  }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

  // Gives the descriptor up without closing it.
  [[nodiscard]] int Release() { return std::exchange(fd_, -1); }

  // Closes what it holds and takes `fd` instead. The result of close(2) is not
  // reported: Linux frees the number whatever close returns, EINTR included, so
  // there is nothing to retry (close(2), "Dealing with error returns"). Leaves
  // errno as it was.
  void Reset(int fd = -1);

 private:
  int fd_ = -1;
};

}  // namespace evkit

#endif  // EVKIT_BASE_UNIQUE_FD_H_
