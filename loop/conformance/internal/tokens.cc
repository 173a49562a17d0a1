// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/conformance/internal/tokens.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "evkit/loop/coro/error_group.h"

namespace evkit::conformance {

absl::Status ProgramError(int number) {
  return absl::InternalError(absl::StrCat("E", number));
}

bool IsProgramError(const absl::Status& error) {
  const absl::string_view text = error.message();
  return error.code() == absl::StatusCode::kInternal && text.size() > 1 &&
         text[0] == 'E' &&
         std::all_of(text.begin() + 1, text.end(), absl::ascii_isdigit);
}

std::string ErrorToken(const absl::Status& error) {
  if (IsProgramError(error)) return absl::StrCat("error:", error.message());
  if (IsErrorGroup(error)) {
    return absl::StrCat(
        "group[",
        absl::StrJoin(ErrorGroupMembers(error), ",",
                      [](std::string* out, const absl::Status& member) {
                        out->append(ErrorToken(member));
                      }),
        "]");
  }
  switch (error.code()) {
    case absl::StatusCode::kCancelled:
      return "cancelled";
    case absl::StatusCode::kDeadlineExceeded:
      return "timeout";
    case absl::StatusCode::kFailedPrecondition:
      return "invalid-state";
    case absl::StatusCode::kInvalidArgument:
      return "invalid-argument";
    case absl::StatusCode::kUnavailable:
      return "queue-empty";
    case absl::StatusCode::kResourceExhausted:
      return "queue-full";
    case absl::StatusCode::kOutOfRange:
      return "queue-shutdown";
    case absl::StatusCode::kAborted:
      return "barrier-broken";
    default:
      return absl::StrCat("unexpected(", error.ToString(), ")");
  }
}

std::string StatusToken(const absl::Status& status) {
  return status.ok() ? "ok" : ErrorToken(status);
}

std::string BoolToken(bool value) { return value ? "true" : "false"; }

std::string ValueToken(int value) { return absl::StrCat("value:", value); }

std::string ValueToken(const std::vector<int>& values) {
  return absl::StrCat("list[",
                      absl::StrJoin(values, ",",
                                    [](std::string* out, int value) {
                                      out->append(ValueToken(value));
                                    }),
                      "]");
}

std::string ValueToken(const Outcomes& outcomes) {
  return absl::StrCat(
      "list[",
      absl::StrJoin(outcomes, ",",
                    [](std::string* out, const absl::StatusOr<int>& outcome) {
                      out->append(OutcomeToken(outcome));
                    }),
      "]");
}

std::string StateToken(const Ref& ref) {
  if (!ref.any().done()) return "pending";
  if (ref.any().cancelled()) return "cancelled";
  if (ref.any().Error().code() == absl::StatusCode::kCancelled) {
    return "failed-cancelled";
  }
  return ResultToken(ref);
}

std::string ResultToken(const Ref& ref) {
  return ref.Visit(
      [](const auto& future) { return OutcomeToken(future.Result()); });
}

std::string ExceptionToken(const Ref& ref) {
  const absl::Status error = ref.any().Error();
  return error.ok() ? "none" : ErrorToken(error);
}

}  // namespace evkit::conformance
