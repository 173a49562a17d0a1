// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Real descriptors for the tests of selectors.

#ifndef EVKIT_SELECTORS_INTERNAL_TEST_DESCRIPTORS_H_
#define EVKIT_SELECTORS_INTERNAL_TEST_DESCRIPTORS_H_

#include <cstddef>

#include "absl/time/time.h"
#include "evkit/base/unique_fd.h"

namespace evkit::selectors_internal {

// A non-blocking pipe.
struct Pipe {
  Pipe();

  UniqueFd reader;
  UniqueFd writer;
};

// Two connected non-blocking stream sockets.
struct SocketPair {
  SocketPair();

  UniqueFd ours;
  UniqueFd peer;
};

// Another descriptor of the file of `fd`: the lowest free one from `minimum`.
// Negative if the process may not have such a one.
UniqueFd Duplicate(int fd, int minimum = 0);

// Closes `number`, and makes it a duplicate of `fd`.
void ReopenAs(UniqueFd& number, int fd);

// Writes one byte, or as many as go in; reads all there are.
void WriteByte(int fd);
void Fill(int fd);
void Drain(int fd);

// A timerfd that becomes readable after `delay`.
UniqueFd ReadableAfter(absl::Duration delay);

// CLOCK_MONOTONIC since the start of the machine.
absl::Duration MonotonicNow();

// How many descriptors the process has open.
size_t OpenDescriptorCount();

// Raises the limit on descriptors as far as it goes; returns it.
size_t RaiseDescriptorLimit();

}  // namespace evkit::selectors_internal

#endif  // EVKIT_SELECTORS_INTERNAL_TEST_DESCRIPTORS_H_
