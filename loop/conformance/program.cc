// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/conformance/program.h"

#include <cstddef>
#include <fstream>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace evkit::conformance {
namespace {

// Whether a statement of that name is anywhere in `block`.
bool Contains(const Json& block, absl::string_view name) {
  if (!block.is_array()) return false;
  for (size_t i = 0; i < block.size(); ++i) {
    if (i == 0 && block[0].is_string() && block[0].string() == name) {
      return true;
    }
    if (Contains(block[i], name)) return true;
  }
  return false;
}

}  // namespace

absl::StatusOr<Program> Program::Parse(absl::string_view text) {
  absl::StatusOr<Json> json = Json::Parse(text);
  if (!json.ok()) return json.status();
  if (!json->is_object()) {
    return absl::InvalidArgumentError("a program is a JSON object");
  }
  for (const char* const key : {"cos", "cbs", "main", "trace"}) {
    if (json->Member(key).is_array()) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("the program has no array \"", key, "\""));
  }
  if (!json->Member("id").is_string()) {
    return absl::InvalidArgumentError("the program has no id");
  }
  return Program(*std::move(json));
}

const Json& Program::declared(absl::string_view kind) const {
  const Json& all = json_.Member("decl");
  return all.is_null() ? all : all.Member(kind);
}

int Program::declared_number(absl::string_view kind) const {
  const Json& number = declared(kind);
  return number.is_null() ? 0 : number.integer();
}

const Json& Program::coroutine(int index) const {
  return json_.Member("cos")[static_cast<size_t>(index)];
}

const Json& Program::callback(int index) const {
  return json_.Member("cbs")[static_cast<size_t>(index)];
}

bool Program::callbacks_raise() const {
  for (const Json& block : json_.Member("cbs").items()) {
    if (Contains(block, "raise")) return true;
  }
  return false;
}

std::vector<std::string> Program::expected_trace() const {
  std::vector<std::string> trace;
  for (const Json& entry : json_.Member("trace").items()) {
    trace.push_back(entry.string());
  }
  return trace;
}

absl::StatusOr<std::vector<Program>> LoadPrograms(const std::string& path) {
  std::ifstream file(path);
  if (!file) return absl::NotFoundError(absl::StrCat("cannot read ", path));
  std::vector<Program> programs;
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    if (line.find_first_not_of(" \r\t") == std::string::npos) continue;
    absl::StatusOr<Program> program = Program::Parse(line);
    if (!program.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat(path, ":", number, ": ", program.status().message()));
    }
    programs.push_back(*std::move(program));
  }
  return programs;
}

}  // namespace evkit::conformance
