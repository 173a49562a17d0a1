// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/selectors/default_selector.h"
#include "evkit/selectors/internal/portable_selector.h"

namespace evkit {

absl::StatusOr<std::unique_ptr<Selector>> NewDefaultSelector() {
  return selectors_internal::NewPortableSelector();
}

}  // namespace evkit
