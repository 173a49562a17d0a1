// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// For tests: connected sockets, and ones whose calls misbehave.

#ifndef EVKIT_NET_SOCKET_TESTING_H_
#define EVKIT_NET_SOCKET_TESTING_H_

#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "evkit/base/fault_injection.h"
#include "evkit/net/socket.h"
#include "evkit/net/socket_address.h"
#include "gtest/gtest.h"

namespace evkit {

inline std::pair<Socket, Socket> TcpPair() {
  Socket listener = *Socket::Create(AF_INET, SOCK_STREAM);
  EXPECT_TRUE(listener.Bind(SocketAddress::LoopbackIPv4(0)).ok());
  // Fixed buffers, so that what fills them is known; accepted sockets inherit.
  EXPECT_TRUE(listener.SetOption(SOL_SOCKET, SO_RCVBUF, 400'000).ok());
  EXPECT_TRUE(listener.SetOption(SOL_SOCKET, SO_SNDBUF, 400'000).ok());
  EXPECT_TRUE(listener.Listen(1).ok());
  Socket client = *Socket::Create(AF_INET, SOCK_STREAM);
  EXPECT_TRUE(client.SetOption(SOL_SOCKET, SO_RCVBUF, 400'000).ok());
  EXPECT_TRUE(client.SetOption(SOL_SOCKET, SO_SNDBUF, 400'000).ok());
  EXPECT_TRUE(client.Connect(*listener.LocalAddress()).ok());
  Socket server = std::move((*listener.Accept())->first);
  return std::pair(std::move(client), std::move(server));
}

// Unix sockets with a small buffer.
inline std::pair<Socket, Socket> SmallUnixPair() {
  std::pair<Socket, Socket> sockets = *Socket::Pair();
  EXPECT_TRUE(sockets.first.SetOption(SOL_SOCKET, SO_SNDBUF, 8192).ok());
  EXPECT_TRUE(sockets.second.SetOption(SOL_SOCKET, SO_SNDBUF, 8192).ok());
  return sockets;
}

// As long as it lives, `calls` take little, find nothing, and are interrupted,
// as the seed has it. At most three of them.
inline std::shared_ptr<FaultInjection> NewHarmlessFaults(
    const std::vector<std::string>& calls, uint64_t seed) {
  auto faults = std::make_shared<FaultInjection>();
  std::mt19937_64 random(seed);
  for (const std::string& call : calls) {
    int nth = 0;
    for (int i = 0; i < 9; ++i) {
      nth += 1 + static_cast<int>(random() % 10);
      faults->Fail(call, random() % 2 == 0 ? EAGAIN : EINTR, nth,
                   1 + static_cast<int>(random() % 3));
    }
  }
  for (const std::string& call : calls) {
    // A message of several pieces is not cut.
    if (call == "sendmsg") continue;
    faults->LimitSize(call, 100 + random() % 3000);
  }
  return faults;
}

}  // namespace evkit

#endif  // EVKIT_NET_SOCKET_TESTING_H_
