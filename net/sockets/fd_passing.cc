// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/sockets/fd_passing.h"

#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "evkit/net/sockets/internal/receive_string.h"

namespace evkit::net_internal {

bool SendFdsAwait::Attempt() {
  if (rest_.empty() || awaited_socket().family() != AF_UNIX) {
    Fail(absl::InvalidArgumentError(
        rest_.empty() ? "SendFds: descriptors need a byte to go with"
                      : "SendFds: not a socket of the Unix domain"));
    return true;
  }
  const IoResult result = awaited_socket().SendWithFds(rest_, fds_);
  if (!result.ok()) return Settle(result, "sendmsg");
  rest_.remove_prefix(result.bytes());
  fds_ = {};
  return rest_.empty();
}

bool RecvFdsAwait::Attempt() {
  const IoResult result =
      ReceiveString(size_, &data_, [this](absl::Span<char> buffer) {
        return awaited_socket().RecvWithFds(buffer, &fds_, max_fds_);
      });
  if (result.error() == EMSGSIZE) {
    Fail(absl::ResourceExhaustedError(
        absl::StrCat("RecvFds(fd=", awaited_socket().fd(), "): more than ",
                     max_fds_, " descriptors came")));
    return true;
  }
  return Settle(result, "recvmsg");
}

absl::StatusOr<ReceivedFds> RecvFdsAwait::await_resume() {
  absl::Status status = Finish();
  if (!status.ok()) return status;
  return ReceivedFds(std::move(data_), std::move(fds_));
}

}  // namespace evkit::net_internal
