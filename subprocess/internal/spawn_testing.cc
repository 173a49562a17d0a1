// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/subprocess/internal/spawn_testing.h"

#include <dirent.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/status/statusor.h"
#include "gtest/gtest.h"

namespace evkit::subprocess_internal {
namespace {

std::string FindTestChild() {
  char* const path = realpath("subprocess/test_child", nullptr);
  if (path == nullptr) {
    ADD_FAILURE() << "no test_child here";
    return "";
  }
  std::string result = path;
  free(path);
  return result;
}

}  // namespace

const std::string& TestChildPath() {
  static const std::string& path = *new std::string(FindTestChild());
  return path;
}

SpawnOptions RunTestChild(std::vector<std::string> arguments) {
  SpawnOptions options;
  options.argv = std::move(arguments);
  options.argv.insert(options.argv.begin(), TestChildPath());
  return options;
}

Child MustSpawn(const SpawnOptions& options) {
  absl::StatusOr<Child> child = Spawn(options);
  if (!child.ok()) {
    ADD_FAILURE() << child.status();
    return Child();
  }
  return *std::move(child);
}

ExitStatus WaitFor(const Child& child) {
  siginfo_t info = {};
  if (child.pid <= 0) return ExitStatus::Unknown();
  while (waitid(P_PID, static_cast<id_t>(child.pid), &info, WEXITED) < 0) {
    if (errno != EINTR) return ExitStatus::Unknown();
  }
  return *ExitStatus::FromSiginfo(info);
}

std::string ReadAll(int fd) {
  std::string result;
  char buffer[4096];
  while (true) {
    const ssize_t size = read(fd, buffer, sizeof(buffer));
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return result;
    result.append(buffer, static_cast<size_t>(size));
  }
}

std::string OutputOf(SpawnOptions options) {
  options.stdout_to = Stdio::Pipe();
  const Child child = MustSpawn(options);
  std::string output = ReadAll(child.stdout_pipe.get());
  EXPECT_EQ(WaitFor(child), ExitStatus::Exited(0));
  return output;
}

std::vector<int> OpenFds() {
  std::vector<int> fds;
  DIR* const directory = opendir("/proc/self/fd");
  while (const dirent* entry = readdir(directory)) {
    const int fd = atoi(entry->d_name);
    if (entry->d_name[0] != '.' && fd != dirfd(directory)) fds.push_back(fd);
  }
  closedir(directory);
  std::sort(fds.begin(), fds.end());
  return fds;
}

bool IsReadable(int fd) {
  pollfd poll_fd = {fd, POLLIN, 0};
  return poll(&poll_fd, 1, 0) == 1;
}

void WaitUntilReadable(int fd) {
  pollfd poll_fd = {fd, POLLIN, 0};
  while (poll(&poll_fd, 1, -1) < 0) {
    ASSERT_EQ(errno, EINTR);
  }
}

bool HasChildren() {
  siginfo_t info = {};
  return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

}  // namespace evkit::subprocess_internal
