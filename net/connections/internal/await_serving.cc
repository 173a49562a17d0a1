// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/connections/internal/await_serving.h"

#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/loop/coro/sleep.h"
#include "evkit/net/connections/server.h"

namespace evkit::net_internal {

Coro<std::shared_ptr<Server>> AwaitServing(
    absl::StatusOr<std::shared_ptr<Server>> server) {
  if (!server.ok() || !(*server)->IsServing()) co_return std::move(server);
  const absl::Status turn = co_await Sleep(absl::ZeroDuration());
  if (turn.ok()) co_return std::move(server);
  (*server)->Close();
  co_return turn;
}

}  // namespace evkit::net_internal
