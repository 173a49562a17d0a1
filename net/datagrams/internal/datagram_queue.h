// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// The datagrams that wait to be sent, first in, first out. Their bytes lie in
// one piece of memory, so a queue that fills and empties all the time allocates
// nothing.

#ifndef EVKIT_NET_DATAGRAMS_INTERNAL_DATAGRAM_QUEUE_H_
#define EVKIT_NET_DATAGRAMS_INTERNAL_DATAGRAM_QUEUE_H_

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "evkit/net/socket_address.h"

namespace evkit::net_internal {

class DatagramQueue {
 public:
  // What each datagram counts for besides its bytes (DGRAM-14).
  static constexpr size_t kHeaderSize = 8;

  DatagramQueue() = default;
  DatagramQueue(const DatagramQueue&) = delete;
  DatagramQueue& operator=(const DatagramQueue&) = delete;

  bool empty() const { return size() == 0; }
  size_t size() const { return entries_.size() - head_; }
  // Bytes and headers.
  size_t charge() const { return charge_; }

  // Copies `data`.
  void Push(absl::string_view data, const SocketAddress& to);

  // The `i`-th from the front. Valid until the next change.
  absl::string_view data(size_t i) const {
    const Entry& entry = entries_[head_ + i];
    return absl::string_view(bytes_).substr(entry.offset, entry.size);
  }
  const SocketAddress& to(size_t i) const { return entries_[head_ + i].to; }

  // Drops the first `count`, which there are.
  void Pop(size_t count = 1);
  void Clear();

 private:
  class Entry {
   public:
    Entry(SocketAddress to_in, size_t offset_in, size_t size_in)
        : to(std::move(to_in)), offset(offset_in), size(size_in) {}

    SocketAddress to;
    size_t offset;  // In bytes_.
    size_t size;
  };

  // Gives the memory of what was popped to what comes.
  void Compact();

  std::vector<Entry> entries_;
  std::string bytes_;
  size_t head_ = 0;  // The entries before it were popped.
  size_t charge_ = 0;
};

}  // namespace evkit::net_internal

#endif  // EVKIT_NET_DATAGRAMS_INTERNAL_DATAGRAM_QUEUE_H_
