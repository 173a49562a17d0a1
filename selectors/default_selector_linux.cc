// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include <cerrno>

#include "evkit/base/errno_status.h"
#include "evkit/selectors/default_selector.h"
#include "evkit/selectors/epoll_selector.h"
#include "evkit/selectors/internal/portable_selector.h"

namespace evkit {

absl::StatusOr<std::unique_ptr<Selector>> NewDefaultSelector() {
  absl::StatusOr<std::unique_ptr<EpollSelector>> epoll =
      EpollSelector::Create();
  if (!epoll.ok() && ErrnoFromStatus(epoll.status()) == ENOSYS) {
    return selectors_internal::NewPortableSelector();
  }
  return epoll;
}

}  // namespace evkit
