// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/testing/test_loop.h"

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/string_view.h"
#include "evkit/base/check.h"

namespace evkit {
namespace {

uint64_t SeedByEnvironment() {
  const char* const text = std::getenv("EVKIT_TEST_SEED");
  if (text == nullptr) return 1;
  uint64_t seed;
  EVKIT_CHECK(absl::SimpleAtoi(text, &seed),
              "EVKIT_TEST_SEED must be a decimal number");
  return seed;
}

// Like std::shuffle, whose result differs between standard libraries.
void Shuffle(std::vector<ReadyEvent>& events, std::mt19937_64& random) {
  for (size_t i = events.size(); i > 1; --i) {
    std::swap(events[i - 1], events[random() % i]);
  }
}

}  // namespace

TestLoopOptions::TestLoopOptions() : seed(SeedByEnvironment()) {}

TestLoop::TestLoop(TestLoopOptions options)
    : seed_(options.seed), start_(clock_.Now()), order_(options.seed) {
  auto selector = std::make_unique<FakeSelector>();
  selector_ = selector.get();
  selector->SetPollRealDescriptors(true);
  selector->SetSleepHook([this](absl::Duration timeout) { Sleep(timeout); });
  selector->SetEventOrder(
      [this](std::vector<ReadyEvent>& events) { Shuffle(events, order_); });
  auto children = std::make_unique<FakeChildWatcher>();
  children_ = children.get();

  EventLoopOptions loop_options;
  loop_options.selector = std::move(selector);
  loop_options.child_watcher = std::move(children);
  loop_options.clock = &clock_;
  loop_options.seed = seed_;
  loop_options.log = [this](absl::string_view text) {
    log_.emplace_back(text);
  };
  absl::StatusOr<std::unique_ptr<EventLoop>> loop =
      EventLoop::Create(std::move(loop_options));
  EVKIT_CHECK(loop.ok(), "the test's event loop could not be made");
  loop_ = *std::move(loop);
}

TestLoop::~TestLoop() = default;

absl::Status TestLoop::RunUntilIdle() { return Run(WhenIdle::kStop); }

absl::Status TestLoop::FastForwardBy(absl::Duration duration) {
  limit_ = clock_.Now() + duration;
  const absl::Status status = Run(WhenIdle::kJumpUntilLimit);
  if (!status.ok() || !became_idle_) return status;
  // What is due at the very end, and what that schedules.
  return RunUntilIdle();
}

absl::Status TestLoop::RunUntilNothingIsLeft() { return Run(WhenIdle::kJump); }

absl::Status TestLoop::Run(WhenIdle when_idle) {
  const WhenIdle before = std::exchange(when_idle_, when_idle);
  became_idle_ = false;
  const absl::Status status = loop_->RunForever();
  when_idle_ = before;
  return status;
}

void TestLoop::Sleep(absl::Duration timeout) {
  const MonotonicTime wakeup = clock_.Now() + timeout;
  if (when_idle_ == WhenIdle::kJump && timeout < absl::InfiniteDuration()) {
    clock_.SetTo(wakeup);
    return;
  }
  if (when_idle_ == WhenIdle::kJumpUntilLimit) {
    clock_.SetTo(std::min(wakeup, limit_));
    if (wakeup <= limit_) return;
  }
  became_idle_ = true;
  loop_->Stop();
}

}  // namespace evkit
