// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Every selector of this package passes the suite.

#include "evkit/selectors/selector_conformance.h"

#include <cerrno>
#include <memory>
#include <vector>

#include "evkit/base/fault_injection.h"
#include "evkit/selectors/default_selector.h"
#include "evkit/selectors/fake_selector.h"
#include "evkit/selectors/internal/kernel_selectors.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

std::vector<SelectorConformance> Conformances(
    const std::vector<selectors_internal::KernelSelector>& kernels) {
  std::vector<SelectorConformance> all;
  for (const auto& kernel : kernels) {
    SelectorConformance& added = all.emplace_back(kernel.name, kernel.create);
    added.takes_regular_files = kernel.takes_regular_files;
    added.max_fd = kernel.max_fd;
  }
  return all;
}

INSTANTIATE_TEST_SUITE_P(
    Kernel, SelectorConformanceTest,
    ::testing::ValuesIn(Conformances(selectors_internal::KernelSelectors())),
    SelectorConformanceName);

INSTANTIATE_TEST_SUITE_P(
    Uring, SelectorConformanceTest,
    ::testing::ValuesIn(Conformances(selectors_internal::UringSelectors())),
    SelectorConformanceName);

INSTANTIATE_TEST_SUITE_P(Default, SelectorConformanceTest,
                         ::testing::Values(SelectorConformance(
                             "Default", [] { return NewDefaultSelector(); })),
                         SelectorConformanceName);

// Linux before 5.11: found out by the first wait that needs it.
absl::StatusOr<std::unique_ptr<Selector>> NewEpollWithoutPwait2() {
  FaultInjection faults;
  faults.Fail("epoll_pwait2", ENOSYS);
  absl::StatusOr<std::unique_ptr<EpollSelector>> selector =
      EpollSelector::Create();
  std::vector<ReadyEvent> events;
  EXPECT_TRUE((*selector)->Select(absl::Nanoseconds(1), events).ok());
  return selector;
}

INSTANTIATE_TEST_SUITE_P(
    OldKernel, SelectorConformanceTest,
    ::testing::Values(SelectorConformance("Epoll", NewEpollWithoutPwait2)),
    SelectorConformanceName);

// With a hook that really waits, the fake is a selector like others.
absl::StatusOr<std::unique_ptr<Selector>> NewFakeThatWaits() {
  auto selector = std::make_unique<FakeSelector>();
  FakeSelector* const fake = selector.get();
  fake->SetPollRealDescriptors(true);
  fake->SetSleepHook([fake](absl::Duration timeout) {
    fake->WaitForRealDescriptors(timeout);
  });
  return selector;
}

SelectorConformance Fake() {
  SelectorConformance fake("Fake", NewFakeThatWaits);
  fake.refuses_closed_descriptors = false;
  fake.takes_regular_files = true;
  return fake;
}

INSTANTIATE_TEST_SUITE_P(Fake, SelectorConformanceTest,
                         ::testing::Values(Fake()), SelectorConformanceName);

}  // namespace
}  // namespace evkit
