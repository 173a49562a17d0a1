// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Asks several servers at the same time, and says what each answered and how
// fast.

#ifndef EVKIT_EXAMPLES_UDP_DNS_PROBE_PROBE_H_
#define EVKIT_EXAMPLES_UDP_DNS_PROBE_PROBE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "evkit/examples/udp_dns_probe/dns_client.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/net/socket_address.h"

namespace evkit {

class ProbeResult {
 public:
  ProbeResult() = default;

  std::string text;  // Lines.
  bool all_answered = true;
};

// Each server is asked all types at the same time. What is reported is in the
// order of `servers`, and of `types` for each.
Coro<ProbeResult> Probe(std::vector<SocketAddress> servers, std::string name,
                        std::vector<uint16_t> types,
                        DnsRetryOptions options = DnsRetryOptions());

}  // namespace evkit

#endif  // EVKIT_EXAMPLES_UDP_DNS_PROBE_PROBE_H_
