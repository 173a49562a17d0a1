// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/selectors/default_selector.h"

#include <cerrno>
#include <memory>
#include <string>
#include <vector>

#include "evkit/base/errno_status.h"
#include "evkit/base/fault_injection.h"
#include "evkit/selectors/internal/portable_selector.h"
#include "evkit/selectors/selector.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

// The call that `selector` waits with.
std::string WaitsWith(Selector& selector) {
  FaultInjection faults;
  std::vector<ReadyEvent> events;
  EXPECT_TRUE(selector.Select(absl::ZeroDuration(), events).ok());
  for (const FaultInjection::Site& site : faults.Sites()) return site.call;
  return "";
}

// SEL-12
TEST(DefaultSelectorTest, IsEpoll) {
  EXPECT_EQ(WaitsWith(**NewDefaultSelector()), "epoll_wait");
}

// SEL-12
TEST(DefaultSelectorTest, IsPollWithoutEpoll) {
  std::unique_ptr<Selector> selector;
  {
    FaultInjection faults;
    faults.Fail("epoll_create1", ENOSYS);
    selector = *NewDefaultSelector();
  }
  EXPECT_EQ(WaitsWith(*selector), "ppoll");
}

// SEL-12
TEST(DefaultSelectorTest, IsSelectWithoutEpollAndPoll) {
  std::unique_ptr<Selector> selector;
  {
    FaultInjection faults;
    faults.Fail("epoll_create1", ENOSYS);
    faults.Fail("ppoll", ENOSYS);
    selector = *NewDefaultSelector();
  }
  EXPECT_EQ(WaitsWith(*selector), "pselect");
}

TEST(DefaultSelectorTest, FailsIfThereIsNone) {
  FaultInjection faults;
  faults.Fail("epoll_create1", ENOSYS);
  faults.Fail("ppoll", ENOSYS);
  faults.Fail("pselect", ENOSYS);
  EXPECT_EQ(ErrnoFromStatus(NewDefaultSelector().status()), ENOSYS);
}

TEST(DefaultSelectorTest, OutOfDescriptorsIsReportedAndNotWorkedAround) {
  FaultInjection faults;
  faults.Fail("epoll_create1", EMFILE);
  EXPECT_EQ(ErrnoFromStatus(NewDefaultSelector().status()), EMFILE);
  EXPECT_EQ(faults.Count("ppoll"), 0);
}

TEST(PortableSelectorTest, IsPollAndElseSelect) {
  EXPECT_EQ(WaitsWith(**selectors_internal::NewPortableSelector()), "ppoll");
}

}  // namespace
}  // namespace evkit
