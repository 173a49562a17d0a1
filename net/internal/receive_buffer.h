// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// The memory that a loop's transports receive into, and lend to their protocols
// for the time of a call: one for each loop, since only one of its callbacks
// runs at a time.

#ifndef EVKIT_NET_INTERNAL_RECEIVE_BUFFER_H_
#define EVKIT_NET_INTERNAL_RECEIVE_BUFFER_H_

#include <cstddef>
#include <memory>

#include "absl/types/span.h"
#include "evkit/loop/abstract_event_loop.h"

namespace evkit::net_internal {

class ReceiveBuffer {
 public:
  // That of `loop`, which is open.
  static ReceiveBuffer& Of(AbstractEventLoop& loop);

  ReceiveBuffer() = default;
  ReceiveBuffer(const ReceiveBuffer&) = delete;
  ReceiveBuffer& operator=(const ReceiveBuffer&) = delete;

  // `size` bytes of whatever. What was lent before is no longer valid.
  absl::Span<char> Lend(size_t size) {
    if (size > size_) Grow(size);
    return absl::MakeSpan(aligned_, size);
  }

 private:
  // Memory that nothing is received into is never touched, so it costs nothing.
  void Grow(size_t size);

  std::unique_ptr<char[]> memory_;
  char* aligned_ = nullptr;  // In it.
  size_t size_ = 0;
};

}  // namespace evkit::net_internal

#endif  // EVKIT_NET_INTERNAL_RECEIVE_BUFFER_H_
