// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// How Sendfile() gets at the socket of a transport, and at what else the
// interface of transports does not tell.

#ifndef EVKIT_NET_INTERNAL_EXCLUSIVE_SEND_H_
#define EVKIT_NET_INTERNAL_EXCLUSIVE_SEND_H_

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "evkit/net/extra_info.h"
#include "evkit/net/internal/write_flow.h"
#include "evkit/net/socket.h"
#include "evkit/net/transport.h"

namespace evkit::net_internal {

// The right to send on a transport's socket while it sends nothing itself.
// Valid as long as the transport.
class ExclusiveSend {
 public:
  virtual ~ExclusiveSend() = default;

  // From now on the transport refuses writes (SFILE-03). `on_progress` is
  // called from callbacks of the loop: see below. It may call End().
  //   kFailedPrecondition: closing; or somebody else has begun.
  virtual absl::Status Begin(absl::AnyInvocable<void()> on_progress) = 0;
  // Gives it back. Idempotent.
  virtual void End() = 0;

  // Whose it is: other transports pass on questions that they cannot answer.
  virtual const Transport* transport() const = 0;
  virtual const WriteFlow& flow() const = 0;

  // OK as long as the connection lives, then what it was lost with, or
  // ECONNRESET. Tells on_progress when that changes, after ConnectionLost().
  virtual absl::Status status() const = 0;
  // Whether what was written before is sent. Tells on_progress when it is.
  virtual bool drained() const = 0;
  // Null if there is none. To be used while drained and with an OK status.
  virtual Socket* socket() = 0;
  // Ends the connection, as a failed send of the transport's own.
  virtual void Fail(absl::Status status) = 0;
  // Tells on_progress when the socket is writable, once. The status may turn
  // into an error at once.
  virtual void AwaitWritable() = 0;
};

// Of transports that are BasicStreamTransports, or are built on one.
inline constexpr ExtraInfoKey<ExclusiveSend* const> kExclusiveSend(
    "exclusive_send");

}  // namespace evkit::net_internal

#endif  // EVKIT_NET_INTERNAL_EXCLUSIVE_SEND_H_
