// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Turns that do not look for ready descriptors, because the loop was told so.

#include <functional>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "evkit/base/wakeup_fd.h"
#include "evkit/loop/event_loop.h"
#include "evkit/selectors/default_selector.h"
#include "evkit/selectors/fake_selector.h"
#include "evkit/selectors/selector.h"
#include "evkit/timers/fake_clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using ::testing::ElementsAre;

constexpr int kInventedFd = 20'000;

class EventIntervalTest : public ::testing::Test {
 protected:
  EventIntervalTest() : loop_(*EventLoop::Create(Options(4))) {}

  EventLoopOptions Options(int event_interval) {
    auto selector = std::make_unique<FakeSelector>();
    selector_ = selector.get();
    EventLoopOptions options;
    options.selector = std::move(selector);
    options.clock = &clock_;
    options.event_interval = event_interval;
    return options;
  }

  // Runs so many turns, with a callback in each of them.
  void RunTurns(int turns) {
    std::function<void()> next = [&] {
      if (++turn_ == turns) return loop_->Stop();
      loop_->CallSoon(next);
    };
    loop_->CallSoon(next);
    ASSERT_TRUE(loop_->RunForever().ok());
  }

  FakeClock clock_;
  FakeSelector* selector_;  // The loop's.
  std::unique_ptr<EventLoop> loop_;
  int turn_ = 0;
};

// TURN-04
TEST_F(EventIntervalTest, ReadyDescriptorsAreLookedForInEveryNthTurnOnly) {
  std::vector<int> turns_with_events;
  ASSERT_TRUE(
      loop_->AddReader(kInventedFd, [&] { turns_with_events.push_back(turn_); })
          .ok());
  selector_->SetReady(kInventedFd, Interest::kRead);
  RunTurns(12);
  EXPECT_THAT(turns_with_events, ElementsAre(1, 5, 9));
  EXPECT_EQ(selector_->select_count(), 3);
}

TEST_F(EventIntervalTest, ALoopThatHasNothingToRunLooksInEachTurn) {
  int left = 10;
  ASSERT_TRUE(loop_
                  ->AddReader(kInventedFd,
                              [&] {
                                if (--left == 0) loop_->Stop();
                              })
                  .ok());
  selector_->SetReady(kInventedFd, Interest::kRead);
  ASSERT_TRUE(loop_->RunForever().ok());
  EXPECT_EQ(selector_->select_count(), 10);
}

TEST_F(EventIntervalTest, TimersAndPostsAreLookedForInEachTurn) {
  ASSERT_TRUE(loop_->AddReader(kInventedFd, [] {}).ok());
  int fired = 0;
  int posted = 0;
  std::function<void()> begin_in_turn_two = [&] {
    if (turn_ < 2) {
      loop_->CallSoon(begin_in_turn_two);
      return;
    }
    loop_->CallAt(clock_.Now(), [&] { fired = turn_; });
    std::thread([&] {
      ASSERT_TRUE(loop_->CallSoonThreadsafe([&] { posted = turn_; }).ok());
    }).join();
  };
  loop_->CallSoon(begin_in_turn_two);
  RunTurns(8);
  EXPECT_EQ(fired, 4);
  EXPECT_EQ(posted, 3);  // Before the callback that counts turn 4.
}

TEST(EventIntervalOverEpollTest, ACallbackThatGoesOnForEverStarvesNobody) {
  EventLoopOptions options;
  options.selector = *NewDefaultSelector();
  options.event_interval = 61;
  const auto loop = *EventLoop::Create(std::move(options));
  const WakeupFd readable = *WakeupFd::Create();
  int turns = 0;
  std::function<void()> for_ever = [&] {
    // Not before the first turn, which looks anyway.
    if (++turns == 2) {
      ASSERT_EQ(readable.Wake(), 0);
    }
    loop->CallSoon(for_ever);
  };
  loop->CallSoon(for_ever);
  ASSERT_TRUE(loop->AddReader(readable.fd(), [&] { loop->Stop(); }).ok());
  ASSERT_TRUE(loop->RunForever().ok());
  EXPECT_EQ(turns, 62);
}

using EventIntervalDeathTest = EventIntervalTest;

TEST_F(EventIntervalDeathTest, AnIntervalBelowOneIsABug) {
  EXPECT_DEATH((void)EventLoop::Create(Options(0)), "event interval");
}

}  // namespace
}  // namespace evkit
