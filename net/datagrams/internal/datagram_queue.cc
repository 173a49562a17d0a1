// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/datagrams/internal/datagram_queue.h"

#include <cstddef>

#include "absl/strings/string_view.h"
#include "evkit/net/socket_address.h"

namespace evkit::net_internal {
namespace {

// An empty queue keeps as much memory as this.
constexpr size_t kKeptBytes = 256 * 1024;
constexpr size_t kKeptEntries = 1024;
// Fewer popped entries or bytes than this are not worth the moving.
constexpr size_t kFewEntries = 64;
constexpr size_t kFewBytes = 4096;

}  // namespace

void DatagramQueue::Push(absl::string_view data, const SocketAddress& to) {
  entries_.emplace_back(to, bytes_.size(), data.size());
  bytes_.append(data.data(), data.size());
  charge_ += data.size() + kHeaderSize;
}

void DatagramQueue::Pop(size_t count) {
  for (size_t i = 0; i < count; ++i) {
    charge_ -= entries_[head_].size + kHeaderSize;
    ++head_;
  }
  if (empty()) {
    Clear();
    return;
  }
  const size_t popped_bytes = entries_[head_].offset;
  if ((head_ > kFewEntries && head_ > entries_.size() / 2) ||
      (popped_bytes > kFewBytes && popped_bytes > bytes_.size() / 2)) {
    Compact();
  }
}

void DatagramQueue::Compact() {
  const size_t popped_bytes = entries_[head_].offset;
  bytes_.erase(0, popped_bytes);
  entries_.erase(entries_.begin(),
                 entries_.begin() + static_cast<ptrdiff_t>(head_));
  head_ = 0;
  for (Entry& entry : entries_) entry.offset -= popped_bytes;
}

void DatagramQueue::Clear() {
  entries_.clear();
  bytes_.clear();
  head_ = 0;
  charge_ = 0;
  if (entries_.capacity() > kKeptEntries) entries_ = std::vector<Entry>();
  if (bytes_.capacity() > kKeptBytes) bytes_ = std::string();
}

}  // namespace evkit::net_internal
