// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Selector over epoll(7), level-triggered: the one for Linux.
//
// What it costs, however many descriptors are registered: `Select()` one system
// call (and no allocation, once `events` has grown), `Register()`, `Modify()`
// and `Unregister()` one epoll_ctl each, `Forget()` none.
//
// Regular files and directories are refused (EPERM): to epoll they have no
// readiness. PollSelector takes them, and finds them always ready.

#ifndef EVKIT_SELECTORS_EPOLL_SELECTOR_H_
#define EVKIT_SELECTORS_EPOLL_SELECTOR_H_

#include <sys/epoll.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "evkit/base/unique_fd.h"
#include "evkit/selectors/internal/descriptor_table.h"
#include "evkit/selectors/internal/remaining_wait.h"
#include "evkit/selectors/selector.h"

namespace evkit {

class EpollSelector final : public Selector {
 public:
  // Fails with what epoll_create1(2) fails with: kResourceExhausted (EMFILE,
  // ENFILE, ENOMEM), kUnimplemented (ENOSYS).
  static absl::StatusOr<std::unique_ptr<EpollSelector>> Create();

  // The epoll descriptor itself: readable when a registered descriptor is
  // ready, so it can be watched by another selector. Close-on-exec. -1 after
  // `Close()`. Not for epoll_ctl by hand.
  int fd() const { return epoll_fd_.get(); }

  absl::Status Register(int fd, Interest interest, uint64_t token) override;
  absl::Status Modify(int fd, Interest interest, uint64_t token) override;
  absl::StatusOr<SelectorKey> Unregister(int fd) override;
  absl::StatusOr<SelectorKey> Forget(int fd) override;
  absl::StatusOr<SelectorKey> GetKey(int fd) const override;
  std::vector<SelectorKey> GetKeys() const override;
  size_t size() const override { return table_.size(); }
  absl::Status Select(absl::Duration timeout,
                      std::vector<ReadyEvent>& events) override;
  void Close() override;

 private:
  explicit EpollSelector(UniqueFd epoll_fd);

  inline int Wait(const selectors_internal::RemainingWait& wait);
  int WaitUntilEnd(const selectors_internal::RemainingWait& wait);
  inline bool Collect(int count, std::vector<ReadyEvent>& events);
  bool DropLeftovers(int count);
  bool MoveToNewSet();

  UniqueFd epoll_fd_;
  // Tag: the generation, which tells registrations of one number apart.
  selectors_internal::DescriptorTable table_;
  uint32_t last_generation_ = 0;
  bool has_epoll_pwait2_ = true;  // Until the kernel says otherwise.
  int max_events_ = 1024;
  std::vector<epoll_event> kernel_events_;  // So many, while open.
};

}  // namespace evkit

#endif  // EVKIT_SELECTORS_EPOLL_SELECTOR_H_
