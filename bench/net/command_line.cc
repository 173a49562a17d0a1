// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/bench/net/command_line.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace evkit {

void Die(const std::string& what) {
  if (errno != 0) {
    std::fprintf(stderr, "%s: %s\n", what.c_str(), std::strerror(errno));
  } else {
    std::fprintf(stderr, "%s\n", what.c_str());
  }
  std::exit(1);
}

int64_t DieIfNegative(int64_t result, const char* what) {
  if (result < 0) {
    Die(what);
  }
  return result;
}

CommandLine::CommandLine(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    const size_t equals = argument.find('=');
    if (argument.rfind("--", 0) != 0 || equals == std::string::npos) {
      errno = 0;
      Die("not --name=value: " + argument);
    }
    unused_[argument.substr(2, equals - 2)] = argument.substr(equals + 1);
  }
}

std::string CommandLine::Get(const std::string& name,
                             const std::string& fallback) {
  const auto found = unused_.find(name);
  if (found == unused_.end()) {
    return fallback;
  }
  std::string value = found->second;
  unused_.erase(found);
  return value;
}

int64_t CommandLine::Get(const std::string& name, int64_t fallback) {
  return std::strtoll(Get(name, std::to_string(fallback)).c_str(), nullptr, 10);
}

double CommandLine::Get(const std::string& name, double fallback) {
  return std::strtod(Get(name, std::to_string(fallback)).c_str(), nullptr);
}

void CommandLine::CheckAllUsed() const {
  if (!unused_.empty()) {
    errno = 0;
    Die("unknown: --" + unused_.begin()->first);
  }
}

}  // namespace evkit
