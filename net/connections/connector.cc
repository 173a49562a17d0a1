// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/connections/connector.h"

#include <cerrno>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "evkit/base/check.h"
#include "evkit/base/errno_status.h"
#include "evkit/loop/abstract_event_loop.h"
#include "evkit/loop/coro/error_group.h"
#include "evkit/net/socket.h"
#include "evkit/net/socket_address.h"

namespace evkit {
namespace {

std::string ConnectFailed(const SocketAddress& address) {
  return absl::StrCat("Connect call failed ", address.ToString());
}

// TCP connects a socket to itself where the port asked for is the one that the
// kernel chose for it: nobody listens there.
bool IsConnectedToItself(const Socket& socket, const SocketAddress& remote) {
  if (remote.family() == AF_UNIX) return false;
  const absl::StatusOr<SocketAddress> local = socket.LocalAddress();
  return local.ok() && *local == remote;
}

}  // namespace

std::vector<SocketAddress> InterleaveFamilies(
    const std::vector<SocketAddress>& addresses, size_t first_family_count) {
  if (first_family_count == 0) return addresses;
  std::vector<std::vector<SocketAddress>> families;
  for (const SocketAddress& address : addresses) {
    size_t i = 0;
    while (i < families.size() && families[i][0].family() != address.family()) {
      ++i;
    }
    if (i == families.size()) families.emplace_back();
    families[i].push_back(address);
  }
  std::vector<SocketAddress> result;
  std::vector<size_t> taken(families.size(), 0);
  const auto take = [&](size_t family) {
    if (taken[family] == families[family].size()) return;
    result.push_back(families[family][taken[family]++]);
  };
  for (size_t i = 1; i < first_family_count && !families.empty(); ++i) take(0);
  while (result.size() < addresses.size()) {
    for (size_t family = 0; family < families.size(); ++family) take(family);
  }
  return result;
}

Connector::Connector(AbstractEventLoop& loop,
                     std::vector<SocketAddress> addresses,
                     ConnectorOptions options, Done done)
    : loop_(loop),
      addresses_(std::move(addresses)),
      options_(std::move(options)),
      done_(std::move(done)),
      result_(absl::UnknownError("undecided")) {
  EVKIT_CHECK(!addresses_.empty(), "nothing to connect to");
  attempts_.reserve(addresses_.size());
}

Connector::~Connector() {
  delivery_.Cancel();
  AbandonAll();
}

void Connector::Start() {
  EVKIT_CHECK(attempts_.empty(), "a connector is started once");
  StartNext();
}

void Connector::StartNext() {
  next_attempt_.Cancel();
  while (attempts_.size() < addresses_.size()) {
    const size_t index = attempts_.size();
    attempts_.emplace_back();
    Attempt& attempt = attempts_[index];
    attempt.error = Begin(index);
    if (!attempt.error.ok()) {
      Abandon(attempt);
      continue;
    }
    if (finished_) return;  // Connected at once.
    if (options_.happy_eyeballs_delay.has_value() &&
        attempts_.size() < addresses_.size()) {
      next_attempt_ = loop_.CallLater(*options_.happy_eyeballs_delay,
                                      [this] { StartNext(); });
    }
    return;
  }
  if (!AnyUndecided()) Finish(AllErrors());
}

absl::Status Connector::Begin(size_t index) {
  const SocketAddress& address = addresses_[index];
  absl::StatusOr<Socket> socket =
      Socket::Create(address.family(), SOCK_STREAM, options_.protocol);
  if (!socket.ok()) return std::move(socket).status();
  if (!options_.local_addresses.empty()) {
    absl::Status bound = BindLocal(*socket, address);
    if (!bound.ok()) return bound;
  }
  const absl::StatusOr<bool> connected = socket->Connect(address);
  if (!connected.ok()) {
    return StatusFromErrno(ErrnoFromStatus(connected.status()),
                           ConnectFailed(address));
  }
  attempts_[index].socket = *std::move(socket);
  if (*connected) {
    Succeed(index);
    return absl::OkStatus();
  }
  return loop_.AddWriter(attempts_[index].socket.fd(),
                         [this, index] { Decided(index); });
}

absl::Status Connector::BindLocal(Socket& socket, const SocketAddress& remote) {
  absl::Status error = absl::NotFoundError(absl::StrCat(
      "no matching local address with family=", remote.family(), " found"));
  for (const SocketAddress& local : options_.local_addresses) {
    if (local.family() != remote.family()) continue;
    const absl::Status bound = socket.Bind(local);
    if (bound.ok()) return bound;
    error = StatusFromErrno(
        ErrnoFromStatus(bound),
        absl::StrCat("error while attempting to bind on address ",
                     local.ToString()));
  }
  return error;
}

void Connector::Decided(size_t index) {
  Attempt& attempt = attempts_[index];
  attempt.error = attempt.socket.TakeError(ConnectFailed(addresses_[index]));
  if (attempt.error.ok() &&
      IsConnectedToItself(attempt.socket, addresses_[index])) {
    attempt.error =
        StatusFromErrno(ECONNREFUSED, ConnectFailed(addresses_[index]));
  }
  if (attempt.error.ok()) {
    Succeed(index);
    return;
  }
  Abandon(attempt);
  // Only the failure of the latest attempt hurries the next one (HAPPY-03).
  if (index + 1 == attempts_.size()) {
    StartNext();
  } else if (attempts_.size() == addresses_.size() && !AnyUndecided()) {
    Finish(AllErrors());
  }
}

void Connector::Succeed(size_t index) {
  Socket socket = std::move(attempts_[index].socket);
  loop_.RemoveWriter(socket.fd());
  Finish(std::move(socket));
}

void Connector::Finish(absl::StatusOr<Socket> result) {
  AbandonAll();
  finished_ = true;
  result_ = std::move(result);
  delivery_ = loop_.CallSoon([this] { Deliver(); });
}

void Connector::Deliver() {
  Done done = std::move(done_);
  absl::StatusOr<Socket> result = std::move(result_);
  std::move(done)(std::move(result));
}

void Connector::Abandon(Attempt& attempt) {
  if (!attempt.socket) return;
  loop_.RemoveWriter(attempt.socket.fd());
  attempt.socket.Close();
}

void Connector::AbandonAll() {
  next_attempt_.Cancel();
  for (Attempt& attempt : attempts_) Abandon(attempt);
}

bool Connector::AnyUndecided() const {
  for (const Attempt& attempt : attempts_) {
    if (attempt.socket) return true;
  }
  return false;
}

absl::Status Connector::AllErrors() const {
  std::vector<absl::Status> errors;
  for (const Attempt& attempt : attempts_) errors.push_back(attempt.error);
  if (options_.all_errors) {
    return MakeErrorGroup("create_connection failed", errors);
  }
  bool all_the_same = true;
  for (const absl::Status& error : errors) {
    if (error.message() != errors[0].message()) all_the_same = false;
  }
  if (all_the_same) return errors[0];
  return absl::Status(
      errors[0].code(),
      absl::StrCat("Multiple exceptions: ",
                   absl::StrJoin(errors, ", ",
                                 [](std::string* out, const absl::Status& e) {
                                   absl::StrAppend(out, e.message());
                                 })));
}

}  // namespace evkit
