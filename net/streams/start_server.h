// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// A server whose connections are coroutines (STR-01, STR-02).
//
//   Coro<void> Echo(StreamReader reader, StreamWriter writer) {
//     while (!reader.AtEof()) {
//       std::string line = co_await OrReturn(reader.ReadLine());
//       co_await OrReturn(writer.Write(line));
//       co_await OrReturn(writer.Drain());
//     }
//     writer.Close();
//     co_return absl::OkStatus();
//   }
//   ...
//   std::shared_ptr<Server> server = co_await OrReturn(
//       StartServer(Echo, "127.0.0.1", 8888));
//   co_return co_await server->ServeForever();
//
// Each connection has a task of its own, which the server does not wait for and
// does not cancel: closing the clients ends what they read (CloseClients(),
// AbortClients()).

#ifndef EVKIT_NET_STREAMS_START_SERVER_H_
#define EVKIT_NET_STREAMS_START_SERVER_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/net/connections/create_server.h"
#include "evkit/net/connections/create_unix_server.h"
#include "evkit/net/connections/server.h"
#include "evkit/net/dns/resolver.h"
#include "evkit/net/socket.h"
#include "evkit/net/streams/stream_reader.h"
#include "evkit/net/streams/stream_writer.h"

namespace evkit {

// What is called for each connection, from ConnectionMade(): a function, or a
// function object, with a reader and a writer, that returns a Coro<void> or
// nothing.
//
// A coroutine becomes a task. If it ends with an error or an exception, that is
// reported ("Unhandled exception in client_connected_cb"), and the connection
// closed; if it is cancelled, it is closed in silence; if it succeeds, it is
// closed when nobody has a writer any more (stream_writer.h). A plain function
// that throws is treated as a coroutine that does.
//
// The function object is kept until the server is closed and the last of its
// tasks has ended, so it may be a lambda with captures, a coroutine too.
class ClientConnected {
 public:
  template <typename F>
  requires std::is_invocable_v<F&, StreamReader, StreamWriter>
  // NOLINTNEXTLINE(google-explicit-constructor): a callback is given as it is.
  ClientConnected(F function) : function_(Adapt(std::move(function))) {}

  // The coroutine, if there is one.
  std::optional<Coro<void>> operator()(StreamReader reader,
                                       StreamWriter writer) {
    return function_(std::move(reader), std::move(writer));
  }

 private:
  using Function =
      absl::AnyInvocable<std::optional<Coro<void>>(StreamReader, StreamWriter)>;

  template <typename F>
  static Function Adapt(F function) {
    using Result = std::invoke_result_t<F&, StreamReader, StreamWriter>;
    if constexpr (std::is_void_v<Result>) {
      return [function = std::move(function)](
                 StreamReader reader,
                 StreamWriter writer) mutable -> std::optional<Coro<void>> {
        function(std::move(reader), std::move(writer));
        return std::nullopt;
      };
    } else {
      static_assert(std::is_same_v<Result, Coro<void>>,
                    "return a Coro<void>, or nothing");
      return Function(std::move(function));
    }
  }

  Function function_;
};

// Fill in a named object.
class StartServerOptions : public ServerOptions {
 public:
  StartServerOptions() = default;

  // The readers'.
  size_t limit = kDefaultStreamLimit;
};

// Fill in a named object.
class StartUnixServerOptions : public UnixServerOptions {
 public:
  StartUnixServerOptions() = default;

  // The readers'.
  size_t limit = kDefaultStreamLimit;
};

// As CreateServer() (create_server.h).
//   kInvalidArgument: the limit is 0.
Coro<std::shared_ptr<Server>> StartServer(
    ClientConnected client_connected, std::string host, Service port,
    StartServerOptions options = StartServerOptions());
// Over a socket that is bound already.
Coro<std::shared_ptr<Server>> StartServer(
    ClientConnected client_connected, Socket socket,
    StartServerOptions options = StartServerOptions());

// As CreateUnixServer() (create_unix_server.h).
//   kInvalidArgument: the limit is 0.
Coro<std::shared_ptr<Server>> StartUnixServer(
    ClientConnected client_connected, std::string path,
    StartUnixServerOptions options = StartUnixServerOptions());

}  // namespace evkit

#endif  // EVKIT_NET_STREAMS_START_SERVER_H_
