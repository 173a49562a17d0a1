// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// What a transport can tell about itself, asked for by key: asyncio's
// get_extra_info(), with types.
//
//   const SocketAddress* peer = transport->GetExtraInfo(kPeername);

#ifndef EVKIT_NET_EXTRA_INFO_H_
#define EVKIT_NET_EXTRA_INFO_H_

#include "evkit/net/socket.h"
#include "evkit/net/socket_address.h"

namespace evkit {

// A key in static storage; its address tells it from others. T is what it
// stands for.
template <typename T>
class ExtraInfoKey {
 public:
  explicit constexpr ExtraInfoKey(const char* name) : name_(name) {}
  ExtraInfoKey(const ExtraInfoKey&) = delete;
  ExtraInfoKey& operator=(const ExtraInfoKey&) = delete;

  // asyncio's name for it.
  const char* name() const { return name_; }

 private:
  const char* const name_;
};

// The addresses of both ends, as they were when the transport was made (TR-23).
inline constexpr ExtraInfoKey<SocketAddress> kSockname("sockname");
inline constexpr ExtraInfoKey<SocketAddress> kPeername("peername");
// The transport's socket: to look at, and for options.
inline constexpr ExtraInfoKey<SocketView> kSocket("socket");
// The descriptor of a pipe.
inline constexpr ExtraInfoKey<int> kPipe("pipe");

}  // namespace evkit

#endif  // EVKIT_NET_EXTRA_INFO_H_
