// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// The suite that every loop must pass, for ours: over each real selector in
// real time, and in virtual time.

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "evkit/loop/descriptor_testing.h"
#include "evkit/loop/event_loop.h"
#include "evkit/loop/testing/loop_conformance.h"
#include "evkit/loop/testing/test_loop.h"
#include "evkit/selectors/selector.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

std::shared_ptr<AbstractEventLoop> LoopOn(std::unique_ptr<Selector> selector) {
  EventLoopOptions options;
  options.selector = std::move(selector);
  return *EventLoop::Create(std::move(options));
}

// Jumps to the next timer when idle, and waits for the real world when there is
// none.
std::shared_ptr<AbstractEventLoop> VirtualTimeLoop() {
  const auto test = std::make_shared<TestLoop>();
  test->selector().SetSleepHook([test = test.get()](absl::Duration timeout) {
    if (timeout < absl::InfiniteDuration()) {
      test->clock().AdvanceBy(timeout);
    } else {
      test->selector().WaitForRealDescriptors(timeout);
    }
  });
  return std::shared_ptr<AbstractEventLoop>(test, &test->loop());
}

std::vector<LoopFactory> Loops() {
  std::vector<LoopFactory> loops = {
      LoopFactory("VirtualTime", VirtualTimeLoop)};
  for (const SelectorKind& kind : AllSelectorKinds()) {
    loops.emplace_back(std::string(kind.name),
                       [kind] { return LoopOn(kind.make()); });
  }
  return loops;
}

INSTANTIATE_TEST_SUITE_P(EventLoop, LoopConformance,
                         ::testing::ValuesIn(Loops()), LoopFactoryName);

}  // namespace
}  // namespace evkit
