// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// What is special to epoll; the rest is in selector_conformance.cc and
// kernel_selectors_test.cc.

#include "evkit/selectors/epoll_selector.h"

#include <fcntl.h>

#include <cerrno>
#include <memory>
#include <set>
#include <vector>

#include "evkit/base/errno_status.h"
#include "evkit/base/fault_injection.h"
#include "evkit/selectors/internal/test_descriptors.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using selectors_internal::Duplicate;
using selectors_internal::MonotonicNow;
using selectors_internal::OpenDescriptorCount;
using selectors_internal::Pipe;
using selectors_internal::RaiseDescriptorLimit;
using selectors_internal::ReopenAs;
using selectors_internal::WriteByte;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class EpollSelectorTest : public ::testing::Test {
 protected:
  std::vector<ReadyEvent> Ready(absl::Duration timeout = absl::ZeroDuration()) {
    std::vector<ReadyEvent> events;
    const absl::Status status = selector_->Select(timeout, events);
    EXPECT_TRUE(status.ok()) << status;
    return events;
  }

  // Unregisters a readable pipe whose number was closed before, so that the
  // kernel goes on watching what `pipe` keeps open.
  void LeaveOneBehind(const Pipe& pipe) {
    UniqueFd duplicate = Duplicate(pipe.reader.get());
    const int number = duplicate.get();
    ASSERT_TRUE(selector_->Register(number, Interest::kRead, 666).ok());
    duplicate.Reset();
    ASSERT_TRUE(selector_->Unregister(number).ok());
    WriteByte(pipe.writer.get());
  }

  std::unique_ptr<EpollSelector> selector_ = *EpollSelector::Create();
};

// SEL-13
TEST_F(EpollSelectorTest, HasADescriptorUntilItIsClosed) {
  const int fd = selector_->fd();
  EXPECT_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
  selector_->Close();
  EXPECT_EQ(selector_->fd(), -1);
  EXPECT_EQ(fcntl(fd, F_GETFD), -1);
}

// SEL-13
TEST_F(EpollSelectorTest, bug_B8_CanBeWatchedByAnother) {
  Pipe pipe;
  auto outer = *EpollSelector::Create();
  ASSERT_TRUE(outer->Register(selector_->fd(), Interest::kRead, 1).ok());
  ASSERT_TRUE(selector_->Register(pipe.reader.get(), Interest::kRead, 2).ok());
  std::vector<ReadyEvent> events;
  ASSERT_TRUE(outer->Select(absl::ZeroDuration(), events).ok());
  EXPECT_THAT(events, IsEmpty());
  WriteByte(pipe.writer.get());
  ASSERT_TRUE(outer->Select(absl::InfiniteDuration(), events).ok());
  EXPECT_THAT(events, SizeIs(1));
  EXPECT_THAT(Ready(), SizeIs(1));
}

TEST_F(EpollSelectorTest, CannotWatchItself) {
  const absl::Status status =
      selector_->Register(selector_->fd(), Interest::kRead, 1);
  EXPECT_EQ(ErrnoFromStatus(status), EINVAL) << status;
  EXPECT_EQ(selector_->size(), 0u);
}

TEST(EpollSelectorCreateTest, OutOfDescriptorsIsReported) {
  FaultInjection faults;
  faults.Fail("epoll_create1", EMFILE);
  const absl::Status status = EpollSelector::Create().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ErrnoFromStatus(status), EMFILE);
}

// SEL-11
TEST_F(EpollSelectorTest, bug_B7_BufferGrowsUntilAllFitInOneCall) {
  if (RaiseDescriptorLimit() < 6100) GTEST_SKIP() << "not so many allowed";
  std::vector<Pipe> pipes(3000);
  for (size_t i = 0; i < pipes.size(); ++i) {
    ASSERT_TRUE(
        selector_->Register(pipes[i].writer.get(), Interest::kWrite, i).ok());
  }
  std::set<uint64_t> seen;
  size_t largest = 0;
  for (int turn = 0; turn < 5; ++turn) {
    const std::vector<ReadyEvent> events = Ready();
    EXPECT_GE(events.size(), largest);
    largest = events.size();
    for (const ReadyEvent& event : events) seen.insert(event.token);
  }
  EXPECT_THAT(seen, SizeIs(3000));
  EXPECT_EQ(largest, 3000u);
}

