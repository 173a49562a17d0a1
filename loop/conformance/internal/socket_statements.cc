// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Receiving and sending in coroutines is done here as asyncio's sock_recv() and
// sock_sendall() do it, turn by turn.

#include <sys/socket.h>

#include <cerrno>
#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "evkit/base/check.h"
#include "evkit/base/errno_status.h"
#include "evkit/base/syscalls.h"
#include "evkit/loop/conformance/internal/json.h"
#include "evkit/loop/conformance/internal/machine.h"
#include "evkit/loop/conformance/internal/statements.h"
#include "evkit/loop/conformance/internal/tokens.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/loop/coro/future.h"
#include "evkit/loop/coro/or_return.h"

namespace evkit::conformance {
namespace {

Socket& SocketOf(Machine& machine, const Json& number) {
  return machine.sockets.at(static_cast<size_t>(number.integer()));
}

// As send(2) and recv(2), of so many bytes, whichever.
ssize_t Send(const Socket& socket, size_t size) {
  const std::string bytes(size, 'x');
  return sys::send(socket.fd.get(), bytes.data(), size, MSG_NOSIGNAL);
}
ssize_t Receive(const Socket& socket, size_t size) {
  std::string bytes(size, '\0');
  return sys::recv(socket.fd.get(), bytes.data(), size, 0);
}

std::string TransferToken(ssize_t result) {
  if (result >= 0) return absl::StrCat("bytes:", result);
  return errno == EAGAIN ? "would-block" : "broken-pipe";
}

size_t Size(const Json& number) {
  return static_cast<size_t>(number.integer());
}

void AddReader(Machine& machine, Frame&, const Json& s) {
  Socket& socket = SocketOf(machine, s[1]);
  ++socket.reader_generation;
  const absl::Status status = machine.loop().AddReader(
      socket.fd.get(), [&machine, callback = s[2].integer()] {
        machine.RunCallback(callback, Frame());
      });
  if (!status.ok()) machine.Skip(status.ToString());
}

void AddWriter(Machine& machine, Frame&, const Json& s) {
  Socket& socket = SocketOf(machine, s[1]);
  ++socket.writer_generation;
  const absl::Status status = machine.loop().AddWriter(
      socket.fd.get(), [&machine, callback = s[2].integer()] {
        machine.RunCallback(callback, Frame());
      });
  if (!status.ok()) machine.Skip(status.ToString());
}

bool RemoveReader(Machine& machine, Socket& socket) {
  ++socket.reader_generation;
  return machine.loop().RemoveReader(socket.fd.get());
}

bool RemoveWriter(Machine& machine, Socket& socket) {
  ++socket.writer_generation;
  return machine.loop().RemoveWriter(socket.fd.get());
}

Coro<int> SockRecv(Machine* machine, Socket* socket, size_t size) {
  const ssize_t received = Receive(*socket, size);
  if (received >= 0) co_return static_cast<int>(received);
  if (errno != EAGAIN) co_return StatusFromErrno(errno, "recv");
  const Future<int> done = CreateFuture<int>(machine->loop());
  const int generation = ++socket->reader_generation;
  const absl::Status added =
      machine->loop().AddReader(socket->fd.get(), [socket, size, done] {
        if (done.done()) return;
        const ssize_t later = Receive(*socket, size);
        if (later >= 0) {
          done.SetResult(static_cast<int>(later)).IgnoreError();
        } else if (errno != EAGAIN) {
          done.SetError(StatusFromErrno(errno, "recv")).IgnoreError();
        }
      });
  co_await OrReturn(added);
  done.AddDoneCallback([machine, socket, generation] {
    if (socket->reader_generation == generation)
      RemoveReader(*machine, *socket);
  });
  co_return co_await done;
}

Coro<void> SockSendAll(Machine* machine, Socket* socket, size_t size) {
  ssize_t sent = Send(*socket, size);
  if (sent < 0 && errno != EAGAIN) co_return StatusFromErrno(errno, "send");
  size_t left = size - static_cast<size_t>(sent < 0 ? 0 : sent);
  if (left == 0) co_return absl::OkStatus();
  const Future<void> done = CreateFuture<void>(machine->loop());
  const int generation = ++socket->writer_generation;
  const absl::Status added = machine->loop().AddWriter(
      socket->fd.get(), [socket, left, done]() mutable {
        if (done.done()) return;
        const ssize_t more = Send(*socket, left);
        if (more < 0) {
          if (errno == EAGAIN) return;
          done.SetError(StatusFromErrno(errno, "send")).IgnoreError();
          return;
        }
        left -= static_cast<size_t>(more);
        if (left == 0) done.SetResult().IgnoreError();
      });
  co_await OrReturn(added);
  done.AddDoneCallback([machine, socket, generation] {
    if (socket->writer_generation == generation)
      RemoveWriter(*machine, *socket);
  });
  co_return co_await done;
}

Coro<Flow> SockRecvStatement(Machine* machine, Frame*, const Json* s) {
  const int received = co_await OrReturn(
      SockRecv(machine, &SocketOf(*machine, (*s)[1]), Size((*s)[2])));
  machine->Log((*s)[3], absl::StrCat("bytes:", received));
  co_return Flow();
}

Coro<Flow> SockSendAllStatement(Machine* machine, Frame*, const Json* s) {
  co_await OrReturn(
      SockSendAll(machine, &SocketOf(*machine, (*s)[1]), Size((*s)[2])));
  co_return Flow();
}

}  // namespace

void AddSocketStatements(StatementTable& table) {
  table.Add("add_reader", AddReader);
  table.Add("add_writer", AddWriter);
  table.Add("remove_reader", [](Machine& machine, Frame&, const Json& s) {
    const bool removed = RemoveReader(machine, SocketOf(machine, s[1]));
    machine.Log(s[2], BoolToken(removed));
  });
  table.Add("remove_writer", [](Machine& machine, Frame&, const Json& s) {
    const bool removed = RemoveWriter(machine, SocketOf(machine, s[1]));
    machine.Log(s[2], BoolToken(removed));
  });
  table.Add("send", [](Machine& machine, Frame&, const Json& s) {
    machine.Log(s[3], TransferToken(Send(SocketOf(machine, s[1]), Size(s[2]))));
  });
  table.Add("recv", [](Machine& machine, Frame&, const Json& s) {
    machine.Log(s[3],
                TransferToken(Receive(SocketOf(machine, s[1]), Size(s[2]))));
  });
  table.Add("shut_wr", [](Machine& machine, Frame&, const Json& s) {
    EVKIT_CHECK(::shutdown(SocketOf(machine, s[1]).fd.get(), SHUT_WR) == 0,
                "shutdown failed");
  });
  table.Add("sock_recv", SockRecvStatement);
  table.Add("sock_sendall", SockSendAllStatement);
}

}  // namespace evkit::conformance
