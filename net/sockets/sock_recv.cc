// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/sockets/sock_recv.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "evkit/net/sockets/internal/receive_string.h"

namespace evkit::net_internal {

bool SockRecvAwait::Attempt() {
  return SettleReceived(ReceiveString(size_, &data_,
                                      [this](absl::Span<char> buffer) {
                                        return awaited_socket().Recv(buffer);
                                      }),
                        std::min(size_, kMostReceived));
}

absl::StatusOr<std::string> SockRecvAwait::await_resume() {
  absl::Status status = Finish();
  if (!status.ok()) return status;
  return std::move(data_);
}

bool SockRecvIntoAwait::Attempt() {
  const IoResult result = awaited_socket().Recv(buffer_);
  received_ = result.bytes();
  return SettleReceived(result, buffer_.size());
}

absl::StatusOr<size_t> SockRecvIntoAwait::await_resume() {
  absl::Status status = Finish();
  if (!status.ok()) return status;
  return received_;
}

}  // namespace evkit::net_internal
