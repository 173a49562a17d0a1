// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "evkit/bench/net/command_line.h"
#include "evkit/bench/net/load.h"

namespace evkit {

void RunDatagramLoad(const LoadOptions& options, LoadResult& result) {
  const auto size = static_cast<size_t>(options.size);
  const std::vector<char> pattern = MakePattern(size);
  std::vector<char> reply(size + 1);
  std::vector<pollfd> sockets(options.connections);
  std::vector<uint64_t> began(sockets.size());
  int64_t asked = 0;
  const auto request = [&](size_t i) {
    if (options.requests > 0 && asked == options.requests) {
      return;
    }
    ++asked;
    if (options.lock_step) {
      WaitUntilAsleep(options.server_pid);
    }
    began[i] = NowNs();
    DieIfNegative(send(sockets[i].fd, pattern.data(), size, 0), "send");
  };

  for (pollfd& socket : sockets) {
    socket.fd = ConnectTo(options.port, SOCK_DGRAM, SOCK_NONBLOCK);
    socket.events = POLLIN;
  }
  result.Begin();
  for (size_t i = 0; i < sockets.size(); ++i) {
    request(i);
  }
  uint64_t now = NowNs();
  while (!result.IsOver(now)) {
    const int ready = poll(sockets.data(), sockets.size(), 1000);
    if (ready < 0 && errno != EINTR) {
      Die("poll");
    }
    for (size_t i = 0; i < sockets.size(); ++i) {
      if (ready == 0) {  // A whole second: all that were under way are lost.
        ++result.lost;
        --asked;
        request(i);
      } else if (sockets[i].revents != 0) {
        const ssize_t got =
            recv(sockets[i].fd, reply.data(), reply.size(), MSG_DONTWAIT);
        if (got != static_cast<ssize_t>(size) ||
            std::memcmp(reply.data(), pattern.data(), size) != 0) {
          Die("not the echo of a datagram");
        }
        now = NowNs();
        result.Add(now - began[i], now);
        request(i);
      }
    }
    now = NowNs();
  }
  for (pollfd& socket : sockets) {
    close(socket.fd);
  }
}

}  // namespace evkit
