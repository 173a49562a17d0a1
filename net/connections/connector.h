// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Connects a socket to the first of several addresses that answers: one after
// another, or, with a delay given, racing ("happy eyeballs", RFC 8305). At
// callback level: needs no coroutine.
//
//   Connector connector(loop, addresses, ConnectorOptions(),
//                       [](absl::StatusOr<Socket> socket) { ... });
//   connector.Start();

#ifndef EVKIT_NET_CONNECTIONS_CONNECTOR_H_
#define EVKIT_NET_CONNECTIONS_CONNECTOR_H_

#include <cstddef>
#include <optional>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "evkit/loop/abstract_event_loop.h"
#include "evkit/loop/handle.h"
#include "evkit/net/socket.h"
#include "evkit/net/socket_address.h"

namespace evkit {

// Fill in a named object.
class ConnectorOptions {
 public:
  ConnectorOptions() = default;

  // Of the sockets; 0 is the usual one of the family.
  int protocol = 0;
  // Where to connect from: for each address the first of these that is of its
  // family and can be bound (CONN-10). Empty: the kernel chooses.
  std::vector<SocketAddress> local_addresses;
  // Do not wait longer than this for one address before trying the next too
  // (HAPPY-01). Without it the next is tried when the one before has failed.
  std::optional<absl::Duration> happy_eyeballs_delay;
  // If all fail, report every error, as an error group (CONN-14).
  bool all_errors = false;
};

// The addresses regrouped by family, each family in its own order: first
// `first_family_count` of the family that comes first, then one of each family
// in turn, the first family's first (HAPPY-02). 0 leaves them as they are.
std::vector<SocketAddress> InterleaveFamilies(
    const std::vector<SocketAddress>& addresses, size_t first_family_count);

// One attempt to connect a stream socket. Belongs to the loop's thread, and
// must not outlive the loop. Destroying it cancels: its sockets are closed and
// `done` is not called.
class Connector {
 public:
  using Done = absl::AnyInvocable<void(absl::StatusOr<Socket>) &&>;

  // `addresses` in the order in which they are to be tried; at least one
  // (checked). `done` is called once, in a callback of the loop, and may
  // destroy the connector. It gets the connected socket, those of the other
  // attempts being closed by then (HAPPY-04), or
  //   the error of the only address, or of all if they say the same (CONN-13);
  //     "Connect call failed 10.0.0.1:80: Connection refused" with
  //     its errno, or "error while attempting to bind on address ..."
  //     (CONN-11).
  //   Of several that differ, "Multiple exceptions: a, b", with the code of the
  //     first and no errno (CONN-13).
  //   kNotFound: "no matching local address with family=... found" (CONN-11).
  //   An error group "create_connection failed", if options.all_errors.
  Connector(AbstractEventLoop& loop, std::vector<SocketAddress> addresses,
            ConnectorOptions options, Done done);
  Connector(const Connector&) = delete;
  Connector& operator=(const Connector&) = delete;
  ~Connector();

  // Begins. Once. Calls nothing of the user's.
  void Start();

 private:
  // The attempt to reach the address of the same index.
  class Attempt {
   public:
    Socket socket;  // Open while it is undecided.
    absl::Status error;
  };

  void StartNext();
  absl::Status Begin(size_t index);
  absl::Status BindLocal(Socket& socket, const SocketAddress& remote);
  void Decided(size_t index);
  void Succeed(size_t index);
  void Finish(absl::StatusOr<Socket> result);
  void Deliver();
  void Abandon(Attempt& attempt);
  void AbandonAll();
  bool AnyUndecided() const;
  absl::Status AllErrors() const;

  AbstractEventLoop& loop_;
  const std::vector<SocketAddress> addresses_;
  const ConnectorOptions options_;
  Done done_;
  std::vector<Attempt> attempts_;  // As many as were begun.
  TimerHandle next_attempt_;
  bool finished_ = false;  // Only the delivery of the result is left.
  absl::StatusOr<Socket> result_;
  Handle delivery_;
};

}  // namespace evkit

#endif  // EVKIT_NET_CONNECTIONS_CONNECTOR_H_
