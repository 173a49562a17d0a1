// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/dns/gai_status.h"

#include <netdb.h>

#include <string>

#include "absl/status/status.h"
#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "evkit/base/check.h"
#include "evkit/base/errno_status.h"

namespace evkit {
namespace {

constexpr char kGaiPayload[] = "evkit/gai_error";

class Meaning {
 public:
  constexpr Meaning(int code_in, const char* name_in,
                    absl::StatusCode status_in)
      : code(code_in), name(name_in), status(status_in) {}

  int code;
  const char* name;
  absl::StatusCode status;
};

constexpr Meaning kMeanings[] = {
    {EAI_ADDRFAMILY, "EAI_ADDRFAMILY", absl::StatusCode::kNotFound},
    {EAI_AGAIN, "EAI_AGAIN", absl::StatusCode::kUnavailable},
    {EAI_BADFLAGS, "EAI_BADFLAGS", absl::StatusCode::kInvalidArgument},
    {EAI_FAIL, "EAI_FAIL", absl::StatusCode::kInternal},
    {EAI_FAMILY, "EAI_FAMILY", absl::StatusCode::kInvalidArgument},
    {EAI_MEMORY, "EAI_MEMORY", absl::StatusCode::kResourceExhausted},
    {EAI_NODATA, "EAI_NODATA", absl::StatusCode::kNotFound},
    {EAI_NONAME, "EAI_NONAME", absl::StatusCode::kNotFound},
    {EAI_OVERFLOW, "EAI_OVERFLOW", absl::StatusCode::kOutOfRange},
    {EAI_SERVICE, "EAI_SERVICE", absl::StatusCode::kNotFound},
    {EAI_SOCKTYPE, "EAI_SOCKTYPE", absl::StatusCode::kInvalidArgument},
};

absl::Status Describe(int code, int error, absl::string_view what) {
  if (code == EAI_SYSTEM && error != 0) return StatusFromErrno(error, what);
  for (const Meaning& meaning : kMeanings) {
    if (meaning.code != code) continue;
    return absl::Status(
        meaning.status,
        absl::StrCat(what, ": ", gai_strerror(code), " (", meaning.name, ")"));
  }
  return absl::UnknownError(
      absl::StrCat(what, ": ", gai_strerror(code), " (", code, ")"));
}

}  // namespace

absl::Status StatusFromGaiError(int code, int error, absl::string_view what) {
  EVKIT_CHECK(code != 0, "StatusFromGaiError was called without an error");
  absl::Status status = Describe(code, error, what);
  status.SetPayload(kGaiPayload, absl::Cord(absl::StrCat(code)));
  return status;
}

int GaiErrorFromStatus(const absl::Status& status) {
  const absl::optional<absl::Cord> payload = status.GetPayload(kGaiPayload);
  int code = 0;
  if (payload.has_value() && !absl::SimpleAtoi(std::string(*payload), &code)) {
    return 0;
  }
  return code;
}

}  // namespace evkit
