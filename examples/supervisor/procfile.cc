// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "examples/supervisor/procfile.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace supervisor {

absl::StatusOr<std::vector<ServiceSpec>> ParseProcfile(absl::string_view text) {
  std::vector<ServiceSpec> services;
  int number = 0;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    ++number;
    line = absl::StripAsciiWhitespace(line);
    if (line.empty() || line[0] == '#') continue;
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(line, absl::MaxSplits(':', 1));
    ServiceSpec service;
    service.name = std::string(absl::StripAsciiWhitespace(parts.first));
    service.command = std::string(absl::StripAsciiWhitespace(parts.second));
    if (service.name.empty() || service.command.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat("line ", number, " is not \"name: command\""));
    }
    services.push_back(std::move(service));
  }
  if (services.empty()) return absl::InvalidArgumentError("no services");
  return services;
}

}  // namespace supervisor
