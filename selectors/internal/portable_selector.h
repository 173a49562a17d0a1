// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// The best selector that any Unix has.

#ifndef EVKIT_SELECTORS_INTERNAL_PORTABLE_SELECTOR_H_
#define EVKIT_SELECTORS_INTERNAL_PORTABLE_SELECTOR_H_

#include <memory>

#include "absl/status/statusor.h"
#include "evkit/selectors/selector.h"

namespace evkit::selectors_internal {

// poll; select if there is no poll (ENOSYS).
absl::StatusOr<std::unique_ptr<Selector>> NewPortableSelector();

}  // namespace evkit::selectors_internal

#endif  // EVKIT_SELECTORS_INTERNAL_PORTABLE_SELECTOR_H_
