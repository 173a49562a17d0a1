// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Runs a recorded program on evkit, in virtual time.

#ifndef EVKIT_LOOP_CONFORMANCE_RUN_PROGRAM_H_
#define EVKIT_LOOP_CONFORMANCE_RUN_PROGRAM_H_

#include <string>
#include <utility>
#include <vector>

#include "evkit/loop/conformance/program.h"

namespace evkit::conformance {

// How a program ran.
class ProgramRun {
 public:
  explicit ProgramRun(std::vector<std::string> entries)
      : trace(std::move(entries)) {}

  std::vector<std::string> trace;
  // Why the trace means nothing; empty if it does.
  std::string skipped;
};

// Skips what cannot be: a callback that fails, in a build without exceptions.
ProgramRun RunProgram(const Program& program);

// For people: both traces, and where they begin to differ. Empty if they are
// equal.
std::string DescribeDifference(const std::vector<std::string>& expected,
                               const std::vector<std::string>& actual);

}  // namespace evkit::conformance

#endif  // EVKIT_LOOP_CONFORMANCE_RUN_PROGRAM_H_
