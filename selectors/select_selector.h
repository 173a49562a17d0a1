// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Selector over select(2): where there is nothing else. Descriptors of
// FD_SETSIZE (1024) and more are refused, however few are registered; the time
// of `Select()` grows with the highest number.
//
// Takes regular files, which are always ready. A hang-up without an error
// counts as readable only: select does not tell it apart.

#ifndef EVKIT_SELECTORS_SELECT_SELECTOR_H_
#define EVKIT_SELECTORS_SELECT_SELECTOR_H_

#include <sys/select.h>

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

class SelectSelector final : public Selector {
 public:
  // Fails with what pselect(2) fails with: kUnimplemented (ENOSYS).
  static absl::StatusOr<std::unique_ptr<SelectSelector>> Create();

  // kInvalidArgument also for a descriptor of FD_SETSIZE or more.
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
  SelectSelector();

  void Watch(int fd, Interest interest);
  void Remove(int fd);
  void Collect(int count, const fd_set& readable, const fd_set& writable,
               std::vector<ReadyEvent>& events) const;
  void CollectClosed(std::vector<ReadyEvent>& events);

  selectors_internal::DescriptorTable table_;
  // What select is asked about. A registered descriptor that was found closed
  // is in neither.
  fd_set readable_;
  fd_set writable_;
  int end_ = 0;  // Past the highest registered descriptor.
};

}  // namespace evkit

#endif  // EVKIT_SELECTORS_SELECT_SELECTOR_H_
