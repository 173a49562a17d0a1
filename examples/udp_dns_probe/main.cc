// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Which of these servers of the DNS answers, what, and how fast?
//
//   $ bazel run //examples/udp_dns_probe -- 9.9.9.9,1.1.1.1 example.com A AAAA
//   9.9.9.9:53 example.com A: NOERROR, 1 answers, 12.4 ms
//     example.com 3600 A 192.0.2.1
//   ...

#include <cstdint>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "evkit/examples/udp_dns_probe/dns_message.h"
#include "evkit/examples/udp_dns_probe/probe.h"
#include "evkit/loop/coro/run.h"
#include "evkit/net/socket_address.h"

namespace evkit {
namespace {

// "9.9.9.9", "9.9.9.9:5353", "::1", "[::1]:5353".
absl::StatusOr<SocketAddress> ParseServer(absl::string_view text) {
  absl::StatusOr<SocketAddress> address = SocketAddress::FromIp(text, 53);
  return address.ok() ? address : SocketAddress::Parse(text);
}

int Main(int argc, char** argv) {
  if (argc < 3) {
    std::cerr << "usage: udp_dns_probe SERVER[,SERVER...] NAME [TYPE...]\n";
    return 2;
  }
  std::vector<SocketAddress> servers;
  for (const absl::string_view text : absl::StrSplit(argv[1], ',')) {
    const absl::StatusOr<SocketAddress> server = ParseServer(text);
    if (!server.ok() || server->family() == AF_UNIX) {
      std::cerr << "not an address: " << text << "\n";
      return 2;
    }
    servers.push_back(*server);
  }
  std::vector<uint16_t> types;
  for (int i = 3; i < argc; ++i) {
    const absl::StatusOr<uint16_t> type = DnsTypeFromName(argv[i]);
    if (!type.ok()) {
      std::cerr << type.status().message() << "\n";
      return 2;
    }
    types.push_back(*type);
  }
  if (types.empty()) types.push_back(*DnsTypeFromName("A"));
  const absl::StatusOr<ProbeResult> result =
      Run(Probe(std::move(servers), argv[2], std::move(types)));
  if (!result.ok()) {
    std::cerr << result.status() << "\n";
    return 1;
  }
  std::cout << result->text;
  return result->all_answered ? 0 : 1;
}

}  // namespace
}  // namespace evkit

int main(int argc, char** argv) { return evkit::Main(argc, argv); }