// Linux before 5.11, and seccomp filters that do not know the call.
TEST_F(EpollSelectorTest, FallsBackToEpollWaitForGood) {
  for (const int error : {ENOSYS, EPERM}) {
    selector_ = *EpollSelector::Create();
    FaultInjection faults;
    faults.Fail("epoll_pwait2", error);
    for (int i = 0; i < 3; ++i) {
      const absl::Duration start = MonotonicNow();
      EXPECT_THAT(Ready(absl::Microseconds(1100)), IsEmpty());
      EXPECT_GE(MonotonicNow() - start, absl::Microseconds(1100));
    }
    EXPECT_EQ(faults.Count("epoll_pwait2"), 1);
    EXPECT_EQ(faults.Count("epoll_wait"), 3);
  }
}

TEST_F(EpollSelectorTest, UsesEpollPwait2OnlyForPartsOfAMillisecond) {
  Pipe pipe;
  ASSERT_TRUE(selector_->Register(pipe.writer.get(), Interest::kWrite, 1).ok());
  FaultInjection faults;
  for (const absl::Duration timeout :
       {absl::ZeroDuration(), absl::Milliseconds(7),
        absl::InfiniteDuration()}) {
    EXPECT_THAT(Ready(timeout), SizeIs(1));
  }
  EXPECT_EQ(faults.Count("epoll_wait"), 3);
  EXPECT_THAT(Ready(absl::Microseconds(7)), SizeIs(1));
  EXPECT_EQ(faults.Count("epoll_pwait2"), 1);
}

TEST_F(EpollSelectorTest, bug_A2_UnregisterTellsTheKernelAtOnce) {
  Pipe pipe;
  ASSERT_TRUE(selector_->Register(pipe.reader.get(), Interest::kRead, 1).ok());
  FaultInjection faults;
  ASSERT_TRUE(selector_->Unregister(pipe.reader.get()).ok());
  EXPECT_EQ(faults.Count("epoll_ctl@Unregister"), 1);
}

TEST_F(EpollSelectorTest, ForgetMakesNoSystemCall) {
  Pipe pipe;
  const int fd = pipe.reader.get();
  ASSERT_TRUE(selector_->Register(fd, Interest::kRead, 1).ok());
  FaultInjection faults;
  ASSERT_TRUE(selector_->Forget(fd).ok());
  EXPECT_THAT(faults.Sites(), IsEmpty());
}

// Its owner takes his time to close it.
TEST_F(EpollSelectorTest, ForgottenDescriptorThatIsStillOpenIsNotReported) {
  Pipe pipe, idle;
  ASSERT_TRUE(selector_->Register(idle.reader.get(), Interest::kRead, 1).ok());
  ASSERT_TRUE(selector_->Register(pipe.reader.get(), Interest::kRead, 2).ok());
  ASSERT_TRUE(selector_->Forget(pipe.reader.get()).ok());
  WriteByte(pipe.writer.get());
  FaultInjection faults;
  const absl::Duration start = MonotonicNow();
  EXPECT_THAT(Ready(absl::Milliseconds(3)), IsEmpty());
  EXPECT_GE(MonotonicNow() - start, absl::Milliseconds(3));
  EXPECT_EQ(faults.Count("epoll_ctl"), 1);
  EXPECT_EQ(faults.Count("epoll_create1"), 0);

  ASSERT_TRUE(selector_->Register(pipe.reader.get(), Interest::kRead, 3).ok());
  EXPECT_THAT(Ready(),
              ElementsAre(ReadyEvent(pipe.reader.get(), Interest::kRead, 3)));
}

TEST_F(EpollSelectorTest, ForgottenDescriptorMayBeRegisteredAgainUnclosed) {
  Pipe pipe;
  const int fd = pipe.reader.get();
  ASSERT_TRUE(selector_->Register(fd, Interest::kRead, 1).ok());
  ASSERT_TRUE(selector_->Forget(fd).ok());
  ASSERT_TRUE(selector_->Register(fd, Interest::kRead, 2).ok());
  WriteByte(pipe.writer.get());
  EXPECT_THAT(Ready(), ElementsAre(ReadyEvent(fd, Interest::kRead, 2)));
}

