// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// What the selectors over real descriptors have in common: who is registered,
// in a dense array indexed by descriptor (the kernel gives out the lowest free
// number), and the answers to wrong calls.

#ifndef EVKIT_SELECTORS_INTERNAL_DESCRIPTOR_TABLE_H_
#define EVKIT_SELECTORS_INTERNAL_DESCRIPTOR_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "evkit/selectors/selector.h"

namespace evkit::selectors_internal {

class DescriptorTable {
 public:
  struct Entry {
    uint64_t token = 0;
    uint32_t tag = 0;                     // The selector's own.
    Interest interest = Interest::kNone;  // kNone: not registered.
  };

  DescriptorTable() = default;

  // Null if `fd` is not registered; any number may be asked for. Valid until
  // the next `Insert()`.
  Entry* Find(int fd) {
    if (static_cast<size_t>(fd) >= entries_.size()) return nullptr;
    Entry& entry = entries_[static_cast<size_t>(fd)];
    return Any(entry.interest) ? &entry : nullptr;
  }
  const Entry* Find(int fd) const {
    return const_cast<DescriptorTable*>(this)->Find(fd);
  }

  // Whether `Register`, `Modify` and the calls that name an `fd` are in order.
  absl::Status CheckRegister(int fd, Interest interest) const {
    const bool in_order =
        !closed_ && fd >= 0 && Any(interest) && Find(fd) == nullptr;
    return in_order ? absl::OkStatus() : RegisterError(fd, interest);
  }
  absl::Status CheckModify(int fd, Interest interest) const {
    const bool in_order = Any(interest) && Find(fd) != nullptr;
    return in_order ? absl::OkStatus() : ModifyError(fd, interest);
  }
  absl::Status CheckKnown(int fd) const {
    return Find(fd) != nullptr ? absl::OkStatus() : UnknownError(fd);
  }
  absl::Status CheckOpen() const;
  bool closed() const { return closed_; }

  // Requires that `fd` is not registered. Grows to `fd`: ask the kernel whether
  // there is such a descriptor first.
  void Insert(int fd, Interest interest, uint64_t token, uint32_t tag);
  // Requires that `fd` is registered.
  void Erase(int fd);

  // What Selector promises under these names.
  absl::StatusOr<SelectorKey> GetKey(int fd) const;
  std::vector<SelectorKey> GetKeys() const;
  size_t size() const { return size_; }
  void Close();

  // All, by descriptor; valid until the next `Insert()`.
  absl::Span<const Entry> entries() const { return entries_; }

  // Past the highest descriptor that was ever registered.
  int end() const { return static_cast<int>(entries_.size()); }

 private:
  absl::Status RegisterError(int fd, Interest interest) const;
  absl::Status ModifyError(int fd, Interest interest) const;
  absl::Status UnknownError(int fd) const;

  std::vector<Entry> entries_;
  size_t size_ = 0;
  bool closed_ = false;
};

}  // namespace evkit::selectors_internal

#endif  // EVKIT_SELECTORS_INTERNAL_DESCRIPTOR_TABLE_H_
