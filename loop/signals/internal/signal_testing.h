// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// For this package's tests: what the process does on a signal.

#ifndef EVKIT_LOOP_SIGNALS_INTERNAL_SIGNAL_TESTING_H_
#define EVKIT_LOOP_SIGNALS_INTERNAL_SIGNAL_TESTING_H_

#include <poll.h>
#include <signal.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <functional>

#include "evkit/loop/signals/signal_receiver.h"
#include "gtest/gtest.h"

namespace evkit::signals_internal {

// ThreadSanitizer holds signals back until the program is between two of its
// own steps: real-time signals coalesce meanwhile, and in a child of a process
// with threads none comes through.
#if defined(__SANITIZE_THREAD__)
constexpr bool kThreadSanitizer = true;
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
constexpr bool kThreadSanitizer = true;
#else
constexpr bool kThreadSanitizer = false;
#endif
#else
constexpr bool kThreadSanitizer = false;
#endif

// What is installed for `signal`: SIG_DFL, SIG_IGN or a function.
inline sighandler_t HandlerOf(int signal) {
  struct sigaction action;
  EXPECT_EQ(::sigaction(signal, nullptr, &action), 0);
  return action.sa_handler;
}

// Installs a handler for the length of a scope.
class ScopedDisposition {
 public:
  ScopedDisposition(int signal, sighandler_t handler, int flags = 0)
      : signal_(signal) {
    struct sigaction action = {};
    action.sa_handler = handler;
    action.sa_flags = flags;
    EXPECT_EQ(::sigaction(signal, &action, &old_), 0);
  }
  ScopedDisposition(const ScopedDisposition&) = delete;
  ScopedDisposition& operator=(const ScopedDisposition&) = delete;
  ~ScopedDisposition() { EXPECT_EQ(::sigaction(signal_, &old_, nullptr), 0); }

 private:
  const int signal_;
  struct sigaction old_;
};

inline bool IsReadable(const SignalReceiver& receiver) {
  pollfd readable = {receiver.fd(), POLLIN, 0};
  return ::poll(&readable, 1, 0) == 1;
}

inline void WaitUntilReadable(const SignalReceiver& receiver) {
  pollfd readable = {receiver.fd(), POLLIN, 0};
  while (::poll(&readable, 1, -1) != 1) {
  }
}

// Forks; the child does `function`, is given some time for it, and exits with
// what it returns. Only the parent returns.
inline pid_t Fork(const std::function<int()>& function) {
  const pid_t pid = ::fork();
  if (pid != 0) return pid;
  ::alarm(30);
  ::_exit(function());
}

// The status of a child that ends now, as waitpid(2) has it.
inline int WaitFor(pid_t pid) {
  int status = -1;
  pid_t waited;
  do {
    waited = ::waitpid(pid, &status, 0);
  } while (waited < 0 && errno == EINTR);
  EXPECT_EQ(waited, pid);
  return status;
}

}  // namespace evkit::signals_internal

#endif  // EVKIT_LOOP_SIGNALS_INTERNAL_SIGNAL_TESTING_H_
