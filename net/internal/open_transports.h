// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// The transports that a loop keeps alive: from when they are made until their
// protocol's ConnectionLost() has returned, or the loop is closed.

#ifndef EVKIT_NET_INTERNAL_OPEN_TRANSPORTS_H_
#define EVKIT_NET_INTERNAL_OPEN_TRANSPORTS_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "evkit/loop/abstract_event_loop.h"

namespace evkit::net_internal {

// What such a transport also is.
class OpenTransport {
 public:
  // The loop is being closed: let go of the descriptor and of what is the
  // user's, call nobody, and do not touch the loop any more.
  virtual void LoopClosed() = 0;

  // It belongs to no loop any more, and this was the loop's share of it; for
  // one that is pointed to all the same, for a while.
  virtual void Left(const std::shared_ptr<OpenTransport>& /*share*/) {}

 protected:
  OpenTransport() = default;
  ~OpenTransport() = default;

 private:
  friend class OpenTransports;
  uint32_t index_ = 0;
};

// One for each loop.
class OpenTransports {
 public:
  // That of `loop`, which is open.
  static OpenTransports& Of(AbstractEventLoop& loop);

  OpenTransports() = default;
  OpenTransports(const OpenTransports&) = delete;
  OpenTransports& operator=(const OpenTransports&) = delete;
  ~OpenTransports();

  void Add(std::shared_ptr<OpenTransport> transport);
  // The loop's share of one that is in.
  const std::shared_ptr<OpenTransport>& Get(
      const OpenTransport& transport) const {
    return open_[transport.index_];
  }
  // Takes out one that is in, and gives the loop's share to the caller.
  std::shared_ptr<OpenTransport> Remove(OpenTransport& transport);

 private:
  std::vector<std::shared_ptr<OpenTransport>> open_;
};

}  // namespace evkit::net_internal

#endif  // EVKIT_NET_INTERNAL_OPEN_TRANSPORTS_H_
