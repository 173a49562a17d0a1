// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// The stack that a child runs on between clone(CLONE_VM) and exec.

#ifndef EVKIT_SUBPROCESS_INTERNAL_CHILD_STACK_H_
#define EVKIT_SUBPROCESS_INTERNAL_CHILD_STACK_H_

#include <cstddef>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace evkit::subprocess_internal {

// A mapping with a guard page below it.
class ChildStack {
 public:
  // The calling thread's own, made at first use and kept until the thread ends:
  // a child needs it only while the thread that made the child is suspended.
  // Aligned for any architecture; grows down from here.
  static absl::StatusOr<void*> TopForThisThread();

  ChildStack() = default;
  ChildStack(const ChildStack&) = delete;
  ChildStack& operator=(const ChildStack&) = delete;
  ~ChildStack();

 private:
  absl::Status Map();

  char* base_ = nullptr;
  size_t size_ = 0;
};

}  // namespace evkit::subprocess_internal

#endif  // EVKIT_SUBPROCESS_INTERNAL_CHILD_STACK_H_
