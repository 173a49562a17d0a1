// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// What the server used, as the kernel counts it: looked at from the client, so
// that servers in any language are measured alike, and only between the two
// ends of a measurement.

#ifndef EVKIT_BENCH_NET_SERVER_WATCH_H_
#define EVKIT_BENCH_NET_SERVER_WATCH_H_

#include <cstdint>

namespace evkit {

class ServerUse {
 public:
  uint64_t cpu_ns = 0;   // On a core, all threads.
  uint64_t wait_ns = 0;  // Ready to run, and waiting for a core.
};

// Of process `pid`, since it began; zeros if `pid` is 0.
ServerUse ReadServerUse(int64_t pid);

// Resident memory; 0 if `pid` is 0.
uint64_t ReadResidentBytes(int64_t pid);

// Returns when the main thread sleeps, at once if `pid` is 0.
void WaitUntilAsleep(int64_t pid);

// A monotonic clock.
uint64_t NowNs();

}  // namespace evkit

#endif  // EVKIT_BENCH_NET_SERVER_WATCH_H_
