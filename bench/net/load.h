// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// What the kinds of load have in common: their options, and their result.

#ifndef EVKIT_BENCH_NET_LOAD_H_
#define EVKIT_BENCH_NET_LOAD_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "evkit/bench/net/histogram.h"
#include "evkit/bench/net/server_watch.h"

namespace evkit {

class LoadOptions {
 public:
  std::string mode;
  int port = 0;
  int64_t server_pid = 0;  // 0: the server's use is not looked at.
  int64_t connections = 1;
  int64_t size = 64;       // Of a request, and of an echo.
  int64_t reply_size = 0;  // Of a reply, if it is no echo.
  int64_t depth = 1;       // Requests under way on a connection.
  int64_t requests = 0;    // How many in all; 0: for `seconds`.
  double seconds = 1;
  double warm_up = 0.1;  // Seconds that do not count.
  double rate = 0;       // Requests a second whatever comes back; 0: the
                         // next one follows the reply.
  // Connections besides that echo 64 KiB each time, 8 under way; they are no
  // requests, and only how much they move counts.
  int64_t heavy = 0;
  bool verify = false;  // Look at every byte of a reply.
  // The next request on each connection, all at once, when all have their reply
  // and the server sleeps: what it does for them depends on no race then.
  bool lock_step = false;
};

// Counts requests and their latencies between Begin() and End().
class LoadResult {
 public:
  // With a number of requests to do, all of them count; else those after the
  // warm-up.
  explicit LoadResult(const LoadOptions& options);

  // Call when the load begins.
  void Begin();
  void Add(uint64_t latency_ns, uint64_t now);
  // Whether the last request is done or the time is over; if so, that was the
  // end.
  bool IsOver(uint64_t now);
  // The end of the load, if it was not yet.
  void End(uint64_t now);
  // Prints one line of JSON.
  void Print() const;

  uint64_t lost = 0;                // Datagrams.
  uint64_t heavy_bytes = 0;         // Echoed on the heavy connections.
  double bytes_per_connection = 0;  // Resident memory.

 private:
  const LoadOptions& options_;
  Histogram latencies_;
  uint64_t began_ = 0;
  uint64_t ended_ = 0;
  bool warming_up_ = false;
  ServerUse use_;
};

// The bytes that requests, echoes and served files consist of: byte `i` of a
// connection's stream is i % kPatternPeriod. Where `i` is anything below
// kPatternPeriod, `size` bytes can be had from `i` on.
inline constexpr size_t kPatternPeriod = 251;
std::vector<char> MakePattern(size_t size);

// A socket connected to 127.0.0.1:port. Dies if there is none to be had.
int ConnectTo(int port, int type, int flags);

// An epoll that watches `fd` edge-triggered, with `data`.
void WatchEdges(int epoll, int fd, uint64_t data);

// Mode echo: connections that stay, with or without a fixed rate. Also the
// requests for files: those of another size than their replies.
void RunStreamLoad(const LoadOptions& options, LoadResult& result);
// Mode accept: connect, echo one request, reset.
void RunAcceptLoad(const LoadOptions& options, LoadResult& result);
// Mode idle: what a connection costs that has been used and is quiet now.
void RunIdleLoad(const LoadOptions& options, LoadResult& result);
// Mode udp.
void RunDatagramLoad(const LoadOptions& options, LoadResult& result);

}  // namespace evkit

#endif  // EVKIT_BENCH_NET_LOAD_H_
