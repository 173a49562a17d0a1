// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// A real event loop in a made-up world: time, readiness, child exits and chance
// are the test's. A year of retries runs in milliseconds, and the same seed
// gives the same run.
//
//   TestLoop test;
//   test->CallLater(absl::Hours(1), [&] { done = true; });
//   test.FastForwardBy(absl::Minutes(59));
//   EXPECT_FALSE(done);
//   test.FastForwardBy(absl::Minutes(1));
//   EXPECT_TRUE(done);
//
// Code under test that calls `RunForever()` itself finds that time flies:
// whenever there is nothing to do, the clock jumps to the next timer, and when
// there is no timer either, the loop stops, for nothing could ever happen.

#ifndef EVKIT_LOOP_TESTING_TEST_LOOP_H_
#define EVKIT_LOOP_TESTING_TEST_LOOP_H_

#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "evkit/loop/event_loop.h"
#include "evkit/selectors/fake_selector.h"
#include "evkit/subprocess/fake_child_watcher.h"
#include "evkit/timers/clock.h"
#include "evkit/timers/fake_clock.h"

namespace evkit {

// How a test loop is made. Fill in a named object.
class TestLoopOptions {
 public:
  TestLoopOptions();

  // Decides what evkit's contract leaves open, which is the order of events of
  // different descriptors in one turn, and what `Random()` returns. By default
  // the number in the environment variable EVKIT_TEST_SEED, else 1: to look for
  // a hidden dependence run the test with many; to replay, with the one that
  // failed.
  uint64_t seed;
};

// Belongs to one thread. Closes its loop at the end.
class TestLoop {
 public:
  explicit TestLoop(TestLoopOptions options = TestLoopOptions());
  TestLoop(const TestLoop&) = delete;
  TestLoop& operator=(const TestLoop&) = delete;
  ~TestLoop();

  EventLoop& loop() { return *loop_; }
  EventLoop* operator->() { return loop_.get(); }

  // Says which descriptors are ready; see selectors/fake_selector.h. Real ones,
  // pipes and sockets, are looked at too, and never waited for; let invented
  // numbers be above theirs. Gone with the loop.
  FakeSelector& selector() { return *selector_; }
  // Says which children exit. Gone when the loop is closed.
  FakeChildWatcher& children() { return *children_; }
  // Moving it by hand is seen by the loop in its next turn.
  FakeClock& clock() { return clock_; }

  uint64_t seed() const { return seed_; }

  // Since the test loop was made.
  absl::Duration elapsed() { return clock_.Now() - start_; }

  // Runs what is ready, and what that makes ready, until only time could bring
  // more; time stands still. Returns what `RunForever()` returns; as there,
  // `Stop()` ends it early.
  absl::Status RunUntilIdle();

  // Lets `duration` pass, jumping from timer to timer, and runs what becomes
  // due, up to and including its end. Ends early if the loop is stopped.
  absl::Status FastForwardBy(absl::Duration duration);

  // Runs until nothing is left to wait for: no callback, no timer. Jumps as far
  // as it takes; a timer that always arms another makes it endless.
  absl::Status RunUntilNothingIsLeft();

  // What the loop reported instead of printing it: errors nobody handled, slow
  // callbacks. In order.
  const std::vector<std::string>& log() const { return log_; }

 private:
  enum class WhenIdle { kJump, kJumpUntilLimit, kStop };

  absl::Status Run(WhenIdle when_idle);
  void Sleep(absl::Duration timeout);

  const uint64_t seed_;
  FakeClock clock_;
  const MonotonicTime start_;
  std::mt19937_64 order_;
  std::vector<std::string> log_;
  WhenIdle when_idle_ = WhenIdle::kJump;
  MonotonicTime limit_;         // For kJumpUntilLimit.
  bool became_idle_ = false;    // The last run ended because nothing was left.
  FakeSelector* selector_;      // The loop's.
  FakeChildWatcher* children_;  // The loop's.
  std::unique_ptr<EventLoop> loop_;
};

}  // namespace evkit

#endif  // EVKIT_LOOP_TESTING_TEST_LOOP_H_
