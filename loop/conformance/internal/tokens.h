// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// How a trace spells results and failures.

#ifndef EVKIT_LOOP_CONFORMANCE_INTERNAL_TOKENS_H_
#define EVKIT_LOOP_CONFORMANCE_INTERNAL_TOKENS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "evkit/loop/conformance/internal/ref.h"

namespace evkit::conformance {

// The program's own error with that number.
absl::Status ProgramError(int number);
bool IsProgramError(const absl::Status& error);

// "error:E3", "cancelled", "timeout", "group[...]". What no program can bring
// about is "unexpected(...)".
std::string ErrorToken(const absl::Status& error);
// The same, or "ok".
std::string StatusToken(const absl::Status& status);
std::string BoolToken(bool value);

std::string ValueToken(int value);                       // "value:7"
std::string ValueToken(const std::vector<int>& values);  // "list[value:7]"
std::string ValueToken(const Outcomes& outcomes);

template <typename T>
std::string OutcomeToken(const absl::StatusOr<T>& outcome) {
  return outcome.ok() ? ValueToken(*outcome) : ErrorToken(outcome.status());
}

std::string StateToken(const Ref& ref);
std::string ResultToken(const Ref& ref);
// Of the stored error; "none" if there is a result.
std::string ExceptionToken(const Ref& ref);

}  // namespace evkit::conformance

#endif  // EVKIT_LOOP_CONFORMANCE_INTERNAL_TOKENS_H_
