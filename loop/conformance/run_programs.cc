// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Runs the recorded programs of a file and compares the traces.
//
//   bazel run //loop/conformance:run_programs -- FILE.jsonl
//
// Ends with a line `N equal, N different, N skipped`; fails if any differed, or
// if there was none to compare.

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "evkit/loop/conformance/program.h"
#include "evkit/loop/conformance/run_program.h"

namespace evkit::conformance {
namespace {

int Main(const char* path) {
  const absl::StatusOr<std::vector<Program>> programs = LoadPrograms(path);
  if (!programs.ok()) {
    std::fprintf(stderr, "%s\n", programs.status().ToString().c_str());
    return EXIT_FAILURE;
  }
  int equal = 0;
  int different = 0;
  int skipped = 0;
  for (const Program& program : *programs) {
    const ProgramRun run = RunProgram(program);
    if (!run.skipped.empty()) {
      ++skipped;
      std::printf("%s: skipped: %s\n", program.id().c_str(),
                  run.skipped.c_str());
      continue;
    }
    const std::string difference =
        DescribeDifference(program.expected_trace(), run.trace);
    if (difference.empty()) {
      ++equal;
    } else {
      ++different;
      std::printf("%s: different\n%s", program.id().c_str(),
                  difference.c_str());
    }
  }
  std::printf("%d equal, %d different, %d skipped\n", equal, different,
              skipped);
  return different == 0 && equal > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace
}  // namespace evkit::conformance

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s FILE\n", argv[0]);
    return EXIT_FAILURE;
  }
  return evkit::conformance::Main(argv[1]);
}
