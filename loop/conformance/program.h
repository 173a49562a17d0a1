// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// A recorded program: what it does, and the trace that CPython's asyncio gave.
// The format is described in docs/conformance.md.

#ifndef EVKIT_LOOP_CONFORMANCE_PROGRAM_H_
#define EVKIT_LOOP_CONFORMANCE_PROGRAM_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "evkit/loop/conformance/internal/json.h"

namespace evkit::conformance {

class Program {
 public:
  // kInvalidArgument if `text` is not the JSON object of a program.
  static absl::StatusOr<Program> Parse(absl::string_view text);

  const std::string& id() const { return json_.Member("id").string(); }
  int level() const { return json_.Member("level").integer(); }
  // What exists from the start, by kind: a number, an array, or null for none.
  const Json& declared(absl::string_view kind) const;
  int declared_number(absl::string_view kind) const;

  // Blocks, which are arrays of statements: the coroutines' and the callbacks'
  // bodies by number, and what runs outside of the loop.
  const Json& coroutine(int index) const;
  const Json& callback(int index) const;
  const Json& main() const { return json_.Member("main"); }
  // Whether a callback can fail, which takes exceptions.
  bool callbacks_raise() const;

  std::vector<std::string> expected_trace() const;

 private:
  explicit Program(Json json) : json_(std::move(json)) {}

  Json json_;
};

// One program a line; empty lines are passed over.
//   kNotFound: the file cannot be read.
//   kInvalidArgument: as `Program::Parse()`, with the number of the line.
absl::StatusOr<std::vector<Program>> LoadPrograms(const std::string& path);

}  // namespace evkit::conformance

#endif  // EVKIT_LOOP_CONFORMANCE_PROGRAM_H_
