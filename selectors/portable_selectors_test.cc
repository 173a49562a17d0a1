// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// What is special to poll and to select; the rest is in
// selector_conformance.cc and kernel_selectors_test.cc.

#include <cerrno>
#include <memory>
#include <string>
#include <vector>

#include "evkit/base/errno_status.h"
#include "evkit/base/fault_injection.h"
#include "evkit/selectors/internal/test_descriptors.h"
#include "evkit/selectors/poll_selector.h"
#include "evkit/selectors/select_selector.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using selectors_internal::Duplicate;
using selectors_internal::Pipe;
using selectors_internal::RaiseDescriptorLimit;
using selectors_internal::ReopenAs;
using selectors_internal::WriteByte;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

template <typename T>
class PortableSelectorTest : public ::testing::Test {
 protected:
  std::vector<ReadyEvent> Ready(absl::Duration timeout = absl::ZeroDuration()) {
    std::vector<ReadyEvent> events;
    const absl::Status status = selector_->Select(timeout, events);
    EXPECT_TRUE(status.ok()) << status;
    return events;
  }

  std::unique_ptr<T> selector_ = *T::Create();
};

using Types = ::testing::Types<PollSelector, SelectSelector>;
TYPED_TEST_SUITE(PortableSelectorTest, Types);

// cppalliance/corosio#207
TYPED_TEST(PortableSelectorTest, bug_B10_ClosedDescriptorIsReportedOnce) {
  Pipe a, b, open;
  const int fd = a.reader.get();
  ASSERT_TRUE(this->selector_->Register(fd, Interest::kReadWrite, 1).ok());
  ASSERT_TRUE(
      this->selector_->Register(b.writer.get(), Interest::kRead, 2).ok());
  ASSERT_TRUE(
      this->selector_->Register(open.writer.get(), Interest::kRead, 3).ok());
  a.reader.Reset();
  EXPECT_THAT(this->Ready(absl::InfiniteDuration()),
              ElementsAre(ReadyEvent(fd, Interest::kReadWrite, 1)));
  EXPECT_THAT(this->Ready(), IsEmpty());
  EXPECT_EQ(*this->selector_->GetKey(fd),
            SelectorKey(fd, Interest::kReadWrite, 1));
  EXPECT_EQ(*this->selector_->Unregister(fd),
            SelectorKey(fd, Interest::kReadWrite, 1));
  EXPECT_EQ(this->selector_->size(), 2u);
  EXPECT_TRUE(
      this->selector_->Modify(b.writer.get(), Interest::kWrite, 4).ok());
  EXPECT_THAT(this->Ready(),
              ElementsAre(ReadyEvent(b.writer.get(), Interest::kWrite, 4)));
}

TYPED_TEST(PortableSelectorTest, ClosedDescriptorDoesNotHinderTheOthers) {
  Pipe a, b;
  const int fd = a.reader.get();
  ASSERT_TRUE(this->selector_->Register(fd, Interest::kRead, 1).ok());
  ASSERT_TRUE(
      this->selector_->Register(b.writer.get(), Interest::kWrite, 2).ok());
  a.reader.Reset();
  this->Ready();
  EXPECT_THAT(this->Ready(),
              ElementsAre(ReadyEvent(b.writer.get(), Interest::kWrite, 2)));
}

TYPED_TEST(PortableSelectorTest, NewInterestWatchesAReopenedNumberAgain) {
  Pipe pipe, fresh;
  const int fd = pipe.reader.get();
  ASSERT_TRUE(this->selector_->Register(fd, Interest::kRead, 1).ok());
  const UniqueFd keep = Duplicate(fd);
  pipe.reader.Reset();
  EXPECT_THAT(this->Ready(), SizeIs(1));
  pipe.reader = Duplicate(fresh.writer.get(), fd);
  ASSERT_EQ(pipe.reader.get(), fd);
  EXPECT_THAT(this->Ready(), IsEmpty());
  ASSERT_TRUE(this->selector_->Modify(fd, Interest::kWrite, 2).ok());
  EXPECT_THAT(this->Ready(), ElementsAre(ReadyEvent(fd, Interest::kWrite, 2)));
}

TYPED_TEST(PortableSelectorTest, RemovalFromTheMiddleKeepsTheRest) {
  std::vector<Pipe> pipes(5);
  for (size_t i = 0; i < pipes.size(); ++i) {
    ASSERT_TRUE(
        this->selector_->Register(pipes[i].writer.get(), Interest::kWrite, i)
            .ok());
  }
  for (const size_t i : {size_t{1}, size_t{4}, size_t{0}}) {
    ASSERT_TRUE(this->selector_->Unregister(pipes[i].writer.get()).ok());
  }
  std::vector<uint64_t> tokens;
  for (const ReadyEvent& event : this->Ready()) tokens.push_back(event.token);
  EXPECT_THAT(tokens, ::testing::UnorderedElementsAre(2u, 3u));
}

TYPED_TEST(PortableSelectorTest, KernelWithoutTheCallIsReported) {
  FaultInjection faults;
  faults.Fail("ppoll", ENOSYS);
  faults.Fail("pselect", ENOSYS);
  const absl::Status status = TypeParam::Create().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented);
  EXPECT_EQ(ErrnoFromStatus(status), ENOSYS);
}

TYPED_TEST(PortableSelectorTest, InterruptionOfTheFirstCallIsNoError) {
  FaultInjection faults;
  faults.Fail("ppoll", EINTR);
  faults.Fail("pselect", EINTR);
  EXPECT_TRUE(TypeParam::Create().ok());
}

// SEL-12
TEST(SelectSelectorTest, bug_B1_LimitIsNamedInTheError) {
  if (RaiseDescriptorLimit() <= 2000) GTEST_SKIP() << "not so many allowed";
  auto selector = *SelectSelector::Create();
  Pipe pipe;
  const UniqueFd high = Duplicate(pipe.writer.get(), 2000);
  ASSERT_EQ(high.get(), 2000);
  EXPECT_EQ(selector->Register(2000, Interest::kWrite, 1).message(),
            "select cannot watch fd 2000: its limit is FD_SETSIZE = 1024");
}

// SEL-12
TEST(SelectSelectorTest, bug_B1_HighestNumberIsWatched) {
  if (RaiseDescriptorLimit() <= 1024) GTEST_SKIP() << "not so many allowed";
  auto selector = *SelectSelector::Create();
  Pipe pipe;
  const UniqueFd high = Duplicate(pipe.reader.get(), 1023);
  ASSERT_EQ(high.get(), 1023);
  ASSERT_TRUE(selector->Register(1023, Interest::kRead, 1).ok());
  WriteByte(pipe.writer.get());
  std::vector<ReadyEvent> events;
  ASSERT_TRUE(selector->Select(absl::InfiniteDuration(), events).ok());
  EXPECT_THAT(events, ElementsAre(ReadyEvent(1023, Interest::kRead, 1)));
}

}  // namespace
}  // namespace evkit
