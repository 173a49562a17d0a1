// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/pipes/pipe_transport.h"

#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "evkit/base/check.h"
#include "evkit/net/internal/open_transports.h"
#include "evkit/net/pipes/internal/pipe.h"
#include "evkit/net/pipes/internal/read_pipe_transport.h"
#include "evkit/net/pipes/internal/write_pipe_transport.h"

namespace evkit {
namespace {

template <typename T>
absl::StatusOr<std::shared_ptr<Transport>> NewPipeTransport(
    AbstractEventLoop& loop, UniqueFd fd, std::shared_ptr<Protocol> protocol,
    PipeTransportOptions options) {
  EVKIT_CHECK(protocol != nullptr, "a transport needs a protocol");
  absl::StatusOr<net_internal::Pipe> pipe =
      net_internal::Pipe::Adopt(std::move(fd));
  if (!pipe.ok()) return std::move(pipe).status();
  const auto transport = std::make_shared<T>(
      loop, *std::move(pipe), std::move(protocol), std::move(options.on_lost));
  if (loop.IsClosed()) {
    transport->LoopClosed();
    return transport;
  }
  net_internal::OpenTransports& open = net_internal::OpenTransports::Of(loop);
  open.Add(transport);
  transport->Start(open, std::move(options.on_made));
  return transport;
}

}  // namespace

absl::StatusOr<std::shared_ptr<Transport>> NewReadPipeTransport(
    AbstractEventLoop& loop, UniqueFd pipe, std::shared_ptr<Protocol> protocol,
    PipeTransportOptions options) {
  return NewPipeTransport<net_internal::ReadPipeTransport>(
      loop, std::move(pipe), std::move(protocol), std::move(options));
}

absl::StatusOr<std::shared_ptr<Transport>> NewWritePipeTransport(
    AbstractEventLoop& loop, UniqueFd pipe, std::shared_ptr<Protocol> protocol,
    PipeTransportOptions options) {
  return NewPipeTransport<net_internal::WritePipeTransport>(
      loop, std::move(pipe), std::move(protocol), std::move(options));
}

}  // namespace evkit
