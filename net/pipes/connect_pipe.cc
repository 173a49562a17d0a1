// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/pipes/connect_pipe.h"

#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "evkit/base/check.h"
#include "evkit/base/unique_fd.h"
#include "evkit/loop/abstract_event_loop.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/loop/coro/future.h"
#include "evkit/loop/coro/or_return.h"
#include "evkit/net/pipes/pipe_transport.h"
#include "evkit/net/protocol.h"
#include "evkit/net/transport.h"
#include "evkit/policy/running_loop.h"

namespace evkit {
namespace {

using NewTransport = absl::StatusOr<std::shared_ptr<Transport>> (*)(
    AbstractEventLoop&, UniqueFd, std::shared_ptr<Protocol>,
    PipeTransportOptions);

Coro<Connection> ConnectPipe(NewTransport new_transport,
                             ProtocolFactory factory, UniqueFd pipe) {
  AbstractEventLoop* const loop = co_await OrReturn(GetRunningLoop());
  std::shared_ptr<Protocol> protocol = factory();
  EVKIT_CHECK(protocol != nullptr, "the factory made no protocol");
  // Shared with the callback, which may come when this has been cancelled.
  const Future<void> made = CreateFuture<void>(*loop);
  PipeTransportOptions options;
  options.on_made = [made] { made.SetResult().IgnoreError(); };
  absl::StatusOr<std::shared_ptr<Transport>> transport =
      new_transport(*loop, std::move(pipe), protocol, std::move(options));
  if (!transport.ok()) co_return std::move(transport).status();
  absl::Status status = co_await made;
  if (!status.ok()) {
    (*transport)->Close();
    co_return status;
  }
  co_return Connection(*std::move(transport), std::move(protocol));
}

}  // namespace

Coro<Connection> ConnectReadPipe(ProtocolFactory factory, UniqueFd pipe) {
  return ConnectPipe(&NewReadPipeTransport, std::move(factory),
                     std::move(pipe));
}

Coro<Connection> ConnectWritePipe(ProtocolFactory factory, UniqueFd pipe) {
  return ConnectPipe(&NewWritePipeTransport, std::move(factory),
                     std::move(pipe));
}

}  // namespace evkit
