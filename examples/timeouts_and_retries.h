// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Trying until it works: each attempt with a time limit, exponential backoff
// with jitter between them. It takes time and chance from the loop that it runs
// on, so a test lives through a year of it in an instant
// (timeouts_and_retries_test.cc), and `main()` runs the same code on a real
// loop.

#ifndef EVKIT_EXAMPLES_TIMEOUTS_AND_RETRIES_H_
#define EVKIT_EXAMPLES_TIMEOUTS_AND_RETRIES_H_

#include <algorithm>
#include <cstdint>
#include <type_traits>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "evkit/loop/abstract_event_loop.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/loop/coro/or_return.h"
#include "evkit/loop/coro/sleep.h"
#include "evkit/loop/coro/wait_for.h"

namespace evkit {

class RetryOptions {
 public:
  RetryOptions() {}

  absl::Duration attempt_timeout = absl::Seconds(10);
  absl::Duration first_delay = absl::Milliseconds(100);
  absl::Duration max_delay = absl::Minutes(1);
};

// Anything from nothing to `delay`, so that those who failed together do not
// come back together.
inline absl::Duration WithJitter(AbstractEventLoop& loop,
                                 absl::Duration delay) {
  constexpr double kTwoTo53 = 9007199254740992.0;
  return delay * (static_cast<double>(loop.Random() >> 11) / kTwoTo53);
}

inline bool IsWorthRetrying(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status);
}

// Calls `attempt`, which returns a Coro<T>, until it succeeds or fails for
// good. It is for the caller to say how long that may take: see
// `WithDeadline()`.
template <typename Attempt>
std::invoke_result_t<Attempt&> Retry(AbstractEventLoop& loop, Attempt attempt,
                                     RetryOptions options) {
  absl::Duration delay = options.first_delay;
  for (;;) {
    auto result = co_await WaitFor(attempt(), options.attempt_timeout);
    if (result.ok() || !IsWorthRetrying(result.status())) co_return result;
    co_await OrReturn(Sleep(WithJitter(loop, delay)));
    delay = std::min(2 * delay, options.max_delay);
  }
}

}  // namespace evkit

#endif  // EVKIT_EXAMPLES_TIMEOUTS_AND_RETRIES_H_
