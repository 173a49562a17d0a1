// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// epoll, poll, select and io_uring when the kernel refuses, and what they ask
// of it.

#include "evkit/selectors/internal/kernel_selectors.h"

#include <cerrno>
#include <memory>
#include <string>
#include <vector>

#include "evkit/base/errno_status.h"
#include "evkit/base/fault_injection.h"
#include "evkit/selectors/internal/test_descriptors.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using selectors_internal::MonotonicNow;
using selectors_internal::Pipe;
using selectors_internal::SocketPair;
using selectors_internal::WriteByte;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class KernelSelectorTest
    : public ::testing::TestWithParam<selectors_internal::KernelSelector> {
 protected:
  KernelSelectorTest() : selector_(*GetParam().create()) {}

  // What changes a registration, and what waits for `timeout`.
  const char* Control() const {
    return GetParam().name == "Epoll" ? "epoll_ctl" : "fcntl";
  }
  const char* Wait(absl::Duration timeout = absl::ZeroDuration()) const {
    if (GetParam().name == "Poll") return "ppoll";
    if (GetParam().name == "Select") return "pselect";
    if (GetParam().name == "Uring") return "io_uring_enter";
    const bool whole = timeout == absl::InfiniteDuration() ||
                       timeout % absl::Milliseconds(1) == absl::ZeroDuration();
    return whole ? "epoll_wait" : "epoll_pwait2";
  }

  static int CallsOf(const FaultInjection& faults) {
    int count = 0;
    for (const FaultInjection::Site& site : faults.Sites()) count += site.count;
    return count;
  }

  std::unique_ptr<Selector> selector_;
  std::vector<ReadyEvent> events_;
};

INSTANTIATE_TEST_SUITE_P(
    Kernel, KernelSelectorTest,
    ::testing::ValuesIn(selectors_internal::KernelSelectors()),
    selectors_internal::NameOf<
        ::testing::TestParamInfo<selectors_internal::KernelSelector>>);

INSTANTIATE_TEST_SUITE_P(
    Uring, KernelSelectorTest,
    ::testing::ValuesIn(selectors_internal::UringSelectors()),
    selectors_internal::NameOf<
        ::testing::TestParamInfo<selectors_internal::KernelSelector>>);

// tokio#6329, libuv a0b56059c. SEL-02
TEST_P(KernelSelectorTest, bug_A7_RefusedRegistrationLeavesNothingBehind) {
  Pipe pipe;
  const int fd = pipe.writer.get();
  for (const int error : {ENOMEM, ENOSPC, EPERM, EEXIST, EBADF}) {
    FaultInjection faults;
    faults.Fail(Control(), error, 1);
    const absl::Status status = selector_->Register(fd, Interest::kWrite, 1);
    EXPECT_EQ(ErrnoFromStatus(status), error) << status;
    EXPECT_THAT(std::string(status.message()),
                HasSubstr("fd=" + std::to_string(fd)));
    EXPECT_EQ(selector_->size(), 0u);
    EXPECT_EQ(selector_->GetKey(fd).status().code(),
              absl::StatusCode::kNotFound);
    EXPECT_TRUE(selector_->Select(absl::ZeroDuration(), events_).ok());
    EXPECT_THAT(events_, IsEmpty());

    ASSERT_TRUE(selector_->Register(fd, Interest::kWrite, 2).ok());
    EXPECT_TRUE(selector_->Select(absl::ZeroDuration(), events_).ok());
    EXPECT_THAT(events_, ElementsAre(ReadyEvent(fd, Interest::kWrite, 2)));
    ASSERT_TRUE(selector_->Unregister(fd).ok());
  }
}