// The caller of Forget() did not know of the duplicate.
TEST_F(EpollSelectorTest, bug_A2_ForgottenDuplicateCostsOneWakeUp) {
  Pipe pipe, idle;
  ASSERT_TRUE(selector_->Register(idle.reader.get(), Interest::kRead, 1).ok());
  UniqueFd duplicate = Duplicate(pipe.reader.get());
  ASSERT_TRUE(selector_->Register(duplicate.get(), Interest::kRead, 2).ok());
  ASSERT_TRUE(selector_->Forget(duplicate.get()).ok());
  duplicate.Reset();
  WriteByte(pipe.writer.get());
  FaultInjection faults;
  EXPECT_THAT(Ready(absl::Milliseconds(3)), IsEmpty());
  EXPECT_THAT(Ready(), IsEmpty());
  EXPECT_LE(faults.Count("epoll_wait") + faults.Count("epoll_pwait2"), 3);
  WriteByte(idle.writer.get());
  EXPECT_THAT(Ready(),
              ElementsAre(ReadyEvent(idle.reader.get(), Interest::kRead, 1)));
}

// libuv#1148, uvloop#61: 1000 wake-ups in 1000 waits.
TEST_F(EpollSelectorTest, bug_A2_GhostCostsOneWakeUp) {
  Pipe pipe, idle;
  ASSERT_TRUE(selector_->Register(idle.reader.get(), Interest::kRead, 1).ok());
  LeaveOneBehind(pipe);
  FaultInjection faults;
  const absl::Duration start = MonotonicNow();
  EXPECT_THAT(Ready(absl::Milliseconds(3)), IsEmpty());
  EXPECT_GE(MonotonicNow() - start, absl::Milliseconds(3));
  EXPECT_THAT(Ready(), IsEmpty());
  EXPECT_LE(faults.Count("epoll_wait") + faults.Count("epoll_pwait2"), 3);
}

TEST_F(EpollSelectorTest, SheddingAGhostKeepsEverythingElse) {
  Pipe pipe, a, b;
  ASSERT_TRUE(selector_->Register(a.reader.get(), Interest::kRead, 1).ok());
  ASSERT_TRUE(selector_->Register(b.writer.get(), Interest::kWrite, 2).ok());
  const int fd = selector_->fd();
  const size_t open = OpenDescriptorCount();
  LeaveOneBehind(pipe);
  EXPECT_THAT(Ready(absl::InfiniteDuration()),
              ElementsAre(ReadyEvent(b.writer.get(), Interest::kWrite, 2)));
  EXPECT_EQ(selector_->fd(), fd);
  EXPECT_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
  EXPECT_EQ(OpenDescriptorCount(), open);

  ASSERT_TRUE(selector_->Unregister(b.writer.get()).ok());
  ASSERT_TRUE(selector_->Modify(a.reader.get(), Interest::kReadWrite, 3).ok());
  WriteByte(a.writer.get());
  EXPECT_THAT(Ready(absl::InfiniteDuration()),
              ElementsAre(ReadyEvent(a.reader.get(), Interest::kRead, 3)));
}

TEST_F(EpollSelectorTest, SheddingAGhostDoesNotPickUpAReopenedNumber) {
  Pipe pipe, closed, fresh;
  const int number = closed.reader.get();
  ASSERT_TRUE(selector_->Register(number, Interest::kRead, 1).ok());
  ReopenAs(closed.reader, fresh.reader.get());
  WriteByte(fresh.writer.get());
  LeaveOneBehind(pipe);
  FaultInjection faults;
  EXPECT_THAT(Ready(), IsEmpty());
  EXPECT_THAT(Ready(), IsEmpty());
  EXPECT_EQ(faults.Count("epoll_create1"), 1);
  EXPECT_EQ(selector_->Unregister(number)->token, 1u);
}

TEST_F(EpollSelectorTest, GhostThatCannotBeShedYetIsNeverReported) {
  Pipe pipe, idle;
  ASSERT_TRUE(selector_->Register(idle.reader.get(), Interest::kRead, 1).ok());
  LeaveOneBehind(pipe);
  const size_t open = OpenDescriptorCount();
  for (const char* const call :
       {"epoll_create1", "epoll_ctl", "dup3", "epoll_ctl"}) {
    FaultInjection faults;
    faults.Fail(call, ENOMEM);
    EXPECT_THAT(Ready(absl::InfiniteDuration()), IsEmpty()) << call;
    EXPECT_EQ(faults.Count("epoll_wait"), 1);
    EXPECT_EQ(OpenDescriptorCount(), open);
  }
  {
    FaultInjection faults;
    faults.Fail("epoll_ctl@MoveToNewSet", ENOSPC, 2);  // The ADD.
    EXPECT_THAT(Ready(absl::InfiniteDuration()), IsEmpty());
  }
  WriteByte(idle.writer.get());
  EXPECT_THAT(Ready(absl::InfiniteDuration()),
              ElementsAre(ReadyEvent(idle.reader.get(), Interest::kRead, 1)));
}

}  // namespace
}  // namespace evkit
