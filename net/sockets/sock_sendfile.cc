// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/sockets/sock_sendfile.h"

#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "evkit/base/errno_status.h"
#include "evkit/base/syscalls.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/loop/coro/or_return.h"
#include "evkit/net/internal/file_blocks.h"
#include "evkit/net/sockets/internal/socket_wait.h"
#include "evkit/net/sockets/sock_send.h"

namespace evkit {
namespace {

constexpr int64_t kBlock = int64_t{256} << 10;

// Sends `file` from `*offset` to `end`, or to its end, and moves `*offset`
// along.
class SendfileAwait final : public net_internal::SocketWait {
 public:
  SendfileAwait(Socket& socket, int file, off_t* offset, off_t end)
      : SocketWait("SockSendfile", socket, Direction::kWrite),
        file_(file),
        offset_(offset),
        end_(end) {}
  absl::Status await_resume() { return Finish(); }

 private:
  bool Attempt() override {
    const IoResult sent = awaited_socket().SendFile(
        file_, offset_, static_cast<size_t>(end_ - *offset_));
    if (!sent.ok()) return Settle(sent, "sendfile");
    return sent.bytes() == 0 || *offset_ == end_;
  }

  const int file_;
  off_t* const offset_;
  const off_t end_;
};

// Sets the position of a file when its scope ends.
class PositionAtEnd {
 public:
  PositionAtEnd(int file, const off_t* offset) : file_(file), offset_(offset) {}
  PositionAtEnd(const PositionAtEnd&) = delete;
  PositionAtEnd& operator=(const PositionAtEnd&) = delete;
  // Of a pipe it fails.
  ~PositionAtEnd() { sys::lseek(file_, *offset_, SEEK_SET); }

 private:
  const int file_;
  const off_t* const offset_;
};

// Whether it says that this file cannot be sent, and nothing of the connection.
bool IsAboutTheFile(const absl::Status& status) {
  switch (ErrnoFromStatus(status)) {
    case EINVAL:
    case ENOSYS:
    case EOPNOTSUPP:
    case ESPIPE:
      return true;
    default:
      return false;
  }
}

absl::Status Check(const Socket& socket, const SockSendfileOptions& options) {
  if (socket.type() != SOCK_STREAM) {
    return absl::InvalidArgumentError(
        "SockSendfile: only SOCK_STREAM type sockets are supported");
  }
  if (options.count.has_value() && *options.count <= 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "SockSendfile: count must be positive (got ", *options.count, ")"));
  }
  if (options.offset < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("SockSendfile: offset must be non-negative (got ",
                     options.offset, ")"));
  }
  return absl::OkStatus();
}

// What SendfileAwait does, without sendfile(2).
Coro<void> ReadAndSend(Socket& socket, int file, off_t* offset, off_t end) {
  if (*offset != 0 && sys::lseek(file, 0, SEEK_CUR) < 0) {
    co_return StatusFromErrno(errno, absl::StrCat("lseek(fd=", file, ")"));
  }
  const net_internal::FileBlocks blocks =
      co_await OrReturn(net_internal::FileBlocks::Of(file));
  while (*offset < end) {
    const size_t size = static_cast<size_t>(std::min(kBlock, end - *offset));
    const std::string block = co_await OrReturn(blocks.Read(*offset, size));
    if (block.empty()) break;
    co_await OrReturn(SockSendAll(socket, block));
    *offset += static_cast<off_t>(block.size());
  }
  co_return absl::OkStatus();
}

}  // namespace

Coro<int64_t> SockSendfile(Socket& socket, int file,
                           SockSendfileOptions options) {
  co_await OrReturn(Check(socket, options));
  constexpr off_t kEverything = std::numeric_limits<off_t>::max();
  off_t offset = options.offset;
  const off_t end = offset + std::min(options.count.value_or(kEverything),
                                      kEverything - offset);
  const PositionAtEnd position(file, &offset);
  absl::Status status = co_await SendfileAwait(socket, file, &offset, end);
  if (offset == options.offset && IsAboutTheFile(status)) {
    if (!options.fallback) {
      co_return absl::UnimplementedError(
          absl::StrCat("sendfile is not available: ", status.message()));
    }
    status = co_await ReadAndSend(socket, file, &offset, end);
  }
  if (!status.ok()) co_return status;
  co_return offset - options.offset;
}

}  // namespace evkit