// SEL-05
TEST_P(KernelSelectorTest, bug_A7_RefusedModificationDropsTheRegistration) {
  SocketPair sockets;
  const int fd = sockets.ours.get();
  for (const int error : {ENOMEM, ENOENT, EBADF}) {
    ASSERT_TRUE(selector_->Register(fd, Interest::kRead, 1).ok());
    FaultInjection faults;
    faults.Fail(Control(), error, 1);
    const absl::Status status = selector_->Modify(fd, Interest::kWrite, 2);
    EXPECT_EQ(ErrnoFromStatus(status), error) << status;
    EXPECT_EQ(selector_->size(), 0u);
    EXPECT_EQ(selector_->Unregister(fd).status().code(),
              absl::StatusCode::kNotFound);
    EXPECT_TRUE(selector_->Select(absl::ZeroDuration(), events_).ok());
    EXPECT_THAT(events_, IsEmpty());
  }
}

// uvloop#61. SEL-03
TEST_P(KernelSelectorTest, bug_B6_NoErrorOfTheSystemStopsARemoval) {
  Pipe pipe;
  const int fd = pipe.writer.get();
  for (const int error : {EBADF, ENOENT, ENOMEM}) {
    ASSERT_TRUE(selector_->Register(fd, Interest::kWrite, 3).ok());
    FaultInjection faults;
    faults.Fail(Control(), error, 1);
    EXPECT_EQ(*selector_->Unregister(fd), SelectorKey(fd, Interest::kWrite, 3));
    EXPECT_EQ(selector_->size(), 0u);
    for (int i = 0; i < 3; ++i) {
      EXPECT_TRUE(selector_->Select(absl::ZeroDuration(), events_).ok());
      EXPECT_THAT(events_, IsEmpty());
    }
  }
}

// SEL-08
TEST_P(KernelSelectorTest, bug_B5_StormOfInterruptionsIsSatOut) {
  Pipe pipe;
  ASSERT_TRUE(selector_->Register(pipe.reader.get(), Interest::kRead, 1).ok());
  for (const absl::Duration timeout :
       {absl::Milliseconds(2), absl::Microseconds(1500)}) {
    for (const int interruptions : {1, 2, 50}) {
      FaultInjection faults;
      faults.Fail("epoll_pwait2", EINTR, 1, interruptions);
      faults.Fail("epoll_wait", EINTR, 1, interruptions);
      faults.Fail("ppoll", EINTR, 1, interruptions);
      faults.Fail("pselect", EINTR, 1, interruptions);
      faults.Fail("io_uring_enter", EINTR, 1, interruptions);
      const absl::Duration start = MonotonicNow();
      EXPECT_TRUE(selector_->Select(timeout, events_).ok());
      EXPECT_GE(MonotonicNow() - start, timeout);
      EXPECT_THAT(events_, IsEmpty());
    }
  }
}

TEST_P(KernelSelectorTest, bug_B5_InterruptedInfiniteWaitGoesOn) {
  Pipe pipe;
  WriteByte(pipe.writer.get());
  ASSERT_TRUE(selector_->Register(pipe.reader.get(), Interest::kRead, 1).ok());
  FaultInjection faults;
  faults.Fail(Wait(), EINTR, 1, 20);
  EXPECT_TRUE(selector_->Select(absl::InfiniteDuration(), events_).ok());
  EXPECT_EQ(events_.size(), 1u);
  EXPECT_EQ(faults.Count(Wait()), 21);
}

TEST_P(KernelSelectorTest, bug_B5_InterruptedPollIsOver) {
  // So that there is something to ask the kernel for.
  Pipe pipe;
  ASSERT_TRUE(selector_->Register(pipe.reader.get(), Interest::kRead, 1).ok());
  FaultInjection faults;
  faults.Fail(Wait(), EINTR);
  EXPECT_TRUE(selector_->Select(absl::ZeroDuration(), events_).ok());
  EXPECT_EQ(faults.Count(Wait()), 1);
}

TEST_P(KernelSelectorTest, EndlessInterruptionsDoNotOutlastTheTimeout) {
  FaultInjection faults;
  const absl::Duration timeout = absl::Milliseconds(1);
  faults.Fail(Wait(timeout), EINTR);
  faults.Fail("epoll_pwait2", EINTR);
  EXPECT_TRUE(selector_->Select(timeout, events_).ok());
}

