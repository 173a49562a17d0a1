// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// For this package's tests: something to connect to.

#ifndef EVKIT_NET_CONNECTIONS_LOCAL_PORT_H_
#define EVKIT_NET_CONNECTIONS_LOCAL_PORT_H_

#include "evkit/net/socket.h"
#include "evkit/net/socket_address.h"
#include "gtest/gtest.h"

namespace evkit {

// A socket bound to a port of 127.0.0.1 that the kernel chose. Whoever connects
// is refused, unless it listens.
class LocalPort {
 public:
  LocalPort() : socket_(*Socket::Create(AF_INET, SOCK_STREAM)) {
    EXPECT_TRUE(socket_.Bind(SocketAddress::LoopbackIPv4(0)).ok());
  }

  SocketAddress address() const { return *socket_.LocalAddress(); }
  Socket& socket() { return socket_; }

  // Takes connections; the kernel completes them.
  void Listen() { EXPECT_TRUE(socket_.Listen(16).ok()); }

  // Lets whoever connects wait: its queue of connections is full.
  void ListenAndAnswerNobody() {
    EXPECT_TRUE(socket_.Listen(0).ok());
    filler_ = *Socket::Create(AF_INET, SOCK_STREAM);
    EXPECT_TRUE(filler_.Connect(address()).ok());
  }

 private:
  Socket socket_;
  Socket filler_;
};

}  // namespace evkit

#endif  // EVKIT_NET_CONNECTIONS_LOCAL_PORT_H_
