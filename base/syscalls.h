// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// The one door to the kernel: every system call of this repository is made as
// `sys::name(...)`, with the parameters, the result and the errno of the libc
// function of that name. base/internal/syscall_table.inc lists them.
//
// In a production build each of them is the libc call, inline, and nothing
// else. Built with EVKIT_FAULT_INJECTION (evkit's own development builds: see
// .bazelrc), each first asks the installed `sys::Hook` whether to fail, so that
// a test can make any call site fail with any errno at its n-th use, shorten
// reads and writes, and count calls: base/fault_injection.h.
//
// tools/check_syscalls.sh proves that nothing goes round this door.
//
// Thread-safe. The functions may be used between vfork and exec; a hook must
// allow for that (no locks that sleep, no allocation).

#ifndef EVKIT_BASE_SYSCALLS_H_
#define EVKIT_BASE_SYSCALLS_H_

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>

#include "evkit/base/source_location.h"

// Of <linux/io_uring.h>, which only its users need.
struct io_uring_params;

#define EVKIT_UNPARENTHESIZE(...) __VA_ARGS__
// The same, and a comma if there is anything for it to stand behind.
#define EVKIT_LEADING_PARAMS(...) __VA_ARGS__ __VA_OPT__(, )

// ThreadSanitizer takes the clone(2) of libc for a fork, and the threads of the
// parent for dead from then on; this is the same function.
#if defined(__SANITIZE_THREAD__)
#define EVKIT_LIBC_CLONE ::__clone
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define EVKIT_LIBC_CLONE ::__clone
#endif
#endif
#if defined(EVKIT_LIBC_CLONE)
extern "C" int __clone(int (*)(void*), void*, int, void*, ...);
#else
#define EVKIT_LIBC_CLONE ::clone
#endif

namespace evkit::sys {

#if defined(EVKIT_FAULT_INJECTION)

// Where a system call was made. Filled in by the compiler, as the last
// argument of every function below.
using CallSite = SourceLocation;

// What a test puts in front of the kernel. Called on every thread that makes a
// system call, also between vfork and exec.
class Hook {
 public:
  virtual ~Hook() = default;
  // The errno that the call is to fail with; 0 to let it through.
  virtual int BeforeCall(const char* name, const CallSite& site) = 0;
  // How many of `size` bytes a call that moves bytes may move, at least 1
  // unless `size` is 0.
  virtual size_t LimitSize(const char* name, const CallSite& site,
                           size_t size) = 0;
};

// Puts `hook` in front of all calls; null takes it away. Calls that are under
// way may still use the old one.
void InstallHook(Hook* hook);

#define EVKIT_SYSCALL(Result, name, params, expression) \
  Result name(EVKIT_LEADING_PARAMS params CallSite site = CallSite::Here());
#define EVKIT_SIZED_SYSCALL(Result, name, params, expression) \
  EVKIT_SYSCALL(Result, name, params, expression)
#define EVKIT_MESSAGE_SYSCALL(Result, name, params, expression) \
  EVKIT_SYSCALL(Result, name, params, expression)

#else

#define EVKIT_SYSCALL(Result, name, params, expression) \
  inline Result name(EVKIT_UNPARENTHESIZE params) { return expression; }
#define EVKIT_SIZED_SYSCALL(Result, name, params, expression) \
  EVKIT_SYSCALL(Result, name, params, expression)
#define EVKIT_MESSAGE_SYSCALL(Result, name, params, expression) \
  EVKIT_SYSCALL(Result, name, params, expression)

#endif

#include "evkit/base/internal/syscall_table.inc"

#undef EVKIT_SYSCALL
#undef EVKIT_SIZED_SYSCALL
#undef EVKIT_MESSAGE_SYSCALL

}  // namespace evkit::sys

#endif  // EVKIT_BASE_SYSCALLS_H_
