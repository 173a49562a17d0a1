// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/selectors/internal/test_descriptors.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "evkit/base/check.h"

namespace evkit::selectors_internal {

Pipe::Pipe() {
  int fds[2];
  EVKIT_CHECK(pipe2(fds, O_NONBLOCK | O_CLOEXEC) == 0, "pipe2 failed");
  reader.Reset(fds[0]);
  writer.Reset(fds[1]);
}

SocketPair::SocketPair() {
  int fds[2];
  EVKIT_CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
                         fds) == 0,
              "socketpair failed");
  ours.Reset(fds[0]);
  peer.Reset(fds[1]);
}

UniqueFd Duplicate(int fd, int minimum) {
  return UniqueFd(fcntl(fd, F_DUPFD_CLOEXEC, minimum));
}

void ReopenAs(UniqueFd& number, int fd) {
  EVKIT_CHECK(dup3(fd, number.get(), O_CLOEXEC) >= 0, "dup3 failed");
}

void WriteByte(int fd) { EVKIT_CHECK(write(fd, "x", 1) == 1, "write failed"); }

void Fill(int fd) {
  const char bytes[4096] = {};
  while (write(fd, bytes, sizeof(bytes)) > 0) {
  }
}

void Drain(int fd) {
  char bytes[4096];
  while (read(fd, bytes, sizeof(bytes)) > 0) {
  }
}

UniqueFd ReadableAfter(absl::Duration delay) {
  UniqueFd fd(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC));
  itimerspec when = {};
  when.it_value = absl::ToTimespec(delay);
  EVKIT_CHECK(timerfd_settime(fd.get(), 0, &when, nullptr) == 0,
              "timerfd_settime failed");
  return fd;
}

absl::Duration MonotonicNow() {
  timespec now;
  EVKIT_CHECK(clock_gettime(CLOCK_MONOTONIC, &now) == 0, "no clock");
  return absl::DurationFromTimespec(now);
}

size_t OpenDescriptorCount() {
  DIR* const directory = opendir("/proc/self/fd");
  EVKIT_CHECK(directory != nullptr, "no /proc");
  size_t count = 0;
  while (readdir(directory) != nullptr) ++count;
  closedir(directory);
  return count;
}

size_t RaiseDescriptorLimit() {
  rlimit limit;
  EVKIT_CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0, "getrlimit failed");
  limit.rlim_cur = limit.rlim_max;
  EVKIT_CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0, "setrlimit failed");
  return static_cast<size_t>(limit.rlim_cur);
}

}  // namespace evkit::selectors_internal
