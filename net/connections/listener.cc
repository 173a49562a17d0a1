// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/connections/listener.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <memory>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "evkit/base/errno_status.h"
#include "evkit/loop/abstract_event_loop.h"
#include "evkit/loop/error_context.h"
#include "evkit/net/socket.h"
#include "evkit/net/socket_address.h"

namespace evkit {
namespace {

// Errors of the connection that would have been accepted, not of the listener:
// accept(2), "Error handling".
bool ConcernsOnlyThePeer(int error) {
  switch (error) {
    case ECONNABORTED:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENETDOWN:
    case ENETUNREACH:
    case ENONET:
    case ENOPROTOOPT:
    case EOPNOTSUPP:
    case EPERM:
    case EPROTO:
      return true;
    default:
      return false;
  }
}

bool IsOutOfResource(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS ||
         error == ENOMEM;
}

bool IsTcp(const Socket& socket) {
  return (socket.family() == AF_INET || socket.family() == AF_INET6) &&
         (socket.protocol() == 0 || socket.protocol() == IPPROTO_TCP);
}

}  // namespace

Listener::Listener(AbstractEventLoop& loop, Socket socket,
                   ListenerOptions options, OnAccept on_accept)
    : loop_(loop),
      socket_(std::move(socket)),
      options_(options),
      state_(std::make_shared<State>(std::move(on_accept))) {}

Listener::~Listener() { Stop(); }

absl::Status Listener::Start() {
  if (state_->started) return absl::OkStatus();
  if (!socket_) {
    return absl::FailedPreconditionError("the listener has been stopped");
  }
  absl::Status status =
      IsTcp(socket_) ? socket_.SetNoDelay() : absl::OkStatus();
  if (status.ok()) status = socket_.Listen(options_.backlog);
  if (status.ok()) status = Watch();
  state_->started = status.ok();
  return status;
}

void Listener::Stop() {
  state_->started = false;
  retry_.Cancel();
  if (!socket_) return;
  loop_.RemoveReader(socket_.fd());
  socket_.Close();
}

absl::Status Listener::Watch() {
  return loop_.AddReader(socket_.fd(), [this] { AcceptReady(); });
}

void Listener::AcceptReady() {
  const std::shared_ptr<State> state = state_;
  const int most = options_.backlog + 1;
  for (int i = 0; i < most && state->started; ++i) {
    absl::StatusOr<std::optional<std::pair<Socket, SocketAddress>>> accepted =
        socket_.Accept();
    if (!accepted.ok()) {
      if (!HandleError(accepted.status())) return;
      continue;
    }
    if (!accepted->has_value()) return;
    state->on_accept(std::move((*accepted)->first),
                     std::move((*accepted)->second));
  }
}

void Listener::Pause() {
  retry_ = loop_.CallLater(options_.retry_delay, [this] {
    const absl::Status watched = Watch();
    if (watched.ok()) return;
    Pause();
    ErrorContext failure("A listener could not go on after a pause");
    failure.status = watched;
    loop_.CallExceptionHandler(failure);
  });
}

bool Listener::HandleError(const absl::Status& error) {
  const int number = ErrnoFromStatus(error);
  if (ConcernsOnlyThePeer(number)) return true;
  ErrorContext report("Exception in accept callback");
  if (IsOutOfResource(number)) {
    loop_.RemoveReader(socket_.fd());
    Pause();
    report.message = "socket.accept() out of system resource";
  }
  report.status = error;
  if (const auto address = socket_.LocalAddress(); address.ok()) {
    report.details["socket"] = address->ToString();
  }
  loop_.CallExceptionHandler(report);
  return false;
}

}  // namespace evkit
