// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/selectors/fake_selector.h"

#include <algorithm>
#include <vector>

#include "evkit/base/fault_injection.h"
#include "evkit/selectors/internal/test_descriptors.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using selectors_internal::Pipe;
using selectors_internal::ReadableAfter;
using selectors_internal::WriteByte;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class FakeSelectorTest : public ::testing::Test {
 protected:
  std::vector<ReadyEvent> Ready(absl::Duration timeout = absl::ZeroDuration()) {
    std::vector<ReadyEvent> events;
    const absl::Status status = selector_.Select(timeout, events);
    EXPECT_TRUE(status.ok()) << status;
    return events;
  }

  FakeSelector selector_;
};

TEST_F(FakeSelectorTest, ReportsWhatTheTestSays) {
  ASSERT_TRUE(selector_.Register(7, Interest::kRead, 1).ok());
  EXPECT_THAT(Ready(), IsEmpty());
  selector_.SetReady(7, Interest::kReadWrite);
  EXPECT_THAT(Ready(), ElementsAre(ReadyEvent(7, Interest::kRead, 1)));
  EXPECT_THAT(Ready(), ElementsAre(ReadyEvent(7, Interest::kRead, 1)));
  selector_.SetReady(7, Interest::kWrite);
  EXPECT_THAT(Ready(), IsEmpty());
  ASSERT_TRUE(selector_.Modify(7, Interest::kReadWrite, 2).ok());
  EXPECT_THAT(Ready(), ElementsAre(ReadyEvent(7, Interest::kWrite, 2)));
  selector_.ClearReady(7);
  EXPECT_THAT(Ready(), IsEmpty());
}

TEST_F(FakeSelectorTest, ReadinessBelongsToTheNumber) {
  selector_.SetReady(7, Interest::kRead);
  ASSERT_TRUE(selector_.Register(7, Interest::kRead, 1).ok());
  EXPECT_THAT(Ready(), ElementsAre(ReadyEvent(7, Interest::kRead, 1)));
  ASSERT_TRUE(selector_.Unregister(7).ok());
  EXPECT_THAT(Ready(), IsEmpty());
  ASSERT_TRUE(selector_.Register(7, Interest::kRead, 2).ok());
  EXPECT_THAT(Ready(), ElementsAre(ReadyEvent(7, Interest::kRead, 2)));
}

TEST_F(FakeSelectorTest, SleepsInTheHookAndLooksAgain) {
  ASSERT_TRUE(selector_.Register(7, Interest::kRead, 1).ok());
  std::vector<absl::Duration> sleeps;
  selector_.SetSleepHook([&](absl::Duration timeout) {
    sleeps.push_back(timeout);
    if (timeout == absl::InfiniteDuration()) {
      selector_.SetReady(7, Interest::kRead);
    }
  });
  EXPECT_THAT(Ready(absl::Hours(1)), IsEmpty());
  EXPECT_THAT(Ready(absl::InfiniteDuration()),
              ElementsAre(ReadyEvent(7, Interest::kRead, 1)));
  EXPECT_THAT(sleeps, ElementsAre(absl::Hours(1), absl::InfiniteDuration()));
}

TEST_F(FakeSelectorTest, DoesNotSleepIfSomethingIsReadyOrThereIsNoTime) {
  int sleeps = 0;
  selector_.SetSleepHook([&](absl::Duration) { ++sleeps; });
  Ready(absl::ZeroDuration());
  Ready(-absl::Hours(1));
  ASSERT_TRUE(selector_.Register(7, Interest::kRead, 1).ok());
  selector_.SetReady(7, Interest::kRead);
  Ready(absl::Hours(1));
  EXPECT_EQ(sleeps, 0);
}

TEST_F(FakeSelectorTest, WithoutAHookAFiniteWaitIsOverAtOnce) {
  EXPECT_THAT(Ready(absl::Hours(24 * 365)), IsEmpty());
}

TEST_F(FakeSelectorTest, HookMayChangeRegistrations) {
  ASSERT_TRUE(selector_.Register(7, Interest::kRead, 1).ok());
  selector_.SetReady(8, Interest::kWrite);
  selector_.SetSleepHook([&](absl::Duration) {
    EXPECT_TRUE(selector_.Unregister(7).ok());
    EXPECT_TRUE(selector_.Register(8, Interest::kWrite, 2).ok());
  });
  EXPECT_THAT(Ready(absl::Seconds(1)),
              ElementsAre(ReadyEvent(8, Interest::kWrite, 2)));
}

