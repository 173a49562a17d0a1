// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Selecting allocates nothing once the buffers have grown, and a second
// registration of a number nothing either.

#include <cstdlib>
#include <new>
#include <vector>

#include "evkit/selectors/internal/kernel_selectors.h"
#include "evkit/selectors/internal/test_descriptors.h"
#include "gtest/gtest.h"

namespace {
size_t allocations = 0;
}  // namespace

void* operator new(size_t size) {
  ++allocations;
  void* const memory = std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) std::abort();
  return memory;
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }

namespace evkit {
namespace {

using selectors_internal::Pipe;

class SelectorAllocationTest
    : public ::testing::TestWithParam<selectors_internal::KernelSelector> {};

INSTANTIATE_TEST_SUITE_P(
    Kernel, SelectorAllocationTest,
    ::testing::ValuesIn(selectors_internal::KernelSelectors()),
    selectors_internal::NameOf<
        ::testing::TestParamInfo<selectors_internal::KernelSelector>>);

INSTANTIATE_TEST_SUITE_P(
    Uring, SelectorAllocationTest,
    ::testing::ValuesIn(selectors_internal::UringSelectors()),
    selectors_internal::NameOf<
        ::testing::TestParamInfo<selectors_internal::KernelSelector>>);

TEST_P(SelectorAllocationTest, NoneInTheSteadyState) {
  auto selector = *GetParam().create();
  std::vector<Pipe> pipes(200);
  for (const Pipe& pipe : pipes) {
    ASSERT_TRUE(
        selector->Register(pipe.writer.get(), Interest::kWrite, 1).ok());
  }
  std::vector<ReadyEvent> events;
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(selector->Select(absl::ZeroDuration(), events).ok());
  }
  const int fd = pipes[0].writer.get();
  const size_t before = allocations;
  for (int i = 0; i < 10; ++i) {
    const bool selected = selector->Select(absl::Hours(1), events).ok();
    const bool modified = selector->Modify(fd, Interest::kReadWrite, 2).ok();
    const bool unregistered = selector->Unregister(fd).ok();
    const bool registered = selector->Register(fd, Interest::kWrite, 1).ok();
    ASSERT_TRUE(selected && modified && unregistered && registered);
  }
  EXPECT_EQ(allocations, before);
  EXPECT_EQ(events.size(), 200u);
}

}  // namespace
}  // namespace evkit