TEST_P(KernelSelectorTest, OtherErrorsOfAWaitAreReported) {
  Pipe pipe;
  ASSERT_TRUE(selector_->Register(pipe.writer.get(), Interest::kWrite, 1).ok());
  for (const int error : {EBADF, EINVAL, ENOMEM}) {
    FaultInjection faults;
    faults.Fail(Wait(), error, 1);
    events_.resize(3);
    const absl::Status status =
        selector_->Select(absl::ZeroDuration(), events_);
    EXPECT_EQ(ErrnoFromStatus(status), error) << status;
    EXPECT_THAT(events_, IsEmpty());
    EXPECT_TRUE(selector_->Select(absl::ZeroDuration(), events_).ok());
    EXPECT_EQ(events_.size(), 1u);
  }
}

// seastar#1785
TEST_P(KernelSelectorTest, bug_B2_ResetIsReportedOnceAndThenCostsOneWait) {
  SocketPair sockets;
  const int fd = sockets.ours.get();
  ASSERT_TRUE(selector_->Register(fd, Interest::kRead, 1).ok());
  WriteByte(fd);
  sockets.peer.Reset();
  FaultInjection faults;
  EXPECT_TRUE(selector_->Select(absl::InfiniteDuration(), events_).ok());
  ASSERT_TRUE(selector_->Unregister(fd).ok());
  EXPECT_TRUE(selector_->Select(absl::Milliseconds(2), events_).ok());
  EXPECT_EQ(faults.Count(Wait()), 2);
}

// libuv#4250, uvloop#233: no second wait for the rest of a millisecond.
TEST_P(KernelSelectorTest, bug_B4_ShortTimeoutTakesOneWait) {
  for (const absl::Duration timeout :
       {absl::Microseconds(400), absl::Nanoseconds(1'000'100)}) {
    FaultInjection faults;
    EXPECT_TRUE(selector_->Select(timeout, events_).ok());
    EXPECT_EQ(faults.Count(Wait(timeout)), 1);
    EXPECT_EQ(CallsOf(faults) - faults.Count("clock_gettime"), 1);
  }
}

TEST_P(KernelSelectorTest, SelectIsOneSystemCall) {
  std::vector<Pipe> pipes(100);
  for (const Pipe& pipe : pipes) {
    ASSERT_TRUE(
        selector_->Register(pipe.writer.get(), Interest::kWrite, 1).ok());
  }
  // Lets what grows grow.
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(selector_->Select(absl::ZeroDuration(), events_).ok());
  }
  FaultInjection faults;
  ASSERT_TRUE(selector_->Select(absl::ZeroDuration(), events_).ok());
  EXPECT_EQ(events_.size(), 100u);
  EXPECT_EQ(CallsOf(faults), 1);
  ASSERT_TRUE(selector_->Select(absl::InfiniteDuration(), events_).ok());
  EXPECT_EQ(CallsOf(faults), 2);
}

TEST_P(KernelSelectorTest, EachChangeIsAtMostOneSystemCall) {
  SocketPair sockets;
  const int fd = sockets.ours.get();
  FaultInjection faults;
  ASSERT_TRUE(selector_->Register(fd, Interest::kRead, 1).ok());
  EXPECT_EQ(CallsOf(faults), 1);
  ASSERT_TRUE(selector_->Modify(fd, Interest::kReadWrite, 1).ok());
  EXPECT_EQ(CallsOf(faults), 2);
  ASSERT_TRUE(selector_->Unregister(fd).ok());
  EXPECT_LE(CallsOf(faults), 3);
  EXPECT_EQ(CallsOf(faults), faults.Count(Control()));
}

// SEL-05
TEST_P(KernelSelectorTest, NewTokenAloneIsNoSystemCall) {
  Pipe pipe;
  const int fd = pipe.writer.get();
  ASSERT_TRUE(selector_->Register(fd, Interest::kWrite, 1).ok());
  FaultInjection faults;
  ASSERT_TRUE(selector_->Modify(fd, Interest::kWrite, 2).ok());
  EXPECT_EQ(CallsOf(faults), 0);
  EXPECT_EQ(selector_->GetKey(fd)->token, 2u);
}

}  // namespace
}  // namespace evkit
