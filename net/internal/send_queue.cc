// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/internal/send_queue.h"

#include <sys/uio.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "evkit/base/check.h"

namespace evkit::net_internal {
namespace {

// What a chunk has room for: as much as waits already, within these.
constexpr size_t kSmallestChunk = 4096;
constexpr size_t kLargestShared = 65536;

}  // namespace

void SendQueue::Append(absl::string_view data) {
  if (data.empty()) return;
  if (!empty()) {
    std::string& last = chunks_.back();
    const size_t fits = std::min(last.capacity() - last.size(), data.size());
    last.append(data.data(), fits);
    size_ += fits;
    data.remove_prefix(fits);
    if (data.empty()) return;
  }
  std::string chunk;
  chunk.reserve(
      std::max(data.size(), std::clamp(size_, kSmallestChunk, kLargestShared)));
  chunk.append(data.data(), data.size());
  chunks_.push_back(std::move(chunk));
  size_ += data.size();
}

size_t SendQueue::Gather(absl::Span<iovec> pieces) const {
  size_t count = 0;
  size_t skip = offset_;
  for (size_t i = first_; i < chunks_.size() && count < pieces.size(); ++i) {
    const std::string& chunk = chunks_[i];
    pieces[count].iov_base = const_cast<char*>(chunk.data()) + skip;
    pieces[count].iov_len = chunk.size() - skip;
    ++count;
    skip = 0;
  }
  return count;
}

void SendQueue::Consume(size_t bytes) {
  EVKIT_CHECK(bytes <= size_, "more was sent than there was");
  size_ -= bytes;
  if (size_ == 0) {
    Clear();
    return;
  }
  offset_ += bytes;
  while (offset_ >= chunks_[first_].size()) {
    offset_ -= chunks_[first_].size();
    chunks_[first_++] = std::string();
  }
  // At most half of the list is gaps, and each element moves once for each
  // that was sent.
  if (first_ * 2 > chunks_.size()) {
    chunks_.erase(chunks_.begin(),
                  chunks_.begin() + static_cast<ptrdiff_t>(first_));
    first_ = 0;
  }
}

void SendQueue::Clear() {
  chunks_ = std::vector<std::string>();
  first_ = 0;
  offset_ = 0;
  size_ = 0;
}

}  // namespace evkit::net_internal
