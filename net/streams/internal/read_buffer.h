// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Bytes that come in at one end and are taken out at the other, contiguous. A
// byte is moved a constant number of times on average, however it is cut; what
// is taken whole is not copied but handed over; and empty, it owns no memory.

#ifndef EVKIT_NET_STREAMS_INTERNAL_READ_BUFFER_H_
#define EVKIT_NET_STREAMS_INTERNAL_READ_BUFFER_H_

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"

namespace evkit::net_internal {

class ReadBuffer {
 public:
  ReadBuffer() = default;
  ReadBuffer(const ReadBuffer&) = delete;
  ReadBuffer& operator=(const ReadBuffer&) = delete;

  // Valid until the next of the calls below.
  absl::string_view view() const {
    return absl::string_view(bytes_).substr(begin_);
  }
  size_t size() const { return bytes_.size() - begin_; }
  bool empty() const { return size() == 0; }

  void Append(absl::string_view data);

  // The first `n` bytes, which must be there.
  std::string Take(size_t n);
  void Drop(size_t n);

 private:
  void MakeRoom(size_t n);

  std::string bytes_;
  size_t begin_ = 0;  // What lies before it was taken.
};

}  // namespace evkit::net_internal

#endif  // EVKIT_NET_STREAMS_INTERNAL_READ_BUFFER_H_
