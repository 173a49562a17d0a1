// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// What is called about a child process: the user's side, at callback level.
//
// All calls come on the loop's thread from callbacks of the loop, never from
// inside a function of a transport, but for PauseWriting() and ResumeWriting()
// (contract SUB-06, SUB-23). ConnectionMade() is the first; ConnectionLost(OK)
// the last, and comes once, after ProcessExited() and after
// PipeConnectionLost() of every pipe (SUB-09). Between them anything may come
// first: a child may exit before its output is read, and close its output long
// before it exits (SUB-07).
//
// What one of them throws is reported to the loop's exception handler, and
// nothing else changes.

#ifndef EVKIT_SUBPROCESS_PROCESS_SUBPROCESS_PROTOCOL_H_
#define EVKIT_SUBPROCESS_PROCESS_SUBPROCESS_PROTOCOL_H_

#include <memory>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "evkit/net/protocol.h"
#include "evkit/subprocess/exit_status.h"

namespace evkit {

class SubprocessTransport;

// PauseWriting() and ResumeWriting() of the base are about the child's stdin.
class SubprocessProtocol : public BaseProtocol {
 public:
  // `transport` may have been closed already.
  virtual void ConnectionMade(std::shared_ptr<SubprocessTransport> transport) {
    (void)transport;
  }
  // Some bytes of output, at least one; `fd` is 1 or 2. Valid until this
  // returns. A pipe's come in order (SUB-08).
  virtual void PipeDataReceived(int fd, absl::string_view data) {
    (void)fd, (void)data;
  }
  // Once for each pipe (SUB-08), 0 included: OK at the end of the output, when
  // the pipe was closed on this side, or when the child closed its stdin; else
  // what it broke with. Waits for everybody who has the other end: a grandchild
  // that inherited it, too (SUB-10).
  virtual void PipeConnectionLost(int fd, const absl::Status& status) {
    (void)fd, (void)status;
  }
  // The child has exited and is reaped. Waits for no pipe.
  virtual void ProcessExited(ExitStatus status) { (void)status; }
};

// Makes the protocol of a new child. Never null (checked).
using SubprocessProtocolFactory =
    absl::AnyInvocable<std::shared_ptr<SubprocessProtocol>()>;

}  // namespace evkit

#endif  // EVKIT_SUBPROCESS_PROCESS_SUBPROCESS_PROTOCOL_H_
