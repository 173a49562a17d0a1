// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Which services there are: lines "name: command", as Foreman and Heroku have
// them. Empty lines and those that begin with # are ignored.

#ifndef EVKIT_EXAMPLES_SUPERVISOR_PROCFILE_H_
#define EVKIT_EXAMPLES_SUPERVISOR_PROCFILE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace supervisor {

class ServiceSpec {
 public:
  ServiceSpec() {}

  std::string name;
  std::string command;
};

// kInvalidArgument names the first line that is not so, or says that there is
// none at all.
absl::StatusOr<std::vector<ServiceSpec>> ParseProcfile(absl::string_view text);

}  // namespace supervisor

#endif  // EVKIT_EXAMPLES_SUPERVISOR_PROCFILE_H_
