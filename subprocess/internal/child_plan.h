// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// What a new child does before it is the program: everything decided and
// allocated beforehand by the parent, whose memory the child runs in.

#ifndef EVKIT_SUBPROCESS_INTERNAL_CHILD_PLAN_H_
#define EVKIT_SUBPROCESS_INTERNAL_CHILD_PLAN_H_

#include <sys/resource.h>
#include <sys/types.h>

#include <vector>

namespace evkit::subprocess_internal {

// The child's descriptor `target` is to be a copy of the parent's `source`.
struct FdMove {
  int target;
  int source;
};

struct Limit {
  int resource;
  rlimit64 values;
};

// Pointers are borrowed from the caller of Spawn(). The vectors are not resized
// by the child.
struct ChildPlan {
  std::vector<const char*> candidates;  // Paths to try, in order.
  std::vector<char*> argv;              // Ends with a null pointer.
  char* const* environment = nullptr;
  const char* working_directory = nullptr;
  std::vector<FdMove> moves;
  bool start_new_session = false;
  const pid_t* process_group = nullptr;
  const mode_t* umask = nullptr;
  const uid_t* user = nullptr;
  const gid_t* group = nullptr;
  const std::vector<gid_t>* extra_groups = nullptr;
  int parent_death_signal = 0;
  pid_t parent = 0;
  std::vector<Limit> limits;

  // What the child could not do, in memory that the parent reads when it runs
  // again: the failed call, a descriptor that it was about (or -1), its errno.
  const char* failed_call = nullptr;
  int failed_fd = -1;
  int error = 0;
};

// Carries out `plan`, a ChildPlan: runs the program, or writes down why not and
// returns 127. For clone(2). Allocates nothing and takes no lock.
int RunChild(void* plan);

}  // namespace evkit::subprocess_internal

#endif  // EVKIT_SUBPROCESS_INTERNAL_CHILD_PLAN_H_
