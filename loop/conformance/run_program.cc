// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/conformance/run_program.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "evkit/loop/conformance/internal/machine.h"

namespace evkit::conformance {

ProgramRun RunProgram(const Program& program) {
#if !defined(__cpp_exceptions)
  if (program.callbacks_raise()) {
    ProgramRun run({});
    run.skipped = "callbacks cannot fail in a build without exceptions";
    return run;
  }
#endif
  Machine machine(program);
  machine.Run();
  ProgramRun run(machine.trace());
  run.skipped = machine.skipped();
  return run;
}

std::string DescribeDifference(const std::vector<std::string>& expected,
                               const std::vector<std::string>& actual) {
  if (expected == actual) return "";
  const auto [expected_at, actual_at] = std::mismatch(
      expected.begin(), expected.end(), actual.begin(), actual.end());
  const auto entry = [](const std::vector<std::string>& trace,
                        std::vector<std::string>::const_iterator at) {
    return at == trace.end() ? std::string("nothing")
                             : absl::StrCat("\"", *at, "\"");
  };
  return absl::StrCat("  expected: ", absl::StrJoin(expected, " | "),
                      "\n  actual:   ", absl::StrJoin(actual, " | "),
                      "\n  entry ", expected_at - expected.begin(),
                      ": expected ", entry(expected, expected_at), ", got ",
                      entry(actual, actual_at), "\n");
}

}  // namespace evkit::conformance
