// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/selectors/internal/descriptor_table.h"

#include "evkit/selectors/internal/call_errors.h"

namespace evkit::selectors_internal {

absl::Status DescriptorTable::RegisterError(int fd, Interest interest) const {
  absl::Status status = CheckOpen();
  if (status.ok()) status = CheckArguments(fd, interest);
  return status.ok() ? AlreadyRegisteredError(fd) : status;
}

absl::Status DescriptorTable::ModifyError(int fd, Interest interest) const {
  absl::Status status = CheckOpen();
  if (status.ok()) status = CheckArguments(fd, interest);
  return status.ok() ? UnknownError(fd) : status;
}

absl::Status DescriptorTable::UnknownError(int fd) const {
  absl::Status status = CheckOpen();
  return status.ok() ? NotRegisteredError(fd) : status;
}

absl::Status DescriptorTable::CheckOpen() const {
  return closed_ ? ClosedError() : absl::OkStatus();
}

void DescriptorTable::Insert(int fd, Interest interest, uint64_t token,
                             uint32_t tag) {
  const auto index = static_cast<size_t>(fd);
  if (index >= entries_.size()) entries_.resize(index + 1);
  Entry& entry = entries_[index];
  entry.token = token;
  entry.tag = tag;
  entry.interest = interest;
  ++size_;
}

void DescriptorTable::Erase(int fd) {
  entries_[static_cast<size_t>(fd)] = Entry();
  --size_;
}

absl::StatusOr<SelectorKey> DescriptorTable::GetKey(int fd) const {
  if (absl::Status status = CheckKnown(fd); !status.ok()) return status;
  const Entry& entry = *Find(fd);
  return SelectorKey(fd, entry.interest, entry.token);
}

std::vector<SelectorKey> DescriptorTable::GetKeys() const {
  std::vector<SelectorKey> keys;
  keys.reserve(size_);
  for (int fd = 0; fd < end(); ++fd) {
    if (const Entry* entry = Find(fd)) {
      keys.emplace_back(fd, entry->interest, entry->token);
    }
  }
  return keys;
}

void DescriptorTable::Close() {
  entries_.clear();
  size_ = 0;
  closed_ = true;
}

}  // namespace evkit::selectors_internal
