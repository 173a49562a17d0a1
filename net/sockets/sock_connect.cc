// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/sockets/sock_connect.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"

namespace evkit::net_internal {

bool SockConnectAwait::Attempt() {
  if (in_progress_) {
    Fail(awaited_socket().TakeError(
        absl::StrCat("Connect call failed ", address_.ToString())));
    return true;
  }
  absl::StatusOr<bool> connected = awaited_socket().Connect(address_);
  if (!connected.ok()) Fail(std::move(connected).status());
  in_progress_ = connected.ok() && !*connected;
  return !in_progress_;
}

}  // namespace evkit::net_internal
