// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/pipes/internal/pipe.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cerrno>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "evkit/base/errno_status.h"
#include "evkit/base/syscalls.h"
#include "evkit/base/unique_fd.h"
#include "evkit/base/without_sigpipe.h"
#include "evkit/net/socket.h"

namespace evkit::net_internal {

absl::StatusOr<Pipe> Pipe::Adopt(UniqueFd fd) {
  struct stat file;
  if (sys::fstat(fd.get(), &file) != 0) {
    return StatusFromErrno(errno, absl::StrCat("fstat(fd=", fd.get(), ")"));
  }
  const bool is_fifo = S_ISFIFO(file.st_mode);
  const bool is_socket = S_ISSOCK(file.st_mode);
  if (!is_fifo && !is_socket && !S_ISCHR(file.st_mode)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "Pipe transport is for pipes/sockets/character devices only (fd=",
        fd.get(), ")"));
  }
  const int flags = sys::fcntl(fd.get(), F_GETFL, 0);
  if (flags < 0 || sys::fcntl(fd.get(), F_SETFL, flags | O_NONBLOCK) < 0 ||
      sys::fcntl(fd.get(), F_SETFD, FD_CLOEXEC) < 0) {
    return StatusFromErrno(errno, absl::StrCat("fcntl(fd=", fd.get(), ")"));
  }
  Pipe pipe(std::move(fd));
  pipe.is_socket_ = is_socket;
  // What it could read itself would look like a reader that has gone.
  pipe.tells_of_its_reader_ =
      is_socket || (is_fifo && (flags & O_ACCMODE) == O_WRONLY);
  return pipe;
}

IoResult Pipe::Read(absl::Span<char> buffer) {
  return IoResult::FromSyscall(sys::read(fd(), buffer.data(), buffer.size()));
}

IoResult Pipe::Write(absl::string_view data) {
  if (is_socket_) {
    return IoResult::FromSyscall(
        sys::send(fd(), data.data(), data.size(), MSG_NOSIGNAL));
  }
  return IoResult::FromSyscall(WithoutSigpipe(
      [&] { return sys::write(fd(), data.data(), data.size()); }));
}

bool Pipe::IsReaderGone() {
  if (!is_socket_) return true;
  char byte;
  const IoResult peeked =
      IoResult::FromSyscall(sys::recv(fd(), &byte, 1, MSG_PEEK));
  return peeked.ok() ? peeked.bytes() == 0 : peeked.failed();
}

}  // namespace evkit::net_internal
