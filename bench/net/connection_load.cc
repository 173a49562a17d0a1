// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "evkit/bench/net/command_line.h"
#include "evkit/bench/net/load.h"

namespace evkit {
namespace {

// A connection of mode accept: from connect(2) until its echo is complete.
class Cycle {
 public:
  int fd = -1;
  uint64_t began = 0;
  bool sent = false;
  size_t received = 0;
};

class AcceptLoad {
 public:
  AcceptLoad(const LoadOptions& options, LoadResult& result)
      : options_(options),
        result_(result),
        size_(static_cast<size_t>(options.size)),
        pattern_(MakePattern(size_)),
        buffer_(size_),
        cycles_(options.connections) {}

  void Run() {
    epoll_ = static_cast<int>(
        DieIfNegative(epoll_create1(EPOLL_CLOEXEC), "epoll_create1"));
    result_.Begin();
    for (size_t i = 0; i < cycles_.size(); ++i) {
      Begin(i);
    }
    uint64_t now = NowNs();
    while (!result_.IsOver(now)) {
      epoll_event events[64];
      const int ready = epoll_wait(epoll_, events, 64, 1000);
      if (ready < 0 && errno != EINTR) {
        Die("epoll_wait");
      }
      for (int i = 0; i < ready; ++i) {
        Advance(events[i].data.u64, events[i].events);
      }
      now = NowNs();
    }
    for (Cycle& cycle : cycles_) {
      End(cycle);
    }
    close(epoll_);
  }

 private:
  void Begin(size_t i) {
    if (options_.requests > 0 &&
        begun_ == static_cast<uint64_t>(options_.requests)) {
      return;
    }
    ++begun_;
    Cycle& cycle = cycles_[i];
    cycle = Cycle();
    cycle.began = NowNs();
    cycle.fd = ConnectTo(options_.port, SOCK_STREAM, SOCK_NONBLOCK);
    WatchEdges(epoll_, cycle.fd, i);
  }

  // With a reset: no address waits for the rest of its minute.
  void End(Cycle& cycle) {
    if (cycle.fd < 0) {
      return;
    }
    linger reset = {};
    reset.l_onoff = 1;
    DieIfNegative(
        setsockopt(cycle.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset),
        "setsockopt");
    close(cycle.fd);
    cycle.fd = -1;
  }

  void Advance(size_t i, uint32_t events) {
    Cycle& cycle = cycles_[i];
    if (!cycle.sent && (events & EPOLLOUT) != 0) {
      cycle.sent = true;
      if (send(cycle.fd, pattern_.data(), size_, MSG_NOSIGNAL) !=
          static_cast<ssize_t>(size_)) {
        Die("send");
      }
    }
    if ((events & EPOLLIN) == 0) {
      return;
    }
    const ssize_t size =
        recv(cycle.fd, buffer_.data(), size_ - cycle.received, 0);
    if (size <= 0) {
      Die("recv");
    }
    if (options_.verify &&
        std::memcmp(buffer_.data(), pattern_.data() + cycle.received,
                    static_cast<size_t>(size)) != 0) {
      errno = 0;
      Die("an echo has other bytes than it should");
    }
    cycle.received += static_cast<size_t>(size);
    if (cycle.received == size_) {
      End(cycle);
      const uint64_t now = NowNs();
      result_.Add(now - cycle.began, now);
      Begin(i);
    }
  }

  const LoadOptions& options_;
  LoadResult& result_;
  const size_t size_;
  const std::vector<char> pattern_;
  std::vector<char> buffer_;
  std::vector<Cycle> cycles_;
  uint64_t begun_ = 0;
  int epoll_ = -1;
};

// Sends one request and waits for its echo.
void Echo(int fd, const std::vector<char>& request, size_t size,
          LoadResult& result) {
  const uint64_t began = NowNs();
  if (send(fd, request.data(), size, MSG_NOSIGNAL) !=
      static_cast<ssize_t>(size)) {
    Die("send");
  }
  std::vector<char> reply(size);
  if (recv(fd, reply.data(), size, MSG_WAITALL) != static_cast<ssize_t>(size) ||
      std::memcmp(reply.data(), request.data(), size) != 0) {
    Die("no echo");
  }
  const uint64_t now = NowNs();
  result.Add(now - began, now);
}

// Opens `count` connections and uses each once.
void OpenUsed(const LoadOptions& options, int64_t count,
              const std::vector<char>& request, std::vector<int>& fds,
              LoadResult& result) {
  for (int64_t i = 0; i < count; ++i) {
    fds.push_back(ConnectTo(options.port, SOCK_STREAM, 0));
    Echo(fds.back(), request, static_cast<size_t>(options.size), result);
  }
}

}  // namespace

void RunAcceptLoad(const LoadOptions& options, LoadResult& result) {
  AcceptLoad(options, result).Run();
}

void RunIdleLoad(const LoadOptions& options, LoadResult& result) {
  const std::vector<char> request =
      MakePattern(static_cast<size_t>(options.size));
  std::vector<int> fds;
  result.Begin();
  // What the first ones bring about, such as the loop's own buffers, is no
  // connection's.
  const int64_t first = options.connections / 100 + 1;
  OpenUsed(options, first, request, fds, result);
  const uint64_t before = ReadResidentBytes(options.server_pid);
  OpenUsed(options, options.connections, request, fds, result);
  const uint64_t after = ReadResidentBytes(options.server_pid);
  result.End(NowNs());
  if (after > before) {
    result.bytes_per_connection = static_cast<double>(after - before) /
                                  static_cast<double>(options.connections);
  }
  for (const int fd : fds) {
    close(fd);
  }
}

}  // namespace evkit
