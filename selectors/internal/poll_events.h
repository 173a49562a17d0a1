// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// poll(2)'s words for an `Interest`, and back. epoll uses the same bits.

#ifndef EVKIT_SELECTORS_INTERNAL_POLL_EVENTS_H_
#define EVKIT_SELECTORS_INTERNAL_POLL_EVENTS_H_

#include <poll.h>
#include <sys/epoll.h>

#include "evkit/selectors/selector.h"

namespace evkit::selectors_internal {

static_assert(EPOLLIN == POLLIN && EPOLLOUT == POLLOUT);

constexpr short ToPollEvents(Interest interest) {
  return static_cast<short>((Any(interest & Interest::kRead) ? POLLIN : 0) |
                            (Any(interest & Interest::kWrite) ? POLLOUT : 0));
}

// Errors and hang-ups, and all that is neither one nor the other, are both.
constexpr Interest FromPollEvents(unsigned events) {
  if ((events & ~unsigned{POLLIN | POLLOUT}) != 0) return Interest::kReadWrite;
  return ((events & unsigned{POLLIN}) != 0 ? Interest::kRead
                                           : Interest::kNone) |
         ((events & unsigned{POLLOUT}) != 0 ? Interest::kWrite
                                            : Interest::kNone);
}

}  // namespace evkit::selectors_internal

#endif  // EVKIT_SELECTORS_INTERNAL_POLL_EVENTS_H_
