// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/streams/start_server.h"

#include <exception>

#include "absl/status/status.h"
#include "evkit/loop/abstract_event_loop.h"
#include "evkit/loop/coro/future.h"
#include "evkit/loop/coro/or_return.h"
#include "evkit/loop/coro/task.h"
#include "evkit/loop/error_context.h"
#include "evkit/loop/internal/exceptions.h"
#include "evkit/net/extra_info.h"
#include "evkit/net/protocol.h"
#include "evkit/net/streams/stream.h"
#include "evkit/net/streams/stream_reader_protocol.h"

namespace evkit {
namespace {

absl::Status CheckLimit(size_t limit) {
  if (limit > 0) return absl::OkStatus();
  return absl::InvalidArgumentError("Limit cannot be <= 0");
}

void Report(const StreamWriter& writer, absl::Status status,
            std::exception_ptr exception) {
  ErrorContext error("Unhandled exception in client_connected_cb");
  if (exception == nullptr) error.status = std::move(status);
  error.exception = std::move(exception);
  if (const SocketAddress* peer = writer.GetExtraInfo(kPeername)) {
    error.details["peername"] = peer->ToString();
  }
  writer.transport()->loop().CallExceptionHandler(error);
}

// Keeps the callback, which may be the lambda that the task runs, and the
// connection, so that this is who closes it.
void OnEnd(const AnyFuture& task, const StreamWriter& writer) {
  const absl::Status status = task.Error();
  if (status.ok()) return;
  if (!task.cancelled()) Report(writer, status, task.Exception());
  writer.Close();
}

void Connected(std::shared_ptr<ClientConnected> client_connected,
               Stream stream) {
  const StreamWriter writer = stream.writer;
  std::optional<Coro<void>> coro;
  std::exception_ptr thrown = loop_internal::CatchExceptions([&] {
    coro =
        (*client_connected)(std::move(stream.reader), std::move(stream.writer));
  });
  if (thrown != nullptr) {
    Report(writer, absl::OkStatus(), std::move(thrown));
    writer.Close();
    return;
  }
  if (!coro.has_value()) return;
  const Task<void> task =
      CreateTask(writer.transport()->loop(), *std::move(coro));
  task.AddDoneCallback([client_connected = std::move(client_connected),
                        writer](AnyFuture done) { OnEnd(done, writer); });
}

ProtocolFactory StreamFactory(ClientConnected client_connected, size_t limit) {
  // Shared by the factory and the connections.
  const auto shared =
      std::make_shared<ClientConnected>(std::move(client_connected));
  return [shared, limit] {
    return StreamReaderProtocol::Create(limit, [shared](Stream stream) {
      Connected(shared, std::move(stream));
    });
  };
}

}  // namespace

Coro<std::shared_ptr<Server>> StartServer(ClientConnected client_connected,
                                          std::string host, Service port,
                                          StartServerOptions options) {
  co_await OrReturn(CheckLimit(options.limit));
  co_return co_await CreateServer(
      StreamFactory(std::move(client_connected), options.limit),
      std::move(host), std::move(port), std::move(options));
}

Coro<std::shared_ptr<Server>> StartServer(ClientConnected client_connected,
                                          Socket socket,
                                          StartServerOptions options) {
  co_await OrReturn(CheckLimit(options.limit));
  co_return co_await CreateServer(
      StreamFactory(std::move(client_connected), options.limit),
      std::move(socket), std::move(options));
}

Coro<std::shared_ptr<Server>> StartUnixServer(ClientConnected client_connected,
                                              std::string path,
                                              StartUnixServerOptions options) {
  co_await OrReturn(CheckLimit(options.limit));
  co_return co_await CreateUnixServer(
      StreamFactory(std::move(client_connected), options.limit),
      std::move(path), std::move(options));
}

}  // namespace evkit
