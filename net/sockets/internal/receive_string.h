// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Receiving into a string that becomes as long as what came.

#ifndef EVKIT_NET_SOCKETS_INTERNAL_RECEIVE_STRING_H_
#define EVKIT_NET_SOCKETS_INTERNAL_RECEIVE_STRING_H_

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>

#include "absl/types/span.h"
#include "evkit/net/socket.h"

namespace evkit::net_internal {

// The most that one call receives into a string.
inline constexpr size_t kMostReceived = size_t{1} << 20;

// Calls `receive`, from a span of chars to an IoResult, for at most `size`
// bytes. While it would block, `*data` holds no memory.
template <typename F>
IoResult ReceiveString(size_t size, std::string* data, F receive) {
  // Through the stack, so that neither zeroes are written first nor memory is
  // taken that is not needed.
  constexpr size_t kOnStack = size_t{64} << 10;
  if (size <= kOnStack) {
    char buffer[kOnStack];
    const IoResult result = receive(absl::MakeSpan(buffer, size));
    if (result.ok()) data->assign(buffer, result.bytes());
    return result;
  }
  std::string buffer(std::min(size, kMostReceived), '\0');
  const IoResult result = receive(absl::MakeSpan(buffer));
  if (result.ok()) {
    buffer.resize(result.bytes());
    if (buffer.size() < buffer.capacity() / 2) buffer.shrink_to_fit();
    *data = std::move(buffer);
  }
  return result;
}

}  // namespace evkit::net_internal

#endif  // EVKIT_NET_SOCKETS_INTERNAL_RECEIVE_STRING_H_
