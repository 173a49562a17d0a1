// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/streams/internal/read_buffer.h"

#include <algorithm>
#include <utility>

namespace evkit::net_internal {
namespace {

// Below this a copy is cheaper than a string that changes hands.
constexpr size_t kWorthMoving = 32;

}  // namespace

void ReadBuffer::Append(absl::string_view data) {
  if (begin_ > 0 && bytes_.size() + data.size() > bytes_.capacity()) {
    MakeRoom(data.size());
  }
  bytes_.append(data.data(), data.size());
}

// Moving `size()` bytes is paid for by as many that were taken before, or by
// the growth of the memory to the double.
void ReadBuffer::MakeRoom(size_t n) {
  if (begin_ >= size()) {
    bytes_.erase(0, begin_);
  } else {
    std::string larger;
    larger.reserve(std::max(2 * bytes_.capacity(), size() + n));
    larger.append(bytes_, begin_);
    bytes_.swap(larger);
  }
  begin_ = 0;
}

std::string ReadBuffer::Take(size_t n) {
  const size_t left = size() - n;
  if (begin_ > 0 || n < kWorthMoving || left > n || bytes_.capacity() / 4 > n) {
    std::string taken(view().substr(0, n));
    Drop(n);
    return taken;
  }
  std::string rest(bytes_, n);
  bytes_.resize(n);
  bytes_.swap(rest);
  return rest;
}

void ReadBuffer::Drop(size_t n) {
  begin_ += n;
  if (begin_ < bytes_.size()) return;
  begin_ = 0;
  // Assigning an empty string would keep the memory.
  std::string().swap(bytes_);
}

}  // namespace evkit::net_internal
