// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Child processes for coroutines: asyncio's create_subprocess_exec().
//
//   Coro<std::string> Revision() {
//     ProcessOptions options;
//     options.argv = {"git", "rev-parse", "HEAD"};
//     options.stdout_to = Stdio::Pipe();
//     Process git =
//         co_await OrReturn(CreateSubprocessExec(std::move(options)));
//     ProcessOutput output = co_await OrReturn(git.Communicate());
//     if (!output.status.ok()) co_return absl::InternalError("git?");
//     co_return *output.out;
//   }

#ifndef EVKIT_SUBPROCESS_PROCESS_PROCESS_H_
#define EVKIT_SUBPROCESS_PROCESS_PROCESS_H_

#include <signal.h>
#include <sys/types.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/net/streams/stream_reader.h"
#include "evkit/net/streams/stream_writer.h"
#include "evkit/subprocess/exit_status.h"
#include "evkit/subprocess/process/subprocess_transport.h"

namespace evkit {

namespace subprocess_internal {
class ProcessState;
}  // namespace subprocess_internal

// Fill in a named object.
class ProcessOptions : public SubprocessOptions {
 public:
  ProcessOptions() {}
  // NOLINTNEXTLINE(google-explicit-constructor): they are the same, and more.
  ProcessOptions(SpawnOptions options)
      : SubprocessOptions(std::move(options)) {}

  // That of the readers of stdout and stderr (net/streams/stream_reader.h). 0
  // is a bug (checked).
  size_t stream_limit = kDefaultStreamLimit;
  // Send SIGKILL when the last handle is dropped while the child runs.
  bool kill_on_drop = false;
};

// What Communicate() brings.
class ProcessOutput {
 public:
  ProcessOutput() {}

  // Nothing for what is not a pipe.
  std::optional<std::string> out;
  std::optional<std::string> err;
  ExitStatus status = ExitStatus::Unknown();
};

// A handle: copies refer to the same child. Belongs to the loop's thread.
//
// When the last copy is gone while the child runs, the child runs on, unless
// `kill_on_drop` says otherwise, and is reaped by the loop when it exits: there
// is never a zombie. Its stdin is closed, and an output whose last reader is
// gone, too, is closed on this side: it gets SIGPIPE if it writes more, as at
// the end of a pipeline. A loop that is closed kills it.
class Process {
 public:
  // No child: may only be assigned to, destroyed, and asked for `valid()`.
  Process() = default;
  // For CreateSubprocess...().
  explicit Process(std::shared_ptr<subprocess_internal::ProcessState> state)
      : state_(std::move(state)) {}

  bool valid() const { return state_ != nullptr; }

  pid_t pid() const;
  // How it ended; nothing while the loop has not heard that it has (SUB-20).
  std::optional<ExitStatus> exit_status() const;
  std::optional<int> returncode() const;

  // The ends of its pipes; null for what is not a pipe (SUB-20). They live as
  // long as this handle or a copy; copies of them as long as they like.
  const StreamWriter* stdin_writer() const;
  const StreamReader* stdout_reader() const;
  const StreamReader* stderr_reader() const;

  // Waits for the exit, and for nothing else: output may still be in the pipes,
  // and whoever inherited them may still write (SUB-15). No turn if it has
  // exited already; any number of tasks may wait (SUB-16). Cancelling this does
  // nothing to the child (SUB-17). A child whose output is a pipe that nobody
  // reads may never exit: use Communicate().
  Coro<ExitStatus> Wait() const;

  // Writes `input` to its stdin and closes that, reads all that it writes, and
  // waits for its exit (SUB-18). At any sizes, in both directions at once;
  // memory for all of it. That the child does not read its input is no error
  // (SUB-19). What still holds its output open delays this, though the child
  // be dead: give it a time limit if that matters.
  //
  // Cancel-safe: called again, it goes on where it was, and what was read is
  // not lost; `input` counts the first time only.
  //   kInvalidArgument: `input` without a pipe to stdin.
  //   kFailedPrecondition: another task reads the output.
  //   What reading failed with.
  Coro<ProcessOutput> Communicate(std::string input = std::string()) const;

  // As SubprocessTransport::SendSignal() (SUB-13).
  absl::Status SendSignal(int signal) const;
  absl::Status Terminate() const { return SendSignal(SIGTERM); }
  absl::Status Kill() const { return SendSignal(SIGKILL); }

  const std::shared_ptr<SubprocessTransport>& transport() const;

 private:
  std::shared_ptr<subprocess_internal::ProcessState> state_;
};

// Starts the program of `options` under the running loop. stdin, stdout and
// stderr are inherited unless `options` says otherwise (SUB-01). Takes no turn,
// so there is nothing to cancel. Errors are those of SubprocessExec(), and
// kFailedPrecondition where no loop is running.
Coro<Process> CreateSubprocessExec(ProcessOptions options);

// The same with `command` run by /bin/sh: see SubprocessShell().
Coro<Process> CreateSubprocessShell(std::string command,
                                    ProcessOptions options = ProcessOptions());

}  // namespace evkit

#endif  // EVKIT_SUBPROCESS_PROCESS_PROCESS_H_
