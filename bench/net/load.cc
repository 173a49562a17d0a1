// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/bench/net/load.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdio>

#include "evkit/bench/net/command_line.h"

namespace evkit {

LoadResult::LoadResult(const LoadOptions& options) : options_(options) {}

void LoadResult::Begin() {
  warming_up_ = options_.requests == 0 && options_.warm_up > 0;
  use_ = ReadServerUse(options_.server_pid);
  began_ = NowNs();
}

void LoadResult::Add(uint64_t latency_ns, uint64_t now) {
  latencies_.Add(latency_ns);
  if (warming_up_ && now - began_ >= options_.warm_up * 1e9) {
    latencies_.Clear();
    warming_up_ = false;
    lost = 0;
    heavy_bytes = 0;
    use_ = ReadServerUse(options_.server_pid);
    began_ = NowNs();
  }
}

bool LoadResult::IsOver(uint64_t now) {
  if (options_.requests > 0
          ? latencies_.total() < static_cast<uint64_t>(options_.requests)
          : warming_up_ || now - began_ < options_.seconds * 1e9) {
    return false;
  }
  End(now);
  return true;
}

void LoadResult::End(uint64_t now) {
  if (ended_ != 0) {
    return;
  }
  ended_ = now;
  const ServerUse use = ReadServerUse(options_.server_pid);
  use_.cpu_ns = use.cpu_ns - use_.cpu_ns;
  use_.wait_ns = use.wait_ns - use_.wait_ns;
}

void LoadResult::Print() const {
  const double requests =
      latencies_.total() == 0 ? 1 : static_cast<double>(latencies_.total());
  const double seconds = static_cast<double>(ended_ - began_) / 1e9;
  const int64_t moved =
      options_.reply_size > 0 ? options_.reply_size : options_.size;
  const double elapsed = seconds > 0 ? seconds : 1;
  std::printf(
      "{\"mode\": \"%s\", \"requests\": %.0f, \"seconds\": %.6f, "
      "\"req_per_s\": %.1f, \"mib_per_s\": %.3f, "
      "\"p50_us\": %.2f, \"p99_us\": %.2f, \"p999_us\": %.2f, "
      "\"max_us\": %.2f, \"server_cpu_ns\": %.1f, "
      "\"server_wait_share\": %.4f, \"lost\": %llu, "
      "\"bytes_per_connection\": %.1f, \"heavy_mib_per_s\": %.3f}\n",
      options_.mode.c_str(), requests, seconds, requests / elapsed,
      requests * static_cast<double>(moved) / elapsed / (1 << 20),
      static_cast<double>(latencies_.Quantile(0.5)) / 1e3,
      static_cast<double>(latencies_.Quantile(0.99)) / 1e3,
      static_cast<double>(latencies_.Quantile(0.999)) / 1e3,
      static_cast<double>(latencies_.Max()) / 1e3,
      static_cast<double>(use_.cpu_ns) / requests,
      static_cast<double>(use_.wait_ns) / 1e9 / elapsed,
      static_cast<unsigned long long>(lost), bytes_per_connection,
      static_cast<double>(heavy_bytes) / elapsed / (1 << 20));
}

std::vector<char> MakePattern(size_t size) {
  std::vector<char> pattern(size + kPatternPeriod);
  for (size_t i = 0; i < pattern.size(); ++i) {
    pattern[i] = static_cast<char>(i % kPatternPeriod);
  }
  return pattern;
}

int ConnectTo(int port, int type, int flags) {
  const int fd = static_cast<int>(
      DieIfNegative(socket(AF_INET, type | SOCK_CLOEXEC | flags, 0), "socket"));
  sockaddr_in to = {};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<uint16_t>(port));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0 &&
      errno != EINPROGRESS) {
    Die("connect");
  }
  if (type == SOCK_STREAM) {
    const int on = 1;
    DieIfNegative(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on),
                  "setsockopt");
  }
  return fd;
}

void WatchEdges(int epoll, int fd, uint64_t data) {
  epoll_event event = {};
  event.events = EPOLLIN | EPOLLOUT | EPOLLET;
  event.data.u64 = data;
  DieIfNegative(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
}

}  // namespace evkit
