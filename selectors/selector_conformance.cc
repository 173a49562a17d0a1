// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/selectors/selector_conformance.h"

#include <signal.h>
#include <sys/time.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>

#include "evkit/base/errno_status.h"
#include "evkit/selectors/internal/test_descriptors.h"
#include "gmock/gmock.h"

namespace evkit {

using selectors_internal::Drain;
using selectors_internal::Duplicate;
using selectors_internal::Fill;
using selectors_internal::MonotonicNow;
using selectors_internal::OpenDescriptorCount;
using selectors_internal::Pipe;
using selectors_internal::ReadableAfter;
using selectors_internal::ReopenAs;
using selectors_internal::SocketPair;
using selectors_internal::WriteByte;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

SelectorConformanceTest::SelectorConformanceTest()
    : selector_(*GetParam().create()) {}

std::vector<ReadyEvent> SelectorConformanceTest::Ready(absl::Duration timeout) {
  std::vector<ReadyEvent> events;
  const absl::Status status = selector_->Select(timeout, events);
  EXPECT_TRUE(status.ok()) << status;
  std::sort(
      events.begin(), events.end(),
      [](const ReadyEvent& a, const ReadyEvent& b) { return a.fd < b.fd; });
  return events;
}

void SelectorConformanceTest::ExpectQuiet(absl::Duration timeout) {
  const absl::Duration start = MonotonicNow();
  EXPECT_THAT(Ready(timeout), IsEmpty());
  EXPECT_GE(MonotonicNow() - start, timeout);
}

namespace {

// SEL-01
TEST_P(SelectorConformanceTest, RegisteredDescriptorHasAKey) {
  Pipe pipe;
  const int fd = pipe.reader.get();
  ASSERT_TRUE(selector_->Register(fd, Interest::kRead, 42).ok());
  EXPECT_EQ(*selector_->GetKey(fd), SelectorKey(fd, Interest::kRead, 42));
  EXPECT_THAT(selector_->GetKeys(),
              ElementsAre(SelectorKey(fd, Interest::kRead, 42)));
  EXPECT_EQ(selector_->size(), 1u);
}

// SEL-01
TEST_P(SelectorConformanceTest, InterestMayBeAnythingButEmpty) {
  SocketPair sockets;
  const int fd = sockets.ours.get();
  EXPECT_EQ(selector_->Register(fd, Interest::kNone, 1).code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(selector_->size(), 0u);
  for (const Interest interest :
       {Interest::kRead, Interest::kWrite, Interest::kReadWrite}) {
    ASSERT_TRUE(selector_->Register(fd, interest, 1).ok());
    EXPECT_EQ(selector_->Unregister(fd)->interest, interest);
  }
}

// SEL-01
TEST_P(SelectorConformanceTest, TokenMayBeAnyNumber) {
  Pipe pipe;
  for (const uint64_t token : {uint64_t{0}, UINT64_MAX, uint64_t{1} << 63}) {
    const int fd = pipe.writer.get();
    ASSERT_TRUE(selector_->Register(fd, Interest::kWrite, token).ok());
    EXPECT_THAT(Ready(), ElementsAre(ReadyEvent(fd, Interest::kWrite, token)));
    ASSERT_TRUE(selector_->Unregister(fd).ok());
  }
}

// SEL-02
TEST_P(SelectorConformanceTest, NegativeDescriptorIsRefused) {
  for (const int fd : {-1, -7, INT_MIN}) {
    EXPECT_EQ(selector_->Register(fd, Interest::kRead, 1).code(),
              absl::StatusCode::kInvalidArgument);
  }
  EXPECT_EQ(selector_->size(), 0u);
}

// SEL-02
TEST_P(SelectorConformanceTest, DescriptorThatIsNotOpenIsRefused) {
  if (!GetParam().refuses_closed_descriptors) GTEST_SKIP();
  Pipe pipe;
  const int fd = pipe.reader.get();
  pipe.reader.Reset();
  const absl::Status status = selector_->Register(fd, Interest::kRead, 1);
  EXPECT_EQ(ErrnoFromStatus(status), EBADF) << status;
  EXPECT_EQ(selector_->GetKey(fd).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(selector_->size(), 0u);
}

// SEL-02
TEST_P(SelectorConformanceTest, HugeDescriptorIsRefusedWithoutRoomBeingMade) {
  if (!GetParam().refuses_closed_descriptors) GTEST_SKIP();
  EXPECT_FALSE(selector_->Register(INT_MAX, Interest::kRead, 1).ok());
  EXPECT_EQ(selector_->GetKey(INT_MAX).status().code(),
            absl::StatusCode::kNotFound);
}

// SEL-03
TEST_P(SelectorConformanceTest, UnregisterReturnsTheKeyAndEndsTheReports) {
  Pipe pipe;
  const int fd = pipe.reader.get();
  WriteByte(pipe.writer.get());
  ASSERT_TRUE(selector_->Register(fd, Interest::kRead, 5).ok());
  EXPECT_EQ(*selector_->Unregister(fd), SelectorKey(fd, Interest::kRead, 5));
  EXPECT_THAT(Ready(), IsEmpty());
  EXPECT_EQ(selector_->size(), 0u);
}

// SEL-03: as Unregister(), for who closes it next.
TEST_P(SelectorConformanceTest, ForgottenDescriptorMayBeClosedAndReused) {
  Pipe pipe, fresh;
  const int fd = pipe.reader.get();
  EXPECT_EQ(selector_->Forget(fd).status().code(), absl::StatusCode::kNotFound);
  ASSERT_TRUE(selector_->Register(fd, Interest::kRead, 42).ok());
  EXPECT_EQ(*selector_->Forget(fd), SelectorKey(fd, Interest::kRead, 42));
  EXPECT_EQ(selector_->size(), 0u);
  WriteByte(pipe.writer.get());
  ReopenAs(pipe.reader, fresh.reader.get());
  ExpectQuiet(absl::Milliseconds(1));

  ASSERT_TRUE(selector_->Register(fd, Interest::kRead, 43).ok());
  EXPECT_THAT(Ready(), IsEmpty());
  WriteByte(fresh.writer.get());
  EXPECT_THAT(Ready(), ElementsAre(ReadyEvent(fd, Interest::kRead, 43)));
}

// SEL-03
TEST_P(SelectorConformanceTest, UnregisterOfAnUnknownDescriptorIsNotFound) {
  Pipe pipe;
  ASSERT_TRUE(selector_->Register(pipe.reader.get(), Interest::kRead, 1).ok());
  for (const int fd : {pipe.writer.get(), -1, INT_MAX}) {
    EXPECT_EQ(selector_->Unregister(fd).status().code(),
              absl::StatusCode::kNotFound);
  }
  ASSERT_TRUE(selector_->Unregister(pipe.reader.get()).ok());
  EXPECT_EQ(selector_->Unregister(pipe.reader.get()).status().code(),
            absl::StatusCode::kNotFound);
}

// SEL-03, SEL-04: the number is enough.
TEST_P(SelectorConformanceTest, DescriptorClosedMeanwhileIsUnregistered) {
  Pipe pipe;
  const int fd = pipe.reader.get();
  ASSERT_TRUE(selector_->Register(fd, Interest::kRead, 9).ok());
  pipe.reader.Reset();
  EXPECT_EQ(*selector_->Unregister(fd), SelectorKey(fd, Interest::kRead, 9));
  EXPECT_EQ(selector_->size(), 0u);
}

// SEL-05
TEST_P(SelectorConformanceTest, ModifyChangesInterestAndToken) {
  SocketPair sockets;
  const int fd = sockets.ours.get();
  WriteByte(sockets.peer.get());
  ASSERT_TRUE(selector_->Register(fd, Interest::kRead, 1).ok());
  EXPECT_THAT(Ready(), ElementsAre(ReadyEvent(fd, Interest::kRead, 1)));

  ASSERT_TRUE(selector_->Modify(fd, Interest::kWrite, 2).ok());
  EXPECT_THAT(Ready(), ElementsAre(ReadyEvent(fd, Interest::kWrite, 2)));
  ASSERT_TRUE(selector_->Modify(fd, Interest::kReadWrite, 3).ok());
  EXPECT_THAT(Ready(), ElementsAre(ReadyEvent(fd, Interest::kReadWrite, 3)));
  ASSERT_TRUE(selector_->Modify(fd, Interest::kReadWrite, 4).ok());
  EXPECT_THAT(Ready(), ElementsAre(ReadyEvent(fd, Interest::kReadWrite, 4)));
  EXPECT_EQ(*selector_->GetKey(fd), SelectorKey(fd, Interest::kReadWrite, 4));
}

// SEL-05
TEST_P(SelectorConformanceTest, ModifyOfAnUnknownDescriptorIsNotFound) {
  Pipe pipe;
  EXPECT_EQ(selector_->Modify(pipe.reader.get(), Interest::kRead, 1).code(),
            absl::StatusCode::kNotFound);
  EXPECT_EQ(selector_->Modify(-1, Interest::kRead, 1).code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(selector_->size(), 0u);
}

// SEL-05
TEST_P(SelectorConformanceTest, ModifyToNothingIsRefusedAndChangesNothing) {
  Pipe pipe;
  const int fd = pipe.writer.get();
  ASSERT_TRUE(selector_->Register(fd, Interest::kWrite, 1).ok());
  EXPECT_EQ(selector_->Modify(fd, Interest::kNone, 2).code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(Ready(), ElementsAre(ReadyEvent(fd, Interest::kWrite, 1)));
}

// SEL-05
TEST_P(SelectorConformanceTest, ErrorOfTheSystemInModifyDropsTheRegistration) {
  if (!GetParam().refuses_closed_descriptors) GTEST_SKIP();
  SocketPair sockets;
  const int fd = sockets.ours.get();
  ASSERT_TRUE(selector_->Register(fd, Interest::kRead, 1).ok());
  sockets.ours.Reset();
  const absl::Status status = selector_->Modify(fd, Interest::kWrite, 2);
  EXPECT_EQ(ErrnoFromStatus(status), EBADF) << status;
  EXPECT_EQ(selector_->GetKey(fd).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(selector_->size(), 0u);
}

// SEL-06
TEST_P(SelectorConformanceTest, TimeoutOfZeroOrLessPolls) {
  Pipe pipe;
  ASSERT_TRUE(selector_->Register(pipe.reader.get(), Interest::kRead, 1).ok());
  for (const absl::Duration timeout :
       {absl::ZeroDuration(), -absl::Nanoseconds(1), -absl::Hours(1),
        -absl::InfiniteDuration()}) {
    EXPECT_THAT(Ready(timeout), IsEmpty());
  }
  WriteByte(pipe.writer.get());
  EXPECT_EQ(Ready(-absl::InfiniteDuration()).size(), 1u);
}

// SEL-06
TEST_P(SelectorConformanceTest, InfiniteTimeoutWaitsUntilSomethingIsReady) {
  const UniqueFd timer = ReadableAfter(absl::Milliseconds(2));
  ASSERT_TRUE(selector_->Register(timer.get(), Interest::kRead, 1).ok());
  EXPECT_THAT(Ready(absl::InfiniteDuration()),
              ElementsAre(ReadyEvent(timer.get(), Interest::kRead, 1)));
}

// SEL-06
TEST_P(SelectorConformanceTest, WaitEndsWhenSomethingGetsReady) {
  const absl::Duration start = MonotonicNow();
  const UniqueFd timer = ReadableAfter(absl::Milliseconds(2));
  ASSERT_TRUE(selector_->Register(timer.get(), Interest::kRead, 1).ok());
  EXPECT_EQ(Ready(absl::Hours(1)).size(), 1u);
  EXPECT_LT(MonotonicNow() - start, absl::Hours(1));
}

// SEL-07
TEST_P(SelectorConformanceTest, OneEventForEachReadyDescriptor) {
  SocketPair sockets;
  Pipe idle;
  WriteByte(sockets.peer.get());
  const int ours = sockets.ours.get();
  const int peer = sockets.peer.get();
  ASSERT_TRUE(selector_->Register(ours, Interest::kReadWrite, 1).ok());
  ASSERT_TRUE(selector_->Register(peer, Interest::kReadWrite, 2).ok());
  ASSERT_TRUE(selector_->Register(idle.reader.get(), Interest::kRead, 3).ok());
  EXPECT_THAT(Ready(),
              UnorderedElementsAre(ReadyEvent(ours, Interest::kReadWrite, 1),
                                   ReadyEvent(peer, Interest::kWrite, 2)));
}

// SEL-07
TEST_P(SelectorConformanceTest, ReadyIsRestrictedToWhatWasRegistered) {
  SocketPair sockets;
  const int fd = sockets.ours.get();
  WriteByte(sockets.peer.get());
  ASSERT_TRUE(selector_->Register(fd, Interest::kRead, 1).ok());
  EXPECT_THAT(Ready(), ElementsAre(ReadyEvent(fd, Interest::kRead, 1)));
  ASSERT_TRUE(selector_->Modify(fd, Interest::kWrite, 1).ok());
  EXPECT_THAT(Ready(), ElementsAre(ReadyEvent(fd, Interest::kWrite, 1)));
  Fill(fd);
  EXPECT_THAT(Ready(), IsEmpty());
}

// SEL-07
TEST_P(SelectorConformanceTest, ReadinessIsAStateNotAnEdge) {
  Pipe pipe;
  const int fd = pipe.reader.get();
  WriteByte(pipe.writer.get());
  ASSERT_TRUE(selector_->Register(fd, Interest::kRead, 1).ok());
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Ready().size(), 1u);
  Drain(fd);
  EXPECT_THAT(Ready(), IsEmpty());
  WriteByte(pipe.writer.get());
  EXPECT_EQ(Ready().size(), 1u);
}

// SEL-07
TEST_P(SelectorConformanceTest, SelectClearsTheEventsOfBefore) {
  Pipe pipe;
  const int fd = pipe.writer.get();
  ASSERT_TRUE(selector_->Register(fd, Interest::kWrite, 1).ok());
  std::vector<ReadyEvent> events(17);
  ASSERT_TRUE(selector_->Select(absl::ZeroDuration(), events).ok());
  EXPECT_THAT(events, ElementsAre(ReadyEvent(fd, Interest::kWrite, 1)));
  ASSERT_TRUE(selector_->Unregister(fd).ok());
  ASSERT_TRUE(selector_->Select(absl::ZeroDuration(), events).ok());
  EXPECT_THAT(events, IsEmpty());
}

// SIGALRM every millisecond, without SA_RESTART, while it exists.
class SignalStorm {
 public:
  SignalStorm() {
    received_ = 0;
    struct sigaction action = {};
    action.sa_handler = [](int) { ++received_; };
    sigaction(SIGALRM, &action, &old_action_);
    SetTimer(1000);
  }
  ~SignalStorm() {
    SetTimer(0);
    sigaction(SIGALRM, &old_action_, nullptr);
  }
  int received() const { return received_; }

 private:
  static void SetTimer(int microseconds) {
    const timeval period = {0, microseconds};
    const itimerval timer = {period, period};
    setitimer(ITIMER_REAL, &timer, nullptr);
  }

  static std::atomic<int> received_;
  struct sigaction old_action_;
};
std::atomic<int> SignalStorm::received_{0};

// SEL-08
TEST_P(SelectorConformanceTest, bug_B5_SignalsDoNotEndAWaitNorMakeItLonger) {
  Pipe pipe;
  ASSERT_TRUE(selector_->Register(pipe.reader.get(), Interest::kRead, 1).ok());
  SignalStorm storm;
  // If each signal started the wait anew, it would never end.
  ExpectQuiet(absl::Milliseconds(20));
  EXPECT_GE(storm.received(), 1);
}

// SEL-08
TEST_P(SelectorConformanceTest, bug_B5_SignalsDoNotEndAnInfiniteWait) {
  const UniqueFd timer = ReadableAfter(absl::Milliseconds(10));
  ASSERT_TRUE(selector_->Register(timer.get(), Interest::kRead, 1).ok());
  SignalStorm storm;
  EXPECT_EQ(Ready(absl::InfiniteDuration()).size(), 1u);
}

// SEL-09
TEST_P(SelectorConformanceTest, HangUpCountsAsReadable) {
  Pipe pipe;
  const int fd = pipe.reader.get();
  ASSERT_TRUE(selector_->Register(fd, Interest::kReadWrite, 1).ok());
  EXPECT_THAT(Ready(), IsEmpty());
  pipe.writer.Reset();
  const std::vector<ReadyEvent> events = Ready();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_TRUE(Includes(events[0].ready, Interest::kRead));
}

// SEL-09
TEST_P(SelectorConformanceTest, ErrorCountsAsReadableAndWritable) {
  Pipe pipe;
  const int fd = pipe.writer.get();
  Fill(fd);
  pipe.reader.Reset();
  for (const Interest interest :
       {Interest::kRead, Interest::kWrite, Interest::kReadWrite}) {
    ASSERT_TRUE(selector_->Register(fd, interest, 1).ok());
    EXPECT_THAT(Ready(), ElementsAre(ReadyEvent(fd, interest, 1)));
    ASSERT_TRUE(selector_->Unregister(fd).ok());
  }
}

// SEL-10
TEST_P(SelectorConformanceTest, KeyOfAnUnknownDescriptorIsNotFound) {
  Pipe pipe;
  for (const int fd : {pipe.reader.get(), -1, INT_MAX}) {
    EXPECT_EQ(selector_->GetKey(fd).status().code(),
              absl::StatusCode::kNotFound);
  }
}

// SEL-10
TEST_P(SelectorConformanceTest, KeysComeByAscendingDescriptor) {
  SocketPair a, b;
  std::vector<int> fds = {b.peer.get(), a.ours.get(), b.ours.get(),
                          a.peer.get()};
  for (const int fd : fds) {
    ASSERT_TRUE(selector_->Register(fd, Interest::kRead, 1).ok());
  }
  std::sort(fds.begin(), fds.end());
  std::vector<int> keys;
  for (const SelectorKey& key : selector_->GetKeys()) keys.push_back(key.fd);
  EXPECT_EQ(keys, fds);
}

// SEL-10, SEL-13
TEST_P(SelectorConformanceTest, EverythingFailsAfterClose) {
  Pipe pipe;
  const int fd = pipe.writer.get();
  ASSERT_TRUE(selector_->Register(fd, Interest::kWrite, 1).ok());
  selector_->Close();
  selector_->Close();
  constexpr auto kClosed = absl::StatusCode::kFailedPrecondition;
  EXPECT_EQ(selector_->Register(fd, Interest::kWrite, 1).code(), kClosed);
  EXPECT_EQ(selector_->Modify(fd, Interest::kWrite, 1).code(), kClosed);
  EXPECT_EQ(selector_->Unregister(fd).status().code(), kClosed);
  EXPECT_EQ(selector_->GetKey(fd).status().code(), kClosed);
  std::vector<ReadyEvent> events(3);
  EXPECT_EQ(selector_->Select(absl::InfiniteDuration(), events).code(),
            kClosed);
  EXPECT_THAT(events, IsEmpty());
  EXPECT_THAT(selector_->GetKeys(), IsEmpty());
  EXPECT_EQ(selector_->size(), 0u);
}

// SEL-13
TEST_P(SelectorConformanceTest, NoDescriptorIsLeakedByCloseOrDestruction) {
  Pipe pipe;
  selector_.reset();
  const size_t before = OpenDescriptorCount();
  for (const bool close : {true, false}) {
    selector_ = *GetParam().create();
    ASSERT_TRUE(
        selector_->Register(pipe.reader.get(), Interest::kRead, 1).ok());
    if (close) {
      selector_->Close();
      EXPECT_EQ(OpenDescriptorCount(), before);
    }
    selector_.reset();
    EXPECT_EQ(OpenDescriptorCount(), before);
  }
}

}  // namespace
}  // namespace evkit
