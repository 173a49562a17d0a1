// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/bench/net/server_watch.h"

#include <sched.h>
#include <time.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace evkit {

ServerUse ReadServerUse(int64_t pid) {
  ServerUse use;
  if (pid == 0) {
    return use;
  }
  const std::string tasks = "/proc/" + std::to_string(pid) + "/task";
  for (const auto& task : std::filesystem::directory_iterator(tasks)) {
    std::ifstream file(task.path() / "schedstat");
    uint64_t cpu_ns = 0;
    uint64_t wait_ns = 0;
    if (file >> cpu_ns >> wait_ns) {
      use.cpu_ns += cpu_ns;
      use.wait_ns += wait_ns;
    }
  }
  return use;
}

uint64_t ReadResidentBytes(int64_t pid) {
  if (pid == 0) {
    return 0;
  }
  // Exact, where statm is off by what the threads have not added up yet.
  std::ifstream file("/proc/" + std::to_string(pid) + "/smaps_rollup");
  std::string word;
  while (file >> word) {
    uint64_t kib = 0;
    if (word == "Rss:" && file >> kib) {
      return kib * 1024;
    }
  }
  return 0;
}

void WaitUntilAsleep(int64_t pid) {
  const std::string path = "/proc/" + std::to_string(pid) + "/stat";
  while (pid != 0) {
    std::ifstream file(path);
    std::string stat;
    std::getline(file, stat);
    // After the name, which is in brackets.
    const size_t bracket = stat.rfind(')');
    if (bracket == std::string::npos || stat[bracket + 2] == 'S') {
      return;
    }
    sched_yield();
  }
}

uint64_t NowNs() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 +
         static_cast<uint64_t>(now.tv_nsec);
}

}  // namespace evkit
