// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// evkit with coroutines that use sockets themselves.

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "evkit/base/unique_fd.h"
#include "evkit/bench/net/command_line.h"
#include "evkit/bench/net/serve.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/loop/coro/or_return.h"
#include "evkit/loop/coro/run.h"
#include "evkit/loop/coro/task.h"
#include "evkit/net/socket.h"
#include "evkit/net/socket_address.h"
#include "evkit/net/sockets/sock_accept.h"
#include "evkit/net/sockets/sock_recv.h"
#include "evkit/net/sockets/sock_recv_from.h"
#include "evkit/net/sockets/sock_send.h"
#include "evkit/net/sockets/sock_sendfile.h"

namespace evkit {
namespace {

// Of all connections: a task goes on as soon as it has received, so what is
// here is its own until it waits again.
char received[kReadSize];

// Ends well, however the connection does: nobody asks the task why.
Coro<void> Echo(Socket socket) {
  while (true) {
    const absl::StatusOr<size_t> size =
        co_await SockRecvInto(socket, absl::MakeSpan(received));
    if (!size.ok() || *size == 0) {
      co_return absl::OkStatus();
    }
    absl::string_view data(received, *size);
    const IoResult sent = socket.Send(data);
    data.remove_prefix(sent.ok() ? sent.bytes() : 0);
    if (data.empty()) {
      continue;
    }
    const std::string rest(data);
    if (!(co_await SockSendAll(socket, rest)).ok()) {
      co_return absl::OkStatus();
    }
  }
}

// For every byte received, the file.
Coro<void> SendFiles(Socket socket, int file, int64_t file_size) {
  SockSendfileOptions whole;
  whole.count = file_size;
  while (true) {
    const std::string wanted = co_await OrReturn(SockRecv(socket, kReadSize));
    if (wanted.empty()) {
      co_return absl::OkStatus();
    }
    for (size_t i = 0; i < wanted.size(); ++i) {
      co_await OrReturn(SockSendfile(socket, file, whole));
    }
  }
}

// A task whose connection was reset has failed, and nobody asks it why.
Coro<void> Quietly(Coro<void> serving) {
  (co_await std::move(serving)).IgnoreError();
  co_return absl::OkStatus();
}

Coro<void> EchoStreams(Socket listening) {
  while (true) {
    auto [socket, peer] = co_await OrReturn(SockAccept(listening));
    CreateTask(Echo(std::move(socket)));
  }
}

Coro<void> ServeFiles(Socket listening, int file, int64_t file_size) {
  while (true) {
    auto [socket, peer] = co_await OrReturn(SockAccept(listening));
    CreateTask(Quietly(SendFiles(std::move(socket), file, file_size)));
  }
}

Coro<void> EchoDatagrams(Socket socket) {
  while (true) {
    const auto [data, from] =
        co_await OrReturn(SockRecvFrom(socket, kReadSize));
    co_await OrReturn(SockSendTo(socket, data, from));
  }
}

Socket Adopt(int fd) {
  absl::StatusOr<Socket> socket = Socket::Adopt(UniqueFd(fd));
  if (!socket.ok()) {
    Die(socket.status().ToString());
  }
  return *std::move(socket);
}

}  // namespace
}  // namespace evkit

int main(int argc, char** argv) {
  using namespace evkit;
  const ServeOptions options(argc, argv);
  absl::Status status;
  if (options.name == "udp") {
    status = Run(EchoDatagrams(Adopt(BindDatagramAndAnnounce(options))));
  } else if (options.name == "sendfile") {
    status =
        Run(ServeFiles(Adopt(ListenAndAnnounce(options)),
                       NewPatternFile(options.file_size), options.file_size));
  } else {
    status = Run(EchoStreams(Adopt(ListenAndAnnounce(options))));
  }
  Die(status.ToString());
}