TEST_F(FakeSelectorTest, HookMayCloseTheSelector) {
  selector_.SetSleepHook([&](absl::Duration) { selector_.Close(); });
  std::vector<ReadyEvent> events;
  EXPECT_EQ(selector_.Select(absl::Seconds(1), events).code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST_F(FakeSelectorTest, EventsComeByDescriptorOrAsTheTestOrders) {
  for (const int fd : {9, 3, 1'000'000}) {
    ASSERT_TRUE(selector_.Register(fd, Interest::kRead, 1).ok());
    selector_.SetReady(fd, Interest::kRead);
  }
  const auto fds = [this] {
    std::vector<int> result;
    for (const ReadyEvent& event : Ready()) result.push_back(event.fd);
    return result;
  };
  EXPECT_THAT(fds(), ElementsAre(3, 9, 1'000'000));
  selector_.SetEventOrder([](std::vector<ReadyEvent>& events) {
    std::reverse(events.begin(), events.end());
  });
  EXPECT_THAT(fds(), ElementsAre(1'000'000, 9, 3));
}

TEST_F(FakeSelectorTest, CountsWhatItIsAsked) {
  ASSERT_TRUE(selector_.Register(7, Interest::kRead, 1).ok());
  EXPECT_FALSE(selector_.Register(7, Interest::kRead, 1).ok());
  ASSERT_TRUE(selector_.Modify(7, Interest::kRead, 2).ok());
  ASSERT_TRUE(selector_.Unregister(7).ok());
  Ready();
  Ready(absl::Seconds(3));
  EXPECT_EQ(selector_.register_count(), 2);
  EXPECT_EQ(selector_.modify_count(), 1);
  EXPECT_EQ(selector_.unregister_count(), 1);
  EXPECT_EQ(selector_.select_count(), 2);
  EXPECT_EQ(selector_.last_timeout(), absl::Seconds(3));
}

TEST_F(FakeSelectorTest, MakesNoSystemCallUnlessToldTo) {
  FaultInjection faults;
  selector_.SetReady(7, Interest::kRead);
  ASSERT_TRUE(selector_.Register(7, Interest::kRead, 1).ok());
  Ready(absl::Seconds(3));
  EXPECT_THAT(faults.Sites(), IsEmpty());
}

TEST_F(FakeSelectorTest, RealDescriptorsAreSeenIfWanted) {
  Pipe pipe;
  WriteByte(pipe.writer.get());
  const int fd = pipe.reader.get();
  ASSERT_TRUE(selector_.Register(fd, Interest::kRead, 1).ok());
  EXPECT_THAT(Ready(), IsEmpty());
  selector_.SetPollRealDescriptors(true);
  EXPECT_THAT(Ready(), ElementsAre(ReadyEvent(fd, Interest::kRead, 1)));
}

TEST_F(FakeSelectorTest, InventedAndRealDescriptorsMix) {
  Pipe pipe;
  selector_.SetPollRealDescriptors(true);
  const int fd = pipe.writer.get();
  ASSERT_TRUE(selector_.Register(fd, Interest::kWrite, 1).ok());
  ASSERT_TRUE(selector_.Register(1'000'000, Interest::kRead, 2).ok());
  ASSERT_TRUE(selector_.Register(1'000'001, Interest::kRead, 3).ok());
  EXPECT_THAT(Ready(), ElementsAre(ReadyEvent(fd, Interest::kWrite, 1)));
  selector_.SetReady(1'000'001, Interest::kRead);
  EXPECT_THAT(Ready(), ElementsAre(ReadyEvent(fd, Interest::kWrite, 1),
                                   ReadyEvent(1'000'001, Interest::kRead, 3)));
}

TEST_F(FakeSelectorTest, CanWaitForTheWorld) {
  selector_.SetPollRealDescriptors(true);
  const UniqueFd timer = ReadableAfter(absl::Milliseconds(2));
  ASSERT_TRUE(selector_.Register(timer.get(), Interest::kRead, 1).ok());
  ASSERT_TRUE(selector_.Register(1'000'000, Interest::kRead, 2).ok());
  EXPECT_FALSE(selector_.WaitForRealDescriptors(absl::ZeroDuration()));
  EXPECT_TRUE(selector_.WaitForRealDescriptors(absl::InfiniteDuration()));
  EXPECT_THAT(Ready(),
              ElementsAre(ReadyEvent(timer.get(), Interest::kRead, 1)));
}

using FakeSelectorDeathTest = FakeSelectorTest;

TEST_F(FakeSelectorDeathTest, WaitThatCouldNeverEndIsABugInTheTest) {
  EXPECT_DEATH(Ready(absl::InfiniteDuration()), "nothing is ready");
}

TEST_F(FakeSelectorDeathTest, HookMustNotSelect) {
  selector_.SetSleepHook([&](absl::Duration) { Ready(); });
  EXPECT_DEATH(Ready(absl::Seconds(1)), "the sleep hook called Select");
}

}  // namespace
}  // namespace evkit
