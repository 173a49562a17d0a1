// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Several datagrams in one system call: recvmmsg(2) and sendmmsg(2), and the
// arrays that they want.

#ifndef EVKIT_NET_DATAGRAMS_INTERNAL_DATAGRAM_BATCH_H_
#define EVKIT_NET_DATAGRAMS_INTERNAL_DATAGRAM_BATCH_H_

#include <sys/socket.h>

#include <cstddef>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "evkit/loop/abstract_event_loop.h"
#include "evkit/net/datagrams/internal/datagram_queue.h"
#include "evkit/net/socket.h"
#include "evkit/net/socket_address.h"

namespace evkit::net_internal {

// The most that the kernel takes at once (UIO_MAXIOV).
constexpr size_t kMaxDatagramBatch = 1024;

// One for each loop.
class DatagramReceiver {
 public:
  static DatagramReceiver& Of(AbstractEventLoop& loop);

  DatagramReceiver() = default;
  DatagramReceiver(const DatagramReceiver&) = delete;
  DatagramReceiver& operator=(const DatagramReceiver&) = delete;

  // Receives as many datagrams as there are, up to `count`, each into its part
  // of `memory`. `bytes()` of the result is how many.
  IoResult Receive(const Socket& socket, absl::Span<char> memory, size_t count);

  // Of the `i`-th of those: how long it was, which may be more than its part of
  // the memory holds; what is there of it; where it came from.
  size_t size(size_t i) const { return headers_[i].msg_len; }
  absl::string_view data(size_t i) const;
  SocketAddress from(size_t i) const;

 private:
  // Has the arrays refer to parts of `each` bytes; only `count` of them need be
  // there.
  void Prepare(char* memory, size_t each, size_t count);

  const char* memory_ = nullptr;
  size_t each_ = 0;
  size_t received_ = 0;
  std::vector<mmsghdr> headers_;
  std::vector<iovec> pieces_;
  std::vector<sockaddr_storage> addresses_;
};

// One for each loop.
class DatagramSender {
 public:
  static DatagramSender& Of(AbstractEventLoop& loop);

  DatagramSender() = default;
  DatagramSender(const DatagramSender&) = delete;
  DatagramSender& operator=(const DatagramSender&) = delete;

  // Sends the first of `queue`, at most `count`. `bytes()` of the result is how
  // many were sent; an error is the first one's.
  IoResult Send(const Socket& socket, const DatagramQueue& queue, size_t count);

 private:
  std::vector<mmsghdr> headers_;
  std::vector<iovec> pieces_;
};

}  // namespace evkit::net_internal

#endif  // EVKIT_NET_DATAGRAMS_INTERNAL_DATAGRAM_BATCH_H_
