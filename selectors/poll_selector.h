// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Selector over poll(2): portable, and the check on the faster ones. The time
// of `Select()` grows with the number of registered descriptors.
//
// Takes regular files, which are always ready.

#ifndef EVKIT_SELECTORS_POLL_SELECTOR_H_
#define EVKIT_SELECTORS_POLL_SELECTOR_H_

#include <poll.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "evkit/selectors/internal/descriptor_table.h"
#include "evkit/selectors/selector.h"

namespace evkit {

class PollSelector final : public Selector {
 public:
  // Fails with what ppoll(2) fails with: kUnimplemented (ENOSYS).
  static absl::StatusOr<std::unique_ptr<PollSelector>> Create();

  absl::Status Register(int fd, Interest interest, uint64_t token) override;
  absl::Status Modify(int fd, Interest interest, uint64_t token) override;
  absl::StatusOr<SelectorKey> Unregister(int fd) override;
  absl::StatusOr<SelectorKey> GetKey(int fd) const override;
  std::vector<SelectorKey> GetKeys() const override;
  size_t size() const override { return table_.size(); }
  absl::Status Select(absl::Duration timeout,
                      std::vector<ReadyEvent>& events) override;
  void Close() override;

 private:
  PollSelector() = default;

  void Remove(int fd);
  void Collect(int count, std::vector<ReadyEvent>& events);

  // Tag: where it is in poll_fds_.
  selectors_internal::DescriptorTable table_;
  // One for each registered descriptor; the complement of its number (which is
  // negative, so poll ignores it) once it was found closed.
  std::vector<pollfd> poll_fds_;
};

}  // namespace evkit

#endif  // EVKIT_SELECTORS_POLL_SELECTOR_H_
