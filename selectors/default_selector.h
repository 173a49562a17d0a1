// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// The best selector of the platform.

#ifndef EVKIT_SELECTORS_DEFAULT_SELECTOR_H_
#define EVKIT_SELECTORS_DEFAULT_SELECTOR_H_

#include <memory>

#include "absl/status/statusor.h"
#include "evkit/selectors/selector.h"

namespace evkit {

// epoll where it was built in (Linux); without that poll, and without that
// select. Falls back only when the kernel does not have the call (ENOSYS): any
// other failure of the better one, such as running out of descriptors, is
// returned. Thread-safe.
absl::StatusOr<std::unique_ptr<Selector>> NewDefaultSelector();

}  // namespace evkit

#endif  // EVKIT_SELECTORS_DEFAULT_SELECTOR_H_
