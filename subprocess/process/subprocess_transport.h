// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Runs a program under a loop, at callback level: asyncio's subprocess_exec().
//
//   class Count : public SubprocessProtocol {
//     void PipeDataReceived(int, absl::string_view data) override {
//       size_ += data.size();
//     }
//     void ProcessExited(ExitStatus status) override { ... }
//   };
//   SubprocessOptions options;
//   options.argv = {"ls", "-l"};
//   options.stdout_to = Stdio::Pipe();
//   absl::StatusOr<Subprocess> ls = SubprocessExec(
//       loop, [] { return std::make_shared<Count>(); }, std::move(options));
//
// Coroutines have process.h.

#ifndef EVKIT_SUBPROCESS_PROCESS_SUBPROCESS_TRANSPORT_H_
#define EVKIT_SUBPROCESS_PROCESS_SUBPROCESS_TRANSPORT_H_

#include <signal.h>
#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "evkit/loop/abstract_event_loop.h"
#include "evkit/net/transport.h"
#include "evkit/subprocess/exit_status.h"
#include "evkit/subprocess/process/subprocess_protocol.h"
#include "evkit/subprocess/spawn.h"

namespace evkit {

// The loop's side of a child. Belongs to the loop's thread; every function may
// be called from every callback.
//
// Lifetime: shared. The loop keeps it until its protocol's ConnectionLost() has
// returned. Dropping a handle does nothing to the child. A loop that is closed
// kills the children that still run, waits for their deaths, so that none is
// left as a zombie, and tells no protocol.
class SubprocessTransport {
 public:
  SubprocessTransport() = default;
  SubprocessTransport(const SubprocessTransport&) = delete;
  SubprocessTransport& operator=(const SubprocessTransport&) = delete;
  virtual ~SubprocessTransport() = default;

  virtual pid_t pid() const = 0;

  // How the child ended; nothing while the loop has not heard that it has
  // (SUB-11).
  virtual std::optional<ExitStatus> exit_status() const = 0;
  std::optional<int> returncode() const {
    const std::optional<ExitStatus> status = exit_status();
    if (!status.has_value()) return std::nullopt;
    return status->returncode();
  }

  // This side's end of the child's descriptor `fd`, 0, 1 or 2; null if that is
  // not a pipe (SUB-11). Its protocol is this transport's: do not replace it.
  virtual std::shared_ptr<Transport> GetPipeTransport(int fd) const = 0;

  // Sends `signal` to the child, or with `signal_whole_group` to its process
  // group. OK, and nothing is sent, if the child has exited, until
  // ConnectionLost() (SUB-13). Never reaches another process that got the same
  // pid.
  //   kNotFound (ESRCH): after ConnectionLost(), or after the loop was closed.
  //   Other errnos of pidfd_send_signal(2) or kill(2): kInvalidArgument,
  //   kPermissionDenied (the child has changed its user).
  virtual absl::Status SendSignal(int signal) = 0;
  absl::Status Terminate() { return SendSignal(SIGTERM); }
  absl::Status Kill() { return SendSignal(SIGKILL); }

  // Closes the pipes, whatever was still to be read, and kills the child if it
  // has not exited. ProcessExited() and ConnectionLost() still follow.
  // Idempotent (SUB-14).
  virtual void Close() = 0;
  // From Close() on, or from ConnectionLost().
  virtual bool IsClosing() const = 0;

  // Null from ConnectionLost() on.
  virtual std::shared_ptr<SubprocessProtocol> GetProtocol() const = 0;

  virtual AbstractEventLoop& loop() const = 0;
};

// Fill in a named object.
class SubprocessOptions : public SpawnOptions {
 public:
  SubprocessOptions() {}
  // NOLINTNEXTLINE(google-explicit-constructor): they are the same, and more.
  SubprocessOptions(SpawnOptions options) : SpawnOptions(std::move(options)) {}

  // Signals, Close()'s too, go to the child's whole process group: what it has
  // started itself, as far as that has not moved to another group. Puts the
  // child at the head of a new group, unless `start_new_session` or
  // `process_group` 0 does. From Linux 6.9 on, also what is left of the group
  // when the child has exited can be signalled, even after ConnectionLost();
  // before, only while the child runs.
  bool signal_whole_group = false;
};

// A child that was started.
class Subprocess {
 public:
  Subprocess(std::shared_ptr<SubprocessTransport> its_transport,
             std::shared_ptr<SubprocessProtocol> its_protocol)
      : transport(std::move(its_transport)),
        protocol(std::move(its_protocol)) {}

  std::shared_ptr<SubprocessTransport> transport;
  std::shared_ptr<SubprocessProtocol> protocol;
};

// Makes a protocol, then starts the program of `options` (SUB-03), and queues
// ConnectionMade(), which comes before all else (SUB-05). stdin, stdout and
// stderr are inherited unless `options` says otherwise. Nothing is called
// inside this call but `factory`; what that throws leaves it.
//   As Spawn(), and the protocol hears nothing (SUB-04).
//   kInvalidArgument: `signal_whole_group` of a child that is to join another
//     group.
//   kFailedPrecondition: the loop is closed; or was inherited through fork.
//   kUnimplemented: the loop was made without a child watcher.
//   kResourceExhausted and others: it cannot be watched, or its pipes not be
//     used; then it was killed.
// Blocks the loop until the exec: see Spawn().
absl::StatusOr<Subprocess> SubprocessExec(AbstractEventLoop& loop,
                                          SubprocessProtocolFactory factory,
                                          SubprocessOptions options);

// The same with `command` run by /bin/sh. It is the shell's to parse: never
// build it of what others wrote.
//   kInvalidArgument: `options` has `argv` or `program`.
absl::StatusOr<Subprocess> SubprocessShell(
    AbstractEventLoop& loop, SubprocessProtocolFactory factory,
    std::string command, SubprocessOptions options = SubprocessOptions());

}  // namespace evkit

#endif  // EVKIT_SUBPROCESS_PROCESS_SUBPROCESS_TRANSPORT_H_
