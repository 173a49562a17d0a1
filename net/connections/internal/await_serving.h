// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// The end of every coroutine that makes a server.

#ifndef EVKIT_NET_CONNECTIONS_INTERNAL_AWAIT_SERVING_H_
#define EVKIT_NET_CONNECTIONS_INTERNAL_AWAIT_SERVING_H_

#include <memory>

#include "absl/status/statusor.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/net/connections/server.h"

namespace evkit::net_internal {

// Gives `server` back, after a turn if it is serving (SRV-01). If the task is
// cancelled in it, the server is closed: nobody would have a handle to it.
Coro<std::shared_ptr<Server>> AwaitServing(
    absl::StatusOr<std::shared_ptr<Server>> server);

}  // namespace evkit::net_internal

#endif  // EVKIT_NET_CONNECTIONS_INTERNAL_AWAIT_SERVING_H_
