// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// The selectors over the kernel, for tests that run on each.

#ifndef EVKIT_SELECTORS_INTERNAL_KERNEL_SELECTORS_H_
#define EVKIT_SELECTORS_INTERNAL_KERNEL_SELECTORS_H_

#include <sys/select.h>

#include <climits>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "evkit/selectors/epoll_selector.h"
#include "evkit/selectors/poll_selector.h"
#include "evkit/selectors/select_selector.h"
#include "evkit/selectors/selector.h"
#include "evkit/selectors/uring_selector.h"

namespace evkit::selectors_internal {

struct KernelSelector {
  using Factory = std::function<absl::StatusOr<std::unique_ptr<Selector>>()>;

  KernelSelector(std::string its_name, Factory its_factory)
      : name(std::move(its_name)), create(std::move(its_factory)) {}

  std::string name;
  Factory create;
  bool takes_regular_files = false;
  int max_fd = INT_MAX;
};

// Without io_uring.
inline std::vector<KernelSelector> KernelSelectors() {
  KernelSelector epoll("Epoll", [] { return EpollSelector::Create(); });
  KernelSelector poll("Poll", [] { return PollSelector::Create(); });
  poll.takes_regular_files = true;
  KernelSelector select("Select", [] { return SelectSelector::Create(); });
  select.takes_regular_files = true;
  select.max_fd = FD_SETSIZE - 1;
  return {epoll, poll, select};
}

// The one over io_uring where it is to be had: uring_selector_test says so if
// it is not. In a suite of its own, because some time after a ring was closed
// the kernel interrupts the thread, and others count their waits.
inline std::vector<KernelSelector> UringSelectors() {
  if (!UringSelector::Create().ok()) return {};
  KernelSelector uring("Uring", [] { return UringSelector::Create(); });
  uring.takes_regular_files = true;
  return {uring};
}

// For INSTANTIATE_TEST_SUITE_P.
inline void PrintTo(const KernelSelector& kernel, std::ostream* out) {
  *out << kernel.name;
}
template <typename ParamInfo>
std::string NameOf(const ParamInfo& info) {
  return info.param.name;
}

}  // namespace evkit::selectors_internal

#endif  // EVKIT_SELECTORS_INTERNAL_KERNEL_SELECTORS_H_
