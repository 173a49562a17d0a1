// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// A thousand programs with the traces that CPython's asyncio gave: evkit's must
// be equal. docs/conformance.md says what they are made of.

#include "evkit/loop/conformance/program.h"

#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "evkit/base/check.h"
#include "evkit/loop/conformance/run_program.h"
#include "gtest/gtest.h"

namespace evkit::conformance {
namespace {

const std::vector<Program>& Programs() {
  static const auto* const programs = [] {
    absl::StatusOr<std::vector<Program>> loaded =
        LoadPrograms("loop/conformance/recorded_programs.jsonl");
    EVKIT_CHECK(loaded.ok(), "the recorded programs cannot be read");
    return new std::vector<Program>(*std::move(loaded));
  }();
  return *programs;
}

class ProgramTest : public ::testing::TestWithParam<int> {};

TEST_P(ProgramTest, TracesAreThoseOfAsyncio) {
  int equal = 0;
  int skipped = 0;
  for (const Program& program : Programs()) {
    if (program.level() != GetParam()) continue;
    const ProgramRun run = RunProgram(program);
    if (!run.skipped.empty()) {
      ++skipped;
#if defined(__cpp_exceptions)
      ADD_FAILURE() << program.id() << " was skipped: " << run.skipped;
#endif
      continue;
    }
    const std::string difference =
        DescribeDifference(program.expected_trace(), run.trace);
    if (difference.empty()) ++equal;
    EXPECT_EQ(difference, "") << program.id() << ":\n" << difference;
  }
  EXPECT_GT(equal, 0);
  std::cout << equal << " equal, " << skipped << " skipped\n";
}

// 1: callbacks; 2: and futures and tasks; 3: and combinators, timeouts, groups;
// 4: and primitives; 5: everything.
INSTANTIATE_TEST_SUITE_P(Level, ProgramTest, ::testing::Range(1, 6),
                         [](const ::testing::TestParamInfo<int>& level) {
                           return std::to_string(level.param);
                         });

Program Parse(const std::string& text) {
  absl::StatusOr<Program> program = Program::Parse(text);
  EVKIT_CHECK(program.ok(), "the program of the test is malformed");
  return *std::move(program);
}

TEST(RunProgramTest, ADifferenceIsDescribed) {
  EXPECT_EQ(DescribeDifference({"a", "b"}, {"a", "b"}), "");
  EXPECT_EQ(DescribeDifference({"a", "b"}, {"a", "c", "d"}),
            "  expected: a | b\n"
            "  actual:   a | c | d\n"
            "  entry 1: expected \"b\", got \"c\"\n");
  EXPECT_EQ(DescribeDifference({"a"}, {}),
            "  expected: a\n"
            "  actual:   \n"
            "  entry 0: expected \"a\", got nothing\n");
}

TEST(RunProgramTest, AProgramThatNeverComesToAnEndIsEnded) {
  const ProgramRun run = RunProgram(Parse(
      R"({"id": "x", "level": 1, "cos": [], "cbs": [[["call_soon", 0, 0]]],
          "main": [["call_soon", 0, 0], ["run_forever"], ["log", "no"]],
          "trace": []})"));
  EXPECT_EQ(run.trace, std::vector<std::string>{"runaway"});
}

TEST(RunProgramTest, AProgramThatWouldWaitForEverIsEnded) {
  const ProgramRun run =
      RunProgram(Parse(R"({"id": "x", "level": 1, "cos": [], "cbs": [],
                "main": [["run_forever"], ["log", "no"]], "trace": []})"));
  EXPECT_EQ(run.trace, std::vector<std::string>{"deadlock"});
}

TEST(RunProgramTest, AProgramWithAnUnknownStatementIsSkipped) {
  const ProgramRun run =
      RunProgram(Parse(R"({"id": "x", "level": 1, "cos": [], "cbs": [],
                "main": [["log", "a"], ["dance"]], "trace": []})"));
  EXPECT_EQ(run.skipped, "no statement dance outside of coroutines");
}

TEST(RunProgramTest, AFileThatIsNoneOrMalformedIsRefused) {
  EXPECT_EQ(LoadPrograms("does/not/exist").status().code(),
            absl::StatusCode::kNotFound);
  for (const char* const text : {"[]", "{}", "{", R"({"id": "x"})"}) {
    EXPECT_EQ(Program::Parse(text).status().code(),
              absl::StatusCode::kInvalidArgument)
        << text;
  }
}

}  // namespace
}  // namespace evkit::conformance
