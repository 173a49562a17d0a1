// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// All selectors side by side, over random operations on the same descriptors,
// against what poll(2) says of each descriptor on its own.

#include <poll.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "evkit/base/unique_fd.h"
#include "evkit/selectors/fake_selector.h"
#include "evkit/selectors/internal/kernel_selectors.h"
#include "evkit/selectors/internal/poll_events.h"
#include "evkit/selectors/internal/test_descriptors.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using selectors_internal::Drain;
using selectors_internal::Duplicate;
using selectors_internal::Fill;
using selectors_internal::FromPollEvents;
using selectors_internal::ReopenAs;
using selectors_internal::SocketPair;
using selectors_internal::ToPollEvents;
using selectors_internal::WriteByte;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int kSteps = 1000;
#else
constexpr int kSteps = 3000;
#endif

class SelectorModelTest : public ::testing::TestWithParam<unsigned> {
 protected:
  struct Slot {
    SocketPair sockets;
    std::optional<SelectorKey> key;  // If registered.
  };

  SelectorModelTest() {
    for (const auto& kernels : {selectors_internal::KernelSelectors(),
                                selectors_internal::UringSelectors()}) {
      for (const selectors_internal::KernelSelector& kernel : kernels) {
        selectors_.push_back(*kernel.create());
      }
    }
    auto fake = std::make_unique<FakeSelector>();
    fake->SetPollRealDescriptors(true);
    selectors_.push_back(std::move(fake));
  }

  size_t Below(size_t end) { return random_() % end; }
  Interest AnyInterest() { return static_cast<Interest>(1 + Below(3)); }

  void Register(Slot& slot) {
    const int fd = slot.sockets.ours.get();
    const SelectorKey key(fd, AnyInterest(), ++last_token_);
    for (const auto& selector : selectors_) {
      const absl::Status status =
          selector->Register(fd, key.interest, key.token);
      ASSERT_EQ(status.code(), slot.key.has_value()
                                   ? absl::StatusCode::kAlreadyExists
                                   : absl::StatusCode::kOk)
          << status;
    }
    if (!slot.key.has_value()) slot.key = key;
  }

  void Modify(Slot& slot) {
    const int fd = slot.sockets.ours.get();
    const SelectorKey key(fd, AnyInterest(), ++last_token_);
    for (const auto& selector : selectors_) {
      const absl::Status status = selector->Modify(fd, key.interest, key.token);
      ASSERT_EQ(status.code(), slot.key.has_value()
                                   ? absl::StatusCode::kOk
                                   : absl::StatusCode::kNotFound)
          << status;
    }
    if (slot.key.has_value()) slot.key = key;
  }

  void Unregister(Slot& slot) {
    for (const auto& selector : selectors_) {
      const absl::StatusOr<SelectorKey> key =
          selector->Unregister(slot.sockets.ours.get());
      ASSERT_EQ(key.ok(), slot.key.has_value());
      if (key.ok()) {
        ASSERT_EQ(*key, *slot.key);
      }
    }
    slot.key.reset();
  }

  // Another socket under the same number; the old one may live on elsewhere.
  void Reopen(Slot& slot) {
    if (Below(2) == 0) kept_.push_back(Duplicate(slot.sockets.ours.get()));
    if (kept_.size() > 20) kept_.erase(kept_.begin());
    const bool unregister_first = Below(2) == 0;
    const bool registered = slot.key.has_value();
    if (registered && unregister_first) Unregister(slot);
    SocketPair fresh;
    ReopenAs(slot.sockets.ours, fresh.ours.get());
    std::swap(slot.sockets.peer, fresh.peer);
    if (kept_.size() % 2 == 0) kept_.push_back(std::move(fresh.peer));
    if (registered && !unregister_first) Unregister(slot);
  }

  std::vector<ReadyEvent> Expected() {
    std::vector<ReadyEvent> events;
    for (const Slot& slot : slots_) {
      if (!slot.key.has_value()) continue;
      pollfd poll_fd = {slot.key->fd, ToPollEvents(slot.key->interest), 0};
      poll(&poll_fd, 1, 0);
      const Interest ready =
          FromPollEvents(static_cast<unsigned short>(poll_fd.revents)) &
          slot.key->interest;
      if (Any(ready)) events.emplace_back(slot.key->fd, ready, slot.key->token);
    }
    return Sorted(events);
  }

  static std::vector<ReadyEvent> Sorted(std::vector<ReadyEvent> events) {
    std::sort(
        events.begin(), events.end(),
        [](const ReadyEvent& a, const ReadyEvent& b) { return a.fd < b.fd; });
    return events;
  }

  std::mt19937 random_{GetParam()};
  std::vector<std::unique_ptr<Selector>> selectors_;
  std::vector<Slot> slots_{12};
  std::vector<UniqueFd> kept_;
  uint64_t last_token_ = 0;
};

TEST_P(SelectorModelTest, AllSelectorsAgreeWithPollOfEachDescriptor) {
  std::vector<ReadyEvent> events;
  for (int step = 0; step < kSteps; ++step) {
    Slot& slot = slots_[Below(slots_.size())];
    const SocketPair& sockets = slot.sockets;
    switch (Below(9)) {
      case 0:
      case 1:
        Register(slot);
        break;
      case 2:
        Modify(slot);
        break;
      case 3:
        Unregister(slot);
        break;
      case 4:
        if (sockets.peer) Fill(sockets.peer.get());
        break;
      case 5:
        Drain(sockets.ours.get());
        break;
      case 6:
        if (sockets.peer) Fill(sockets.ours.get());
        break;
      case 7:
        if (Below(4) == 0) slot.sockets.peer.Reset();
        break;
      case 8:
        Reopen(slot);
        break;
    }
    ASSERT_FALSE(HasFatalFailure()) << "at step " << step;
    const std::vector<ReadyEvent> expected = Expected();
    for (size_t i = 0; i < selectors_.size(); ++i) {
      ASSERT_TRUE(selectors_[i]->Select(absl::ZeroDuration(), events).ok());
      ASSERT_EQ(Sorted(events), expected)
          << "selector " << i << " at step " << step;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, SelectorModelTest, ::testing::Range(1u, 6u));

}  // namespace
}  // namespace evkit
