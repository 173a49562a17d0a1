// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// The parent's ends of a child's pipes.

#ifndef EVKIT_SUBPROCESS_PROCESS_INTERNAL_PIPE_TRANSPORT_H_
#define EVKIT_SUBPROCESS_PROCESS_INTERNAL_PIPE_TRANSPORT_H_

#include <memory>

#include "evkit/base/unique_fd.h"
#include "evkit/loop/abstract_event_loop.h"
#include "evkit/net/protocol.h"
#include "evkit/net/transport.h"

namespace evkit::subprocess_internal {

// Both queue `protocol`'s ConnectionMade(), and after it the beginning of
// reading. Nothing is called inside these calls.
std::shared_ptr<Transport> NewReadPipeTransport(
    AbstractEventLoop& loop, UniqueFd pipe, std::shared_ptr<Protocol> protocol);
std::shared_ptr<Transport> NewWritePipeTransport(
    AbstractEventLoop& loop, UniqueFd pipe, std::shared_ptr<Protocol> protocol);

}  // namespace evkit::subprocess_internal

#endif  // EVKIT_SUBPROCESS_PROCESS_INTERNAL_PIPE_TRANSPORT_H_
