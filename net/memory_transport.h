// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Two connected transports in memory, for tests: all the rules of stream
// transports without a socket, and a network that does what the test says.
//
//   MemoryTransportPair pair =
//       NewMemoryTransportPair(loop, client_protocol, server_protocol);
//   pair.first->Write("hello").IgnoreError();

#ifndef EVKIT_NET_MEMORY_TRANSPORT_H_
#define EVKIT_NET_MEMORY_TRANSPORT_H_

#include <cstddef>
#include <functional>
#include <memory>

#include "evkit/loop/abstract_event_loop.h"
#include "evkit/net/protocol.h"
#include "evkit/net/transport.h"

namespace evkit {

// Fill in a named object.
class MemoryTransportOptions {
 public:
  MemoryTransportOptions() = default;

  // How many bytes are under way in each direction before writing blocks.
  size_t capacity = 65536;
  // Given how many bytes could move at once, into the network or out of it,
  // says how many do: 1 or more. By default all.
  std::function<size_t(size_t size)> split;
};

// The two ends. Copyable.
class MemoryTransportPair {
 public:
  MemoryTransportPair(std::shared_ptr<Transport> one,
                      std::shared_ptr<Transport> other,
                      std::function<void(int error)> breaker);

  // Breaks the connection: both ends can still receive what is under way, and
  // then fail with `error`, an errno; writing fails at once.
  void Break(int error) const { breaker_(error); }

  std::shared_ptr<Transport> first;
  std::shared_ptr<Transport> second;

 private:
  std::function<void(int error)> breaker_;
};

// As NewStreamTransport(), twice: queues the callbacks of the first, then those
// of the second. An end that closes with bytes left to receive resets the
// connection, as TCP does. They have no address, no socket, and no descriptor;
// what they move is ready as soon as it is written.
MemoryTransportPair NewMemoryTransportPair(
    AbstractEventLoop& loop, std::shared_ptr<Protocol> first,
    std::shared_ptr<Protocol> second,
    MemoryTransportOptions options = MemoryTransportOptions());

}  // namespace evkit

#endif  // EVKIT_NET_MEMORY_TRANSPORT_H_
