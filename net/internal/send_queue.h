// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// The bytes that a transport still has to send, in order.

#ifndef EVKIT_NET_INTERNAL_SEND_QUEUE_H_
#define EVKIT_NET_INTERNAL_SEND_QUEUE_H_

#include <sys/uio.h>

#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace evkit::net_internal {

// Holds them in chunks: small pieces share one, so that a backlog of small
// messages allocates now and then, and no byte is moved a second time. Holds no
// memory while it is empty.
class SendQueue {
 public:
  SendQueue() = default;
  SendQueue(const SendQueue&) = delete;
  SendQueue& operator=(const SendQueue&) = delete;

  bool empty() const { return size_ == 0; }
  size_t size() const { return size_; }

  // Copies `data` to the end.
  void Append(absl::string_view data);

  // Writes what comes first into `pieces`, as many as it has room for, and
  // returns how many there are. They are valid until the queue is changed.
  size_t Gather(absl::Span<iovec> pieces) const;

  // Drops the first `bytes`, of which there are at least so many.
  void Consume(size_t bytes);

  void Clear();

 private:
  std::vector<std::string> chunks_;  // None is empty.
  size_t first_ = 0;                 // Those before it have been sent.
  size_t offset_ = 0;                // So much of that one too.
  size_t size_ = 0;
};

}  // namespace evkit::net_internal

#endif  // EVKIT_NET_INTERNAL_SEND_QUEUE_H_
