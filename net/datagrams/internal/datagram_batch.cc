// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/datagrams/internal/datagram_batch.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "evkit/base/syscalls.h"
#include "evkit/loop/abstract_event_loop.h"
#include "evkit/loop/loop_local.h"
#include "evkit/net/datagrams/internal/datagram_queue.h"
#include "evkit/net/socket.h"
#include "evkit/net/socket_address.h"

namespace evkit::net_internal {
namespace {

const LoopLocal<DatagramReceiver> receivers;
const LoopLocal<DatagramSender> senders;

}  // namespace

DatagramReceiver& DatagramReceiver::Of(AbstractEventLoop& loop) {
  return receivers.Get(loop);
}

IoResult DatagramReceiver::Receive(const Socket& socket,
                                   absl::Span<char> memory, size_t count) {
  const size_t each = memory.size() / count;
  if (memory.data() != memory_ || each != each_ || count > headers_.size()) {
    Prepare(memory.data(), each, count);
  }
  // What the last call wrote over.
  for (size_t i = 0; i < received_; ++i) {
    headers_[i].msg_hdr.msg_namelen = sizeof(addresses_[i]);
  }
  const IoResult result = IoResult::FromSyscall(
      sys::recvmmsg(socket.fd(), headers_.data(), static_cast<unsigned>(count),
                    MSG_TRUNC, nullptr));
  received_ = result.ok() ? result.bytes() : 0;
  return result;
}

void DatagramReceiver::Prepare(char* memory, size_t each, size_t count) {
  memory_ = memory;
  each_ = each;
  count = std::max(count, headers_.size());
  headers_.assign(count, mmsghdr());
  pieces_.resize(count);
  addresses_.resize(count);
  for (size_t i = 0; i < count; ++i) {
    pieces_[i].iov_base = memory + i * each;
    pieces_[i].iov_len = each;
    msghdr& header = headers_[i].msg_hdr;
    header.msg_name = &addresses_[i];
    header.msg_namelen = sizeof(addresses_[i]);
    header.msg_iov = &pieces_[i];
    header.msg_iovlen = 1;
  }
}

absl::string_view DatagramReceiver::data(size_t i) const {
  return absl::string_view(static_cast<const char*>(pieces_[i].iov_base),
                           std::min(size(i), pieces_[i].iov_len));
}

SocketAddress DatagramReceiver::from(size_t i) const {
  absl::StatusOr<SocketAddress> address = SocketAddress::FromSockaddr(
      reinterpret_cast<const sockaddr*>(&addresses_[i]),
      headers_[i].msg_hdr.msg_namelen);
  return address.ok() ? *std::move(address) : SocketAddress();
}

DatagramSender& DatagramSender::Of(AbstractEventLoop& loop) {
  return senders.Get(loop);
}

IoResult DatagramSender::Send(const Socket& socket, const DatagramQueue& queue,
                              size_t count) {
  count = std::min(count, queue.size());
  if (headers_.size() < count) {
    headers_.resize(count);
    pieces_.resize(count);
  }
  for (size_t i = 0; i < count; ++i) {
    const absl::string_view data = queue.data(i);
    const SocketAddress& to = queue.to(i);
    pieces_[i].iov_base = const_cast<char*>(data.data());
    pieces_[i].iov_len = data.size();
    msghdr& header = headers_[i].msg_hdr;
    header = msghdr();
    if (to.size() > 0) {
      header.msg_name = const_cast<sockaddr*>(to.data());
      header.msg_namelen = to.size();
    }
    header.msg_iov = &pieces_[i];
    header.msg_iovlen = 1;
  }
  return IoResult::FromSyscall(sys::sendmmsg(socket.fd(), headers_.data(),
                                             static_cast<unsigned>(count),
                                             MSG_NOSIGNAL));
}

}  // namespace evkit::net_internal
