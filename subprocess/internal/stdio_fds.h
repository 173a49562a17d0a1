// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// From what a child's descriptors are to be, to the moves that make them so.

#ifndef EVKIT_SUBPROCESS_INTERNAL_STDIO_FDS_H_
#define EVKIT_SUBPROCESS_INTERNAL_STDIO_FDS_H_

#include <vector>

#include "absl/status/status.h"
#include "evkit/base/unique_fd.h"
#include "evkit/subprocess/internal/child_plan.h"
#include "evkit/subprocess/spawn.h"

namespace evkit::subprocess_internal {

// The child's ends of pipes, and /dev/null: open until the child runs.
class StdioFds {
 public:
  StdioFds() = default;
  StdioFds(const StdioFds&) = delete;
  StdioFds& operator=(const StdioFds&) = delete;

  // Opens what `options` asks for, puts the parent's ends into `child`, and
  // appends to `moves`. Everything opened is 3 or more and close-on-exec.
  absl::Status Open(const SpawnOptions& options, Child& child,
                    std::vector<FdMove>& moves);

 private:
  absl::Status OpenOne(Stdio stdio, int target, UniqueFd& parent_end,
                       std::vector<FdMove>& moves);

  UniqueFd child_ends_[3];
  UniqueFd null_;
};

}  // namespace evkit::subprocess_internal

#endif  // EVKIT_SUBPROCESS_INTERNAL_STDIO_FDS_H_
