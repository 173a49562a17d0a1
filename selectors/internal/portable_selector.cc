// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/selectors/internal/portable_selector.h"

#include <cerrno>

#include "evkit/base/errno_status.h"
#include "evkit/selectors/poll_selector.h"
#include "evkit/selectors/select_selector.h"

namespace evkit::selectors_internal {

absl::StatusOr<std::unique_ptr<Selector>> NewPortableSelector() {
  absl::StatusOr<std::unique_ptr<PollSelector>> poll = PollSelector::Create();
  if (!poll.ok() && ErrnoFromStatus(poll.status()) == ENOSYS) {
    return SelectSelector::Create();
  }
  return poll;
}

}  // namespace evkit::selectors_internal
