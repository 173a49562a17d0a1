// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/dns/numeric.h"

#include <netdb.h>
#include <netinet/in.h>

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "evkit/net/dns/resolver.h"
#include "evkit/net/socket_address.h"

namespace evkit {
namespace {

class Kind {
 public:
  constexpr Kind(int type_in, int protocol_in)
      : type(type_in), protocol(protocol_in) {}

  int type;
  int protocol;
};

// In the order of glibc.
constexpr Kind kKinds[] = {
    {SOCK_STREAM, IPPROTO_TCP}, {SOCK_DGRAM, IPPROTO_UDP}, {SOCK_RAW, 0}};

bool Matches(const Kind& kind, const AddressHints& hints) {
  if (hints.protocol != 0 && hints.protocol != kind.protocol) return false;
  return hints.type == 0 || hints.type == kind.type;
}

std::optional<int> PortOf(const Service& service) {
  if (service.text().empty()) return 0;
  for (const char c : service.text()) {
    if (!absl::ascii_isdigit(c)) return std::nullopt;
  }
  int port = 0;
  if (!absl::SimpleAtoi(service.text(), &port)) return std::nullopt;
  return port;
}

}  // namespace

std::optional<std::vector<AddressInfo>> ResolveNumeric(
    const std::string& host, const Service& service,
    const AddressHints& hints) {
  if (hints.type == SOCK_RAW) return std::nullopt;
  const std::optional<int> port = PortOf(service);
  if (!port.has_value()) return std::nullopt;
  const absl::StatusOr<SocketAddress> address =
      SocketAddress::FromIp(host, *port);
  if (!address.ok()) return std::nullopt;
  if (hints.family != AF_UNSPEC && hints.family != address->family()) {
    return std::nullopt;
  }
  std::vector<AddressInfo> answer;
  for (const Kind& kind : kKinds) {
    if (!Matches(kind, hints)) continue;
    AddressInfo& info = answer.emplace_back();
    info.family = address->family();
    info.type = kind.type;
    info.protocol = kind.protocol;
    info.address = *address;
  }
  if (answer.empty()) return std::nullopt;
  if ((hints.flags & AI_CANONNAME) != 0) answer[0].canonical_name = host;
  return answer;
}

std::optional<NameInfo> ResolveNumericName(const SocketAddress& address,
                                           int flags) {
  constexpr int kNumbers = NI_NUMERICHOST | NI_NUMERICSERV;
  if ((flags & kNumbers) != kNumbers) return std::nullopt;
  if (address.family() != AF_INET && address.family() != AF_INET6) {
    return std::nullopt;
  }
  NameInfo name;
  name.host = address.host();
  name.service = std::to_string(address.port());
  return name;
}

}  // namespace evkit
