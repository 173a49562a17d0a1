// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// How a child process ended: by itself with a code, by a signal, or unseen.
//
//   std::optional<ExitStatus> status = ExitStatus::FromSiginfo(info);
//   if (status->signaled()) restart();
//   std::cout << *status;          // "exit code 3", "killed by SIGTERM"
//   return status->returncode();   // asyncio's: 3, -15

#ifndef EVKIT_SUBPROCESS_EXIT_STATUS_H_
#define EVKIT_SUBPROCESS_EXIT_STATUS_H_

#include <signal.h>

#include <cstdint>
#include <optional>
#include <ostream>
#include <string>

namespace evkit {

// A value: cheap to copy. Thread-compatible.
class ExitStatus {
 public:
  // The child called exit(`code`) or returned from main(). The kernel keeps the
  // low eight bits: requires 0 <= `code` <= 255.
  static ExitStatus Exited(int code);

  // `signal` ended the child.
  static ExitStatus Signaled(int signal, bool core_dumped = false);

  // The child is gone, and somebody else took its status: a wait for any child
  // elsewhere in the process, or the kernel, where SIGCHLD is ignored.
  static ExitStatus Unknown() { return ExitStatus(Kind::kUnknown, 255, false); }

  // From what waitid(2) said. Empty if `info` reports no end: nothing to report
  // (WNOHANG), stopped, continued, trapped.
  static std::optional<ExitStatus> FromSiginfo(const siginfo_t& info);

  // From the status of waitpid(2). Empty if stopped or continued.
  static std::optional<ExitStatus> FromWaitStatus(int wait_status);

  bool exited() const { return kind_ == Kind::kExited; }
  bool signaled() const { return kind_ == Kind::kSignaled; }
  bool unknown() const { return kind_ == Kind::kUnknown; }

  bool ok() const { return exited() && number_ == 0; }

  // Requires `exited()`.
  int exit_code() const;
  // Requires `signaled()`.
  int signal() const;
  // False unless `signaled()`.
  bool core_dumped() const { return core_dumped_; }

  // asyncio's `returncode`: the exit code; -N if signal N ended the child; 255
  // if unknown.
  int returncode() const { return signaled() ? -int{number_} : int{number_}; }

  // "exit code 3", "killed by SIGTERM", "killed by SIGSEGV (core dumped)",
  // "unknown exit status".
  std::string ToString() const;

  friend bool operator==(const ExitStatus&, const ExitStatus&) = default;
  friend std::ostream& operator<<(std::ostream& out, ExitStatus status) {
    return out << status.ToString();
  }

 private:
  enum class Kind : uint8_t { kExited, kSignaled, kUnknown };

  ExitStatus(Kind kind, int number, bool core_dumped)
      : kind_(kind),
        core_dumped_(core_dumped),
        number_(static_cast<int16_t>(number)) {}

  Kind kind_;
  bool core_dumped_;
  int16_t number_;  // The exit code or the signal; 255 if unknown.
};

}  // namespace evkit

#endif  // EVKIT_SUBPROCESS_EXIT_STATUS_H_
