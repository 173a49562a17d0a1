// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// `--name=value` arguments, and the end of a program that cannot go on. For the
// programs of this folder, which share no more than they must.

#ifndef EVKIT_BENCH_NET_COMMAND_LINE_H_
#define EVKIT_BENCH_NET_COMMAND_LINE_H_

#include <cstdint>
#include <map>
#include <string>

namespace evkit {

// Says on stderr what failed, with errno if it is not 0, and exits with 1.
[[noreturn]] void Die(const std::string& what);

// `result`, unless it is negative: then Die(`what`).
int64_t DieIfNegative(int64_t result, const char* what);

class CommandLine {
 public:
  // Dies of an argument of another shape.
  CommandLine(int argc, char** argv);

  std::string Get(const std::string& name, const std::string& fallback);
  int64_t Get(const std::string& name, int64_t fallback);
  double Get(const std::string& name, double fallback);

  // Dies if there are arguments that were not asked for.
  void CheckAllUsed() const;

 private:
  std::map<std::string, std::string> unused_;
};

}  // namespace evkit

#endif  // EVKIT_BENCH_NET_COMMAND_LINE_H_
