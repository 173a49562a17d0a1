// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// What awaiting gives: a value or the status that says why there is none.

#ifndef EVKIT_LOOP_CORO_OUTCOME_H_
#define EVKIT_LOOP_CORO_OUTCOME_H_

#include <type_traits>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace evkit {

namespace loop_internal {

template <typename T>
struct OutcomeOf {
  static_assert(std::is_same_v<T, std::decay_t<T>>,
                "a coroutine, future or task gives a value, not a reference");
  static_assert(!std::is_same_v<T, absl::Status>,
                "a coroutine, future or task carries its own status: say void");
  using Type = absl::StatusOr<T>;
};
template <>
struct OutcomeOf<void> {
  using Type = absl::Status;
};

}  // namespace loop_internal

// `absl::StatusOr<T>`, and `absl::Status` if T is void.
template <typename T>
using Outcome = typename loop_internal::OutcomeOf<T>::Type;

}  // namespace evkit

#endif  // EVKIT_LOOP_CORO_OUTCOME_H_
