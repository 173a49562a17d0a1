// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/subprocess/exit_status.h"

#include <sys/wait.h>

#include "absl/strings/str_cat.h"
#include "evkit/base/check.h"

namespace evkit {
namespace {

struct SignalName {
  int signal;
  const char* name;
};

// libc's table of these is younger than some of the systems we run on, and its
// strsignal() speaks the user's language.
constexpr SignalName kSignalNames[] = {
    {SIGABRT, "SIGABRT"},   {SIGALRM, "SIGALRM"}, {SIGBUS, "SIGBUS"},
    {SIGCHLD, "SIGCHLD"},   {SIGCONT, "SIGCONT"}, {SIGFPE, "SIGFPE"},
    {SIGHUP, "SIGHUP"},     {SIGILL, "SIGILL"},   {SIGINT, "SIGINT"},
    {SIGIO, "SIGIO"},       {SIGKILL, "SIGKILL"}, {SIGPIPE, "SIGPIPE"},
    {SIGPROF, "SIGPROF"},   {SIGPWR, "SIGPWR"},   {SIGQUIT, "SIGQUIT"},
    {SIGSEGV, "SIGSEGV"},   {SIGSTOP, "SIGSTOP"}, {SIGSYS, "SIGSYS"},
    {SIGTERM, "SIGTERM"},   {SIGTRAP, "SIGTRAP"}, {SIGTSTP, "SIGTSTP"},
    {SIGTTIN, "SIGTTIN"},   {SIGTTOU, "SIGTTOU"}, {SIGURG, "SIGURG"},
    {SIGUSR1, "SIGUSR1"},   {SIGUSR2, "SIGUSR2"}, {SIGVTALRM, "SIGVTALRM"},
    {SIGWINCH, "SIGWINCH"}, {SIGXCPU, "SIGXCPU"}, {SIGXFSZ, "SIGXFSZ"},
};

std::string NameOfSignal(int signal) {
  for (const SignalName& known : kSignalNames) {
    if (known.signal == signal) return known.name;
  }
  return absl::StrCat("signal ", signal);
}

}  // namespace

ExitStatus ExitStatus::Exited(int code) {
  EVKIT_CHECK(code >= 0 && code <= 255, "an exit code has eight bits");
  return ExitStatus(Kind::kExited, code, false);
}

ExitStatus ExitStatus::Signaled(int signal, bool core_dumped) {
  EVKIT_CHECK(signal > 0 && signal < 128, "no such signal");
  return ExitStatus(Kind::kSignaled, signal, core_dumped);
}

std::optional<ExitStatus> ExitStatus::FromSiginfo(const siginfo_t& info) {
  switch (info.si_code) {
    case CLD_EXITED:
      return Exited(info.si_status & 0xff);
    case CLD_KILLED:
      return Signaled(info.si_status);
    case CLD_DUMPED:
      return Signaled(info.si_status, true);
    default:
      return std::nullopt;
  }
}

std::optional<ExitStatus> ExitStatus::FromWaitStatus(int wait_status) {
  if (WIFEXITED(wait_status)) return Exited(WEXITSTATUS(wait_status));
  if (WIFSIGNALED(wait_status)) {
    return Signaled(WTERMSIG(wait_status), WCOREDUMP(wait_status));
  }
  return std::nullopt;
}

int ExitStatus::exit_code() const {
  EVKIT_CHECK(exited(), "the child did not exit by itself");
  return number_;
}

int ExitStatus::signal() const {
  EVKIT_CHECK(signaled(), "the child was not ended by a signal");
  return number_;
}

std::string ExitStatus::ToString() const {
  if (exited()) return absl::StrCat("exit code ", int{number_});
  if (unknown()) return "unknown exit status";
  return absl::StrCat("killed by ", NameOfSignal(number_),
                      core_dumped_ ? " (core dumped)" : "");
}

}  // namespace evkit
